import Glibc
import Runnable
import Testing

/// Who is let in, and whose the socket's file is.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct AdminSocketTests {
    private static let isRoot = geteuid() == 0

    private func permissions(_ path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
    }

    /// Asks for the status as somebody else: user, group and supplementary groups.
    private func ask(_ path: String, uid: Int, gid: Int, groups: String) throws -> (
        status: String, curl: Subprocess.Ending
    ) {
        let groups = groups.isEmpty ? ["--clear-groups"] : ["--groups", groups]
        let curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", path, "http://h/status"]
        let result = try Subprocess.run("setpriv", ["--reuid", "\(uid)", "--regid", "\(gid)"] + groups + curl)
        return (result.stdout, result.ending)
    }

    @Test func `the socket is there, for its owner and group`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(EndpointTests.configuration)
        #expect(permissions(admin.path) == 0o660)
        try eventually("not logged") { daemon.logged("admin socket").first?["path"]?.string == admin.path }
        let status = try admin.status()
        #expect(status["pid"]?.integer == Int(daemon.process.pid))
        #expect(status["state"]?.string == "serving")
        #expect(status["configuration"]?["file"]?.string == admin.directory.file("headgate.yaml"))
        #expect(status["listen"]?.array?.compactMap(\.string) == ["127.0.0.1:\(daemon.port)"])
        #expect(try daemon.stop() == .exited(0))
        #expect(permissions(admin.path) == nil, "the file stays")
    }

    @Test(.enabled(if: isRoot, "only root can be somebody else"))
    func `strangers are refused, members of the group are not`() throws {
        let admin = try AdminSocket()
        chmod(admin.directory.path, 0o755)
        let daemon = try admin.daemon(EndpointTests.configuration, more: ", group: \"54321\"")
        // The permissions keep them out.
        #expect(try ask(admin.path, uid: 65_533, gid: 65_533, groups: "").curl == .exited(7))
        #expect(try ask(admin.path, uid: 65_533, gid: 54_321, groups: "").status == "200")
        #expect(try ask(admin.path, uid: 65_533, gid: 65_533, groups: "1,54321").status == "200")
        // Where permissions are too wide, the peer's identity still counts.
        chmod(admin.path, 0o666)
        #expect(try ask(admin.path, uid: 65_533, gid: 65_533, groups: "1,2").status == "403")
        let refusals = try eventually("not logged") {
            let lines = daemon.logged("admin access refused")
            return lines.isEmpty ? nil : lines
        }
        #expect(refusals.count == 1)
        #expect(refusals.first?["uid"]?.string == "65533")
        #expect(refusals.first?["level"]?.string == "warning")
        #expect(try ask(admin.path, uid: 0, gid: 65_533, groups: "").status == "200")
    }

    @Test(.enabled(if: isRoot, "only root can be somebody else"))
    func `members of the group leave room for root`() throws {
        let admin = try AdminSocket()
        chmod(admin.directory.path, 0o755)
        let daemon = try admin.daemon(EndpointTests.configuration, more: ", group: \"54321\"")
        // Every connection stays: it follows, or it owes the rest of a body.
        let who = ["--reuid", "65533", "--regid", "54321", "--clear-groups"]
        let curl = ["curl", "-sN", "--parallel", "--parallel-immediate", "--parallel-max", "60"]
        let follow = [String](repeating: "http://h/tail", count: 20)
        let followers = try Subprocess("setpriv", who + curl + ["--unix-socket", admin.path] + follow)
        try eventually("nobody follows") { try admin.status()["followers"]?.integer == 12 }
        #expect(try admin.run("top", "--json").ending == .exited(0))
        let tail = try Subprocess(Headgate.path, ["tail", "--socket", admin.path])
        try eventually("root cannot follow") { try admin.status()["followers"]?.integer == 13 }
        let owe = [String](repeating: "http://h/kill", count: 40)
        let body = ["-H", "content-length: 9", "-d", "x"]
        let owing = try Subprocess("setpriv", who + curl + body + ["--unix-socket", admin.path] + owe)
        try eventually("not full") { daemon.socketCount >= 26 }
        for _ in 0..<20 { #expect(try admin.run("status").ending == .exited(0)) }
        for process in [followers, tail, owing] { process.signal(SIGKILL) }
        #expect(try daemon.stop() == .exited(0))
    }

    @Test func `mode and switching off`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(EndpointTests.configuration, more: ", mode: \"0600\"")
        #expect(permissions(admin.path) == 0o600)
        try daemon.stop()
        let without = try Daemon(
            "admin: {socket: none}\n" + EndpointTests.configuration,
            directory: admin.directory,
            environment: ["RUNTIME_DIRECTORY": admin.directory.path]
        )
        #expect(permissions(admin.path) == nil)
        #expect(try admin.run("status").ending == .exited(1))
        try without.stop()
        // By itself it goes where systemd says.
        let managed = try Daemon(
            EndpointTests.configuration,
            directory: admin.directory,
            environment: ["RUNTIME_DIRECTORY": "\(admin.directory.path):/nonexistent"]
        )
        #expect(try admin.status()["pid"]?.integer == Int(managed.process.pid))
    }

    @Test func `a dead daemon's file is replaced, a living one's is not`() throws {
        let admin = try AdminSocket()
        let first = try admin.daemon(EndpointTests.configuration)
        let second = try Headgate.run("serve", "--config", admin.directory.file("headgate.yaml"))
        #expect(second.ending == .exited(1))
        #expect(second.stderr.contains(admin.path))
        #expect(second.stderr.lowercased().contains("address already in use"))
        #expect(try admin.status()["pid"]?.integer == Int(first.process.pid))
        first.process.signal(SIGKILL)
        #expect(try first.process.wait() == .killed(SIGKILL))
        #expect(permissions(admin.path) != nil)
        let gone = try admin.run("status")
        #expect(gone.ending == .exited(1))
        #expect(gone.stderr.contains(admin.path))
        let third = try admin.daemon(EndpointTests.configuration)
        #expect(try admin.status()["pid"]?.integer == Int(third.process.pid))
    }

    @Test func `a path that has become another's is left alone`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(EndpointTests.configuration)
        let other = try AdminSocket()
        let next = try other.daemon(EndpointTests.configuration)
        #expect(rename(other.path, admin.path) == 0)
        #expect(try admin.status()["pid"]?.integer == Int(next.process.pid))
        try daemon.stop()
        #expect(try admin.status()["pid"]?.integer == Int(next.process.pid))
    }

    @Test func `a group that does not exist is 78`() throws {
        let admin = try AdminSocket()
        let text = "listen: 127.0.0.1:0\nadmin: {socket: \"\(admin.path)\", group: no-such-group}\n"
        let file = try admin.directory.write(text + EndpointTests.configuration, to: "headgate.yaml")
        let result = try Headgate.run("serve", "--config", file)
        #expect(result.ending == .exited(78))
        #expect(result.stderr.contains("admin.group: no such group"))
    }

    @Test func `a stopped daemon is not waited for`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(EndpointTests.configuration)
        daemon.process.signal(SIGSTOP)
        let result = try admin.run("status")
        #expect(result.ending == .exited(1))
        #expect(result.stderr.contains("does not answer"))
        daemon.process.signal(SIGCONT)
        #expect(try admin.run("status").ending == .exited(0))
    }

    @Test func `where the socket is`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(EndpointTests.configuration)
        let variable = ["HEADGATE_ADMIN_SOCKET": admin.path]
        #expect(try Headgate.run("status", environment: variable).ending == .exited(0))
        let file = admin.directory.file("headgate.yaml")
        #expect(try Headgate.run("status", "--config", file).ending == .exited(0))
        let wrong = try Headgate.run("status", "--socket", "/nonexistent/a", environment: variable)
        #expect(wrong.ending == .exited(1))
        #expect(wrong.stderr.contains("/nonexistent/a: no daemon listens there"))
        withExtendedLifetime(daemon) {}
    }

    @Test func `a configuration leads to its own daemon, or to none`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(EndpointTests.configuration)
        let variable = ["HEADGATE_ADMIN_SOCKET": admin.path]
        let commands = [["status"], ["top", "--once"], ["tail"], ["kill", "x"], ["reload"], ["drain"]]
        func expectFailure(_ file: String, _ text: String) throws {
            for command in commands {
                let arguments = command + ["--config", file]
                let result = try Subprocess.run(Headgate.path, arguments, environment: variable)
                #expect(result.ending == .exited(1), "\(command)")
                #expect(result.stderr.contains(text), "\(command): \(result.stderr)")
            }
        }
        let other = try admin.directory.write(EndpointTests.configuration, to: "other.yaml")
        try expectFailure(other, "no admin.socket in \(other); give --socket")
        let off = try admin.directory.write("admin: {socket: none}\n" + EndpointTests.configuration, to: "off.yaml")
        try expectFailure(off, "no admin.socket in \(off); give --socket")
        let broken = try admin.directory.write("admin: [", to: "broken.yaml")
        try expectFailure(broken, "no admin.socket in \(broken); give --socket")
        let missing = admin.directory.file("missing.yaml")
        try expectFailure(missing, "\(missing): cannot be read: No such file or directory")
        // The same socket in two files: whose daemon it is counts.
        let twin = "admin: {socket: \"\(admin.path)\"}\n" + EndpointTests.configuration
        try expectFailure(
            try admin.directory.write(twin, to: "twin.yaml"),
            "serves \(admin.directory.file("headgate.yaml"))"
        )
        #expect(try daemon.get("/ready").status == 200)
        // A mistake elsewhere in the file is no hindrance, and another name of the file is none either.
        try daemon.rewrite("admin: {socket: \"\(admin.path)\"}\nsurprise: 1\n")
        let name = admin.directory.file("link.yaml")
        #expect(symlink("headgate.yaml", name) == 0)
        for file in [admin.directory.file("headgate.yaml"), name] {
            #expect(try Headgate.run("status", "--config", file).ending == .exited(0))
        }
    }

    @Test func `it is HTTP, and says what is wrong`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(EndpointTests.configuration)
        func ask(_ arguments: String...) throws -> (code: String, body: String) {
            let all = ["-s", "--max-time", "30", "--unix-socket", admin.path, "-w", "\n%{http_code}"] + arguments
            let lines = try Subprocess.run("curl", all).stdout.split(separator: "\n").map(String.init)
            return (lines.last ?? "", lines.dropLast().joined())
        }
        #expect(try ask("http://h/status").code == "200")
        #expect(try ask("http://h/nothing").code == "404")
        // What changes something is POST.
        for path in ["kill", "drain", "reload"] { #expect(try ask("http://h/\(path)").code == "404") }
        #expect(try ask("-d", "x", "http://h/kill").code == "400")
        #expect(try ask("http://h/requests?limit=1001").code == "400")
        #expect(try ask("http://h/requests?sort=x").body.contains("age, tokens, waiting"))
        #expect(try ask("http://h/tail?outcome=x").body.contains("client_gone"))
        #expect(try daemon.get("/health").status == 200)
        #expect(try admin.status()["state"]?.string == "serving")
    }
}
