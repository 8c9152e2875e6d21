import Glibc
import Runnable
import Testing

/// How one process takes over from another.
@Suite(.blocking, .timeLimit(.minutes(2)))
struct HandoverTests {
    /// A directory, and the key of a handover socket in it.
    private func place() throws -> (directory: TemporaryDirectory, key: String, socket: String) {
        let directory = try TemporaryDirectory()
        let socket = directory.file("handover")
        return (directory, "handover: {socket: \"\(socket)\"}", socket)
    }

    @Test(arguments: [(2, 2), (3, 1), (1, 3)])
    func `under load no connection is refused and no stream is cut`(loops: (Int, Int)) throws {
        let mock = try MockUpstream("--tokens 30", "--interval 10ms")
        let (directory, key, _) = try place()
        let first = try Daemon(mock.configuration(loops: loops.0, more: key), directory: directory)
        let load = SteadyLoad(port: first.port, kept: 4, fresh: 4, streams: 8, events: 32)
        try load.wait(for: 20, \.answers)
        let second = try Daemon(mock.configuration(loops: loops.1, more: key), directory: directory)
        #expect(second.port == first.port)
        #expect(try first.process.wait() == .exited(0))
        #expect(first.logged("stopped").first?["drained"]?.string == "true")
        try load.wait(for: 20, \.answers)
        let third = try Daemon(mock.configuration(loops: loops.0, more: key), directory: directory)
        #expect(try second.process.wait() == .exited(0))
        try load.wait(for: 16, \.streams)
        try load.stop()
        #expect(load.failures.all == [])
        for daemon in [first, second, third] { #expect(!daemon.logged("request").isEmpty) }
        #expect(try third.stop() == .exited(0))
    }

    @Test func `the command replaces the process, again and again`() throws {
        let mock = try MockUpstream("--tokens 30", "--interval 5ms")
        let (directory, key, socket) = try place()
        let daemon = try Daemon(mock.configuration(loops: 2, more: key), directory: directory)
        let load = SteadyLoad(port: daemon.port, kept: 2, fresh: 2, streams: 4, events: 32)
        var last: pid_t = daemon.process.pid
        for _ in 0..<2 {
            let result = try Headgate.run("handover", "--config", directory.file("headgate.yaml"))
            #expect(result.ending == .exited(0), "\(result.stderr)")
            let pid = try #require(result.stdout.split(separator: " ").compactMap { pid_t($0) }.first)
            #expect(pid != last)
            last = pid
            try load.wait(for: 20, \.answers)
        }
        #expect(try daemon.process.wait() == .exited(0))
        try load.stop()
        #expect(load.failures.all == [])
        kill(last, SIGTERM)
        try eventually("it stays") { access(socket, F_OK) != 0 }
    }

    @Test(arguments: ["routes: 5", "server: {max_body: nothing}", "listen"])
    func `one that fails to start leaves the old one serving`(mistake: String) throws {
        let (directory, key, socket) = try place()
        let daemon = try Daemon(EndpointTests.configuration + "\n" + key, directory: directory)
        let (taken, port) = try listeningSocket(backlog: 1)
        defer { close(taken) }
        if mistake == "listen" {
            try daemon.rewrite(
                EndpointTests.configuration + "\n" + key,
                listen: "[\"127.0.0.1:0\", \"127.0.0.1:\(port)\"]"
            )
        } else {
            try daemon.rewrite(EndpointTests.configuration + "\n\(key)\n\(mistake)")
        }
        let load = SteadyLoad(port: daemon.port, kept: 2, fresh: 2, streams: 0, events: 0)
        let started = try Headgate.run("serve", "--config", directory.file("headgate.yaml"))
        #expect(started.ending == .exited(mistake == "listen" ? 1 : 78))
        let result = try Headgate.run("handover", "--socket", socket)
        #expect(result.ending == .exited(1))
        let reason = mistake == "listen" ? "127.0.0.1:\(port)" : String(mistake.prefix { $0 != ":" })
        #expect(result.stderr.contains("the old process goes on") && result.stderr.contains(reason), "\(result.stderr)")
        try load.wait(for: 20, \.answers)
        try load.stop()
        #expect(load.failures.all == [])
        #expect(daemon.process.poll() == nil)
        // And it can still be replaced.
        try daemon.rewrite(EndpointTests.configuration + "\n" + key)
        let good = try Headgate.run("handover", "--socket", socket)
        #expect(good.ending == .exited(0), "\(good.stderr)")
        #expect(try daemon.process.wait() == .exited(0))
        let pid = try #require(good.stdout.split(separator: " ").compactMap { pid_t($0) }.first)
        kill(pid, SIGTERM)
        try eventually("it stays") { access(socket, F_OK) != 0 }
    }

    @Test func `a Unix socket keeps its path and its connections`() throws {
        let (directory, key, _) = try place()
        let path = directory.file("s")
        let configuration = EndpointTests.configuration + "\n" + key
        let listen = "[\"127.0.0.1:0\", \"unix:\(path)\"]"
        let first = try Daemon(configuration, listen: listen, listeners: 2, directory: directory)
        let second = try Daemon(configuration, listen: listen, listeners: 2, directory: directory)
        #expect(try first.process.wait() == .exited(0))
        let reply = try curl("--unix-socket", path, "http://localhost/health")
        #expect(reply.ending == .exited(0) && reply.stdout.contains("ok"), "\(reply)")
        #expect(try second.stop() == .exited(0))
        #expect(access(path, F_OK) != 0)
    }

    @Test func `an address that the next process does not want is closed, a new one is opened`() throws {
        let (directory, key, _) = try place()
        let path = directory.file("old")
        let configuration = EndpointTests.configuration + "\n" + key
        let first = try Daemon(
            configuration,
            listen: "[\"127.0.0.1:0\", \"unix:\(path)\"]",
            listeners: 2,
            directory: directory
        )
        let fresh = directory.file("new")
        let listen = "[\"unix:\(fresh)\", \"127.0.0.1:0\"]"
        let second = try Daemon(configuration, listen: listen, listeners: 2, directory: directory)
        #expect(try first.process.wait() == .exited(0))
        #expect(second.ports.last == first.port)
        #expect(access(path, F_OK) != 0)
        #expect(second.logged("no longer listening").first?["address"]?.string == "unix:\(path)")
        #expect(try curl("--unix-socket", fresh, "http://localhost/health").ending == .exited(0))
        #expect(try second.stop() == .exited(0))
    }

    @Test func `an idle connection is told to go by the answer to its next request`() throws {
        let (directory, key, _) = try place()
        let configuration = EndpointTests.configuration + "\n" + key
        let first = try Daemon(configuration, directory: directory)
        let asked = try first.connect()
        try asked.get("/health")
        #expect(try asked.reply()["connection"] == nil)
        let silent = try first.connect()
        let second = try Daemon(configuration, directory: directory)
        // Both in turn: either has only so much time for its next request.
        var staying = [asked, silent]
        try eventually("they are not told to go") {
            try staying.removeAll { connection in
                try connection.get("/ready")
                let reply = try connection.reply()
                #expect(reply.status == 200, "it is no news to a client that the process changes")
                return reply["connection"] == "close"
            }
            return staying.isEmpty
        }
        for connection in [asked, silent] { #expect(try connection.isClosed()) }
        #expect(try first.process.wait() == .exited(0))
        #expect(try second.stop() == .exited(0))
    }

    @Test func `streams beyond the drain's limit end with the error event`() throws {
        let mock = try MockUpstream("--tokens 1000", "--stall 2")
        let (directory, key, _) = try place()
        let configuration = mock.configuration(more: key + "\nserver: {drain_timeout: 300ms}")
        let first = try Daemon(configuration, directory: directory)
        let connection = try first.connect()
        try connection.post("/stream", #"{"input":"Hello"}"#)
        try connection.replySoFar { $0.events.count >= 3 }
        let second = try Daemon(configuration, directory: directory)
        let reply = try connection.reply()
        #expect(reply.ending == .cut)
        #expect(reply.events.last?.name == "error")
        #expect(reply.events.last?.data.contains("shutting_down") == true)
        #expect(try first.process.wait() == .exited(0))
        #expect(try second.stop() == .exited(0))
    }

    @Test func `a process that does not answer is killed, and its address is served`() throws {
        let (directory, key, _) = try place()
        let configuration = EndpointTests.configuration + "\n" + key
        let (probe, port) = try listeningSocket(backlog: 1)
        close(probe)
        let first = try Daemon(configuration, listen: "127.0.0.1:\(port)", directory: directory)
        try stopAndWait(first.process.pid)
        let second = try Daemon(configuration, listen: "127.0.0.1:\(port)", directory: directory)
        #expect(try second.get("/health").status == 200)
        #expect(try first.process.wait() == .killed(SIGKILL))
        #expect(!second.logged("killed a process that did not hand over").isEmpty)
        #expect(try second.stop() == .exited(0))
    }

    @Test func `a stop waits for the process that drains, a second signal for neither`() throws {
        let mock = try MockUpstream("--tokens 1000", "--stall 2")
        let (directory, key, _) = try place()
        let configuration = mock.configuration(more: key + "\nserver: {drain_timeout: 1h}")
        let first = try Daemon(configuration, directory: directory)
        let connection = try first.connect()
        try connection.post("/stream", #"{"input":"Hello"}"#)
        try connection.replySoFar { $0.events.count >= 3 }
        let second = try Daemon(configuration, directory: directory)
        try eventually("no handover") { !first.logged("handed over, draining").isEmpty }
        second.process.signal(SIGTERM)
        try eventually("no drain") { !second.logged("draining").isEmpty }
        #expect(first.process.poll() == nil && second.process.poll() == nil)
        second.process.signal(SIGTERM)
        #expect(try connection.reply().events.last?.name == "error")
        #expect(try first.process.wait() == .exited(0))
        #expect(try second.process.wait() == .exited(0))
    }

    @Test func `the command finds the socket in a configuration with mistakes, and never another's`() throws {
        let (directory, key, _) = try place()
        let daemon = try Daemon(EndpointTests.configuration + "\n" + key, directory: directory)
        try daemon.rewrite("surprise: 1\nhandover: {socket: handover}\n")
        let environment = ["RUNTIME_DIRECTORY": "/nonexistent"]
        let file = directory.file("headgate.yaml")
        let mistake = try Headgate.run("handover", "--config", file, environment: environment)
        #expect(mistake.ending == .exited(1))
        #expect(mistake.stderr.contains("headgate.yaml:2: surprise"), "\(mistake.stderr)")
        let other = try directory.write(EndpointTests.configuration, to: "other.yaml")
        let none = try Headgate.run("handover", "--config", other)
        #expect(none.ending == .exited(1))
        #expect(none.stderr.contains("no handover.socket in \(other); give --socket"), "\(none.stderr)")
        let missing = try Headgate.run("handover", "--config", directory.file("missing.yaml"))
        #expect(missing.ending == .exited(1))
        #expect(missing.stderr.contains("missing.yaml: cannot be read: "), "\(missing.stderr)")
        #expect(daemon.process.poll() == nil)
        #expect(try daemon.stop() == .exited(0))
    }

    @Test func `nobody there, and somebody else's socket, are failures of the command`() throws {
        let directory = try TemporaryDirectory()
        let result = try Headgate.run("handover", "--socket", directory.file("none"))
        #expect(result.ending == .exited(1))
        #expect(result.stderr.contains("nobody serves at "))
    }
}
