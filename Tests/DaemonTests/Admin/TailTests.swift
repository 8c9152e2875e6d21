import Glibc
import Runnable
import Testing

/// `headgate tail`
@Suite(.blocking, .timeLimit(.minutes(1)))
struct TailTests {
    /// A follower that every loop knows of.
    private func follow(_ admin: AdminSocket, _ arguments: String...) throws -> Subprocess {
        let before = try admin.status()["followers"]?.integer ?? 0
        let process = try Subprocess(Headgate.path, ["tail", "--socket", admin.path] + arguments)
        try eventually("it does not follow: \(process.stderr)") {
            try admin.status()["followers"]?.integer == before + 1
        }
        return process
    }

    private func lines(_ follower: Subprocess, _ count: Int) throws -> [String] {
        try eventually("not \(count) lines: \(follower.stdout)") {
            let lines = follower.stdout.split(separator: "\n").map(String.init)
            return lines.count >= count ? lines : nil
        }
    }

    @Test func `finished requests come as they end, as in the access log`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon("loops: 2\n" + EndpointTests.configuration)
        #expect(try daemon.post("/invoke", #"{"input":"before"}"#).status == 200)
        let all = try follow(admin, "--json")
        let errors = try follow(admin, "--json", "--errors")
        let words = try follow(admin)
        #expect(
            try daemon.post("/invoke", #"{"input":"a secret prompt"}"#, fields: ["X-Request-Id": "one"]).status == 200
        )
        #expect(try daemon.post("/invoke", "{", fields: ["X-Request-Id": "two"]).status == 422)
        #expect(try daemon.get("/nothing").status == 404)
        let records = try lines(all, 3).map { try Value(parsing: $0) }
        #expect(records.count == 3)
        #expect(Set(records.compactMap { $0["outcome"]?.string }) == ["ok", "client_error"])
        let logged = try daemon.accessLines(4)
        for record in records {
            let id = record["id"]
            let line = try #require(logged.first { $0["id"] == id })
            for key in ["route", "endpoint", "status", "outcome", "bytes", "total_ms", "client", "error", "detail"] {
                #expect(record[key] == line[key], "\(key)")
            }
        }
        #expect(try lines(errors, 2).count == 2)
        let text = try lines(words, 3)
        #expect(text.contains { $0.contains("ok") && $0.contains("200 invoke") && $0.hasSuffix("one") })
        #expect(!(text.joined() + all.stdout).contains("secret"))
        #expect(try daemon.stop() == .exited(0))
        for follower in [all, errors, words] {
            #expect(try follower.wait() == .exited(1))
            #expect(follower.stderr == "process \(daemon.process.pid) has ended\n")
        }
    }

    @Test func `filters are the daemon's`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(
            """
            backends: {mock: {dialect: mock}, bad: {dialect: mock, mock: {status: [500*1000]}}}
            models: {demo: {backend: mock}, broken: {backend: bad}}
            routes: {/: {model: demo}, "/a&b": {model: demo}, /bad: {model: broken}}
            """
        )
        let route = try follow(admin, "--json", "--route", "/a&b")
        let outcome = try follow(admin, "--json", "--outcome", "upstream_error")
        for path in ["/invoke", "/bad/invoke", "/a&b/invoke"] { _ = try daemon.post(path, #"{"input":"a"}"#) }
        #expect(try daemon.stop() == .exited(0))
        #expect(try route.wait() == .exited(1))
        #expect(try outcome.wait() == .exited(1))
        let routes = try lines(route, 1).map { try Value(parsing: $0)["route"]?.string }
        #expect(routes == ["/a&b"])
        let outcomes = try lines(outcome, 1).map { try Value(parsing: $0)["route"]?.string }
        #expect(outcomes == ["/bad"])
        #expect(try admin.run("tail", "--outcome", "sad").ending == .exited(1))
    }

    @Test func `records come though the access log is off`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon("log: {access: false}\n" + EndpointTests.configuration)
        let follower = try follow(admin, "--json")
        #expect(try daemon.get("/health").status == 200)
        #expect(try lines(follower, 1).count == 1)
        #expect(daemon.logged("request").isEmpty)
    }

    @Test func `a follower that does not read loses records and is told how many`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon("log: {access: false}\nloops: 1\n" + EndpointTests.configuration)
        let slow = try UnixConnection(admin.path)
        try slow.send("GET /tail HTTP/1.1\r\nHost: h\r\n\r\n")
        try eventually("it does not follow") { try admin.status()["followers"]?.integer == 1 }
        let total = 6000
        let batch = 500
        let id = String(repeating: "x", count: 120)
        let connection = try daemon.connect()
        for _ in 0..<total / batch {
            for _ in 0..<batch {
                try connection.send("GET /nothing HTTP/1.1\r\nHost: h\r\nX-Request-Id: \(id)\r\n\r\n")
            }
            for _ in 0..<batch { #expect(try connection.reply().status == 404) }
        }
        // Every request was answered; nobody waited for the follower.
        #expect(try daemon.get("/health").status == 200)
        var kept = 0
        var dropped = 0
        var hasSeenLast = false
        try slow.readLines { line in
            guard let value = try? Value(parsing: line) else { return true }
            switch value["msg"]?.string {
            case "dropped": dropped += value["count"]?.integer ?? 0
            case "request": kept += 1
            default: return true  // a chunk's size may be JSON too
            }
            hasSeenLast = kept + dropped == total + 1
            return !hasSeenLast
        }
        #expect(hasSeenLast, "kept \(kept), dropped \(dropped)")
        #expect(dropped > 0)
        #expect(kept > 100)
    }

    @Test func `over a handover both processes are followed, then the new one`() throws {
        let admin = try AdminSocket()
        let mock = try MockUpstream("--tokens 5", "--stall 2")
        let text = "handover: {socket: \"\(admin.directory.file("handover"))\"}\n" + mock.configuration()
        let first = try admin.daemon(text)
        let follower = try follow(admin, "--json")
        let stream = try first.connect()
        try stream.post("/stream", #"{"input":"a"}"#, fields: ["X-Request-Id": "old"])
        try stream.replySoFar { $0.events.count >= 3 }
        let second = try admin.daemon(text)
        try eventually("it does not follow: \(follower.stderr)") {
            follower.stderr.contains("following process \(second.process.pid)\n")
        }
        let both = "process \(first.process.pid) hands over to process \(second.process.pid)"
        #expect(follower.stderr.contains(both), "\(follower.stderr)")
        #expect(try second.get("/health").status == 200)
        #expect(try lines(follower, 1)[0].contains("health"))
        first.process.signal(SIGTERM)
        #expect(try first.process.wait() == .exited(0))
        #expect(try lines(follower, 2)[1].contains(#""id":"old""#))
        try eventually("the end is not said") { follower.stderr.contains("process \(first.process.pid) has ended\n") }
        #expect(try second.get("/health").status == 200)
        #expect(try lines(follower, 3).count == 3)
        #expect(try second.stop() == .exited(0))
        #expect(try follower.wait() == .exited(1))
        #expect(follower.stderr.hasSuffix("process \(second.process.pid) has ended\n"))
    }

    @Test func `it ends when its reader has gone, also where nobody is told of broken pipes`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(EndpointTests.configuration)
        let script = """
            trap '' PIPE
            { "$0" tail --json --socket "$1"; echo "tail ended with $?" >&2; } | head -n 1
            """
        let process = try Subprocess("/bin/sh", ["-c", script, Headgate.path, admin.path])
        try eventually("it does not follow") { try admin.status()["followers"]?.integer == 1 }
        #expect(try daemon.get("/health").status == 200)
        // Nothing more comes, and yet it ends.
        #expect(try process.wait() == .exited(0))
        #expect(process.stderr.contains("tail ended with 1\n"), "\(process.stderr)")
        try eventually("it is still followed") { try admin.status()["followers"]?.integer == 0 }
    }

    @Test(arguments: ["status", "status --json", "top --json", "top --once", "reload"])
    func `what cannot be written is an error`(command: String) throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(EndpointTests.configuration)
        let script = "exec \"$0\" \(command) --socket \"$1\" >/dev/full"
        let process = try Subprocess("/bin/sh", ["-c", script, Headgate.path, admin.path])
        #expect(try process.wait() == .exited(1))
        #expect(process.stderr == "standard output: No space left on device\n")
        withExtendedLifetime(daemon) {}
    }

    @Test func `followers who leave are forgotten`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(EndpointTests.configuration)
        let follower = try follow(admin)
        follower.signal(SIGKILL)
        try eventually("it is still followed") { try admin.status()["followers"]?.integer == 0 }
        #expect(try daemon.get("/health").status == 200)
    }
}

/// A client's end of a Unix socket.
final class UnixConnection {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let result = withUnixAddress(path) { connect(descriptor, $0, $1) }
        guard result == 0 else { throw NotYet(description: "connect to \(path): errno \(errno)") }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw NotYet(description: "send: errno \(errno)")
        }
    }

    /// Reads lines, chunk sizes among them, until `take` returns false or nothing more comes.
    func readLines(_ take: (String) -> Bool) throws {
        let deadline = Deadline()
        var rest: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&poller, 1, deadline.milliseconds) > 0 else { throw NotYet(description: "nothing more came") }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            rest.append(contentsOf: buffer[..<count])
            var start = 0
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                guard take(String(decoding: rest[start..<end], as: UTF8.self)) else { return }
                start = end + 1
            }
            rest.removeFirst(start)
        }
    }
}
