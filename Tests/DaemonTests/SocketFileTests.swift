import Glibc
import Runnable
import Testing

/// Whose the files of Unix sockets are, while processes come and go.
@Suite(.blocking, .timeLimit(.minutes(2)))
struct SocketFileTests {
    /// A directory, the configuration of a daemon that can be replaced, and Unix sockets in it.
    private struct Place {
        let directory: TemporaryDirectory
        let configuration: String

        init(_ more: String = "") throws {
            directory = try TemporaryDirectory()
            configuration =
                "handover: {socket: \"\(directory.file("handover"))\"}\n" + EndpointTests.configuration + more
        }

        func listen(_ names: String...) -> String {
            "[\"127.0.0.1:0\"" + names.map { ", \"unix:\(directory.file($0))\"" }.joined() + "]"
        }

        func exists(_ name: String) -> Bool { access(directory.file(name), F_OK) == 0 }
    }

    @Test(arguments: ["admin: {socket: /nonexistent/a}", "admin: {socket: \"DIR/a\", group: no-such-group}"])
    func `a process that fails to start leaves the sockets of the old one, and none of its own`(mistake: String) throws
    {
        let place = try Place()
        let daemon = try Daemon(
            place.configuration,
            listen: place.listen("old"),
            listeners: 2,
            directory: place.directory
        )
        let admin = mistake.replacing("DIR", with: place.directory.path)
        try daemon.rewrite(place.configuration + "\n" + admin, listen: place.listen("new"))
        let result = try Headgate.run("handover", "--socket", place.directory.file("handover"))
        #expect(result.ending == .exited(1))
        #expect(result.stderr.contains("the old process goes on"))
        #expect(try answers(place.directory.file("old")))
        #expect(!place.exists("new"))
        #expect(try daemon.stop() == .exited(0))
        #expect(!place.exists("old"))
    }

    @Test func `a process that drains leaves its path to the next one`() throws {
        let mock = try MockUpstream("--tokens 1000", "--stall 2")
        let directory = try TemporaryDirectory()
        let path = directory.file("s")
        let listen = "[\"127.0.0.1:0\", \"unix:\(path)\"]"
        let first = try Daemon(mock.configuration(), listen: listen, listeners: 2, directory: directory)
        let connection = try first.connect()
        try connection.post("/stream", #"{"input":"Hello"}"#)
        try connection.replySoFar { $0.events.count >= 3 }
        first.process.signal(SIGTERM)
        try eventually("no drain") { !first.logged("draining").isEmpty }
        try eventually("it still listens") { try !answers(path) }
        let second = try Daemon(mock.configuration(), listen: listen, listeners: 2, directory: directory)
        #expect(try answers(path))
        first.process.signal(SIGTERM)
        #expect(try first.process.wait() == .exited(0))
        #expect(try answers(path))
        #expect(try second.stop() == .exited(0))
        #expect(access(path, F_OK) != 0)
    }

    @Test(arguments: [("0666", "0600"), ("0600", "0666")])
    func `a new process gives a socket its new permissions, as soon as it serves`(modes: (String, String)) throws {
        let place = try Place()
        let path = place.directory.file("s")
        func listen(_ mode: String) -> String { "[\"127.0.0.1:0\", {address: \"unix:\(path)\", mode: \"\(mode)\"}]" }
        func permissions() -> mode_t {
            var status = stat()
            return lstat(path, &status) == 0 ? status.st_mode & 0o777 : 0
        }
        let directory = place.directory
        let first = try Daemon(place.configuration, listen: listen(modes.0), listeners: 2, directory: directory)
        #expect(permissions() == mode_t(modes.0, radix: 8))
        // One that fails changes nothing.
        try first.rewrite(place.configuration + "\nadmin: {socket: /nonexistent/a}", listen: listen(modes.1))
        #expect(try Headgate.run("serve", "--config", directory.file("headgate.yaml")).ending == .exited(1))
        #expect(permissions() == mode_t(modes.0, radix: 8))
        let second = try Daemon(place.configuration, listen: listen(modes.1), listeners: 2, directory: directory)
        #expect(try first.process.wait() == .exited(0))
        try eventually("the permissions stay") { permissions() == mode_t(modes.1, radix: 8) }
        #expect(try answers(path))
        #expect(try second.stop() == .exited(0))
    }

    @Test(arguments: ["file", "other daemon"])
    func `an admin socket that is another's stays what it is, and the start fails`(owner: String) throws {
        let place = try Place()
        let other = try AdminSocket()
        let daemon = try Daemon(place.configuration, directory: place.directory)
        var path = other.path
        var neighbour: Daemon?
        if owner == "file" {
            path = try place.directory.write("precious", to: "file")
        } else {
            neighbour = try other.daemon(EndpointTests.configuration)
        }
        try daemon.rewrite(place.configuration + "\nadmin: {socket: \"\(path)\"}")
        let result = try Headgate.run("serve", "--config", place.directory.file("headgate.yaml"))
        #expect(result.ending == .exited(1))
        #expect(result.stderr.contains(path), "\(result.stderr)")
        #expect(daemon.process.poll() == nil)
        #expect(try daemon.get("/health").status == 200)
        if let neighbour {
            #expect(try other.status()["pid"]?.integer == Int(neighbour.process.pid))
        } else {
            #expect(text(of: path) == "precious")
        }
    }

    @Test func `what a killed start has left is removed by the next one`() throws {
        let place = try Place()
        let directory = place.directory
        let admin = "\nadmin: {socket: \"\(directory.file("admin.sock"))\"}"
        let gone = try Subprocess("true", [])
        #expect(try gone.wait() == .exited(0))
        // As a process leaves them that is killed before it is ready: sockets on which nobody listens.
        let names = ["admin.sock.\(gone.pid)", "admin.sock.\(getpid())", "admin.sock.x", "admin.socket", "s"]
        for name in names {
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            #expect(withUnixAddress(directory.file(name)) { bind(descriptor, $0, $1) } == 0)
            close(descriptor)
        }
        let file = try directory.write("precious", to: "admin.sock.\(gone.pid)1")
        let daemon = try Daemon(
            place.configuration + admin,
            listen: place.listen("s"),
            listeners: 2,
            directory: directory
        )
        #expect(try answers(directory.file("s")))
        #expect(!place.exists(names[0]))
        for name in names[1...3] { #expect(place.exists(name), "\(name) may be somebody's") }
        #expect(text(of: file) == "precious")
        #expect(try daemon.stop() == .exited(0))
    }

    @Test func `a handover socket does not replace a file`() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("precious", to: "file")
        let daemon = try Daemon("handover: {socket: \"\(path)\"}\n" + EndpointTests.configuration, directory: directory)
        try eventually("not reported") {
            daemon.logged("no handover from this process").first?["reason"]?.string?.contains("no socket is in the way")
                == true
        }
        #expect(text(of: path) == "precious")
        #expect(try daemon.stop() == .exited(0))
        #expect(text(of: path) == "precious")
    }

    private func answers(_ path: String) throws -> Bool {
        try curl("--unix-socket", path, "http://localhost/health").ending == .exited(0)
    }
}
