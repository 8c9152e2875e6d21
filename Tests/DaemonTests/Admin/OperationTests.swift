import Glibc
import Runnable
import Testing

/// `headgate drain`, `headgate reload` and `headgate status`.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct OperationTests {
    private func configuration(_ word: String) -> String {
        """
        loops: 1
        backends: {mock: {dialect: mock, mock: {reply: "\(word)"}}}
        models: {demo: {backend: mock}}
        routes: {/: {model: demo, output: text}}
        """
    }

    private func output(_ daemon: Daemon) throws -> String? {
        try Value(parsing: daemon.post("/invoke", #"{"input":"Hello"}"#).text)["output"]?.string
    }

    // MARK: Draining

    @Test func `drain finishes what is under way and ends the process`() throws {
        let admin = try AdminSocket()
        // Its answer ends when the test says so.
        let isReleased = Counter()
        func chunk(_ text: String, _ finish: String = "null") -> String {
            let choice = #"{"index":0,"delta":{"content":"\#(text)"},"finish_reason":\#(finish)}"#
            return
                "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[\(choice)]}\n\n"
        }
        let chunks = (first: chunk("a"), last: chunk("b", "\"stop\"") + "data: [DONE]\n\n")
        let upstream = try ThreadedUpstream { exchange in
            exchange.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + chunks.first)
            while isReleased.value == 0 { usleep(2000) }
            exchange.send(chunks.last)
            return .close
        }
        defer { isReleased.increment() }
        let daemon = try admin.daemon(
            """
            backends: {up: {dialect: openai, url: "http://127.0.0.1:\(upstream.port)/v1"}}
            models: {demo: {backend: up}}
            routes: {/: {model: demo, output: text}}
            """
        )
        let stream = try daemon.connect()
        try stream.post("/stream", #"{"input":"a"}"#)
        try stream.replySoFar { $0.events.count >= 2 }
        let drain = try Subprocess(Headgate.path, ["drain", "--socket", admin.path, "--wait"])
        try eventually("it does not drain") { try admin.run("status").ending == .exited(3) }
        // A second one changes nothing: it is no second signal.
        #expect(try admin.run("drain").ending == .exited(0))
        #expect(try admin.run("reload").ending == .exited(1))
        try eventually("what is left is not said") { drain.stdout.contains("1 requests left, 1 of them streams\n") }
        isReleased.increment()
        let reply = try stream.reply()
        #expect(reply.ending == .complete)
        #expect(reply.events.last?.name == "end")
        #expect(try daemon.process.wait() == .exited(0))
        #expect(try drain.wait() == .exited(0), "\(drain.stderr)")
        #expect(drain.stdout.contains("process \(daemon.process.pid) drains\n"))
        #expect(drain.stdout.hasSuffix("process \(daemon.process.pid) has ended\n"))
        #expect(try admin.run("status").ending == .exited(1))
        #expect(daemon.logged("admin").compactMap { $0["result"]?.string }.prefix(2) == ["begins", "has begun before"])
    }

    @Test func `waiting for a drain has an end of its own`() throws {
        let admin = try AdminSocket()
        let mock = try MockUpstream("--tokens 5", "--stall 2")
        let daemon = try admin.daemon(mock.configuration())
        let stream = try daemon.connect()
        try stream.post("/stream", #"{"input":"a"}"#)
        try stream.replySoFar { $0.events.count >= 3 }
        let drain = try admin.run("drain", "--wait", "--timeout", "200ms")
        #expect(drain.ending == .exited(1))
        #expect(drain.stderr.contains("drains on"))
        // What is left can be ended by hand.
        let row = try #require(try admin.requests().first)
        #expect(try admin.run("kill", row["id"]?.string ?? "").ending == .exited(0))
        #expect(try stream.reply().ending == .cut)
        #expect(try daemon.process.wait() == .exited(0))
    }

    @Test func `a handover takes the admin path along`() throws {
        let admin = try AdminSocket()
        let mock = try MockUpstream("--tokens 5", "--stall 2")
        let text = "handover: {socket: \"\(admin.directory.file("handover"))\"}\n" + mock.configuration()
        let first = try admin.daemon(text)
        let stream = try first.connect()
        try stream.post("/stream", #"{"input":"a"}"#)
        try stream.replySoFar { $0.events.count >= 3 }
        let second = try admin.daemon(text)
        // Both run: the first one has a stream to finish.
        try eventually("the path is still the first one's") {
            try admin.status()["pid"]?.integer == Int(second.process.pid)
        }
        #expect(first.process.poll() == nil)
        #expect(try admin.status()["state"]?.string == "serving")
        // A second signal ends what is left; the end leaves the path alone.
        first.process.signal(SIGTERM)
        #expect(try first.process.wait() == .exited(0))
        #expect(try admin.status()["pid"]?.integer == Int(second.process.pid))
        #expect(try second.stop() == .exited(0))
        #expect(access(admin.path, F_OK) != 0)
    }

    // MARK: Reloading

    @Test func `reload puts a configuration in force, or says every mistake`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(configuration("first"))
        let loaded = try admin.status()["configuration"]?["loaded"]
        try admin.rewrite(daemon, configuration("second"))
        let good = try admin.run("reload")
        #expect(good.ending == .exited(0), "\(good.stderr)")
        #expect(good.stdout.hasPrefix("reloaded\n"))
        #expect(try output(daemon) == "second")
        #expect(try admin.status()["configuration"]?["loaded"] != loaded)
        try admin.rewrite(daemon, configuration("third") + "\nsurprise: 1\nserver: {max_body: much}\n")
        let bad = try admin.run("reload")
        #expect(bad.ending == .exited(78))
        #expect(bad.stderr.contains("headgate.yaml:7: surprise: "))
        #expect(bad.stderr.contains("headgate.yaml:8: server.max_body: "))
        #expect(bad.stderr.hasSuffix("not reloaded: the old configuration stays in force\n"))
        #expect(try output(daemon) == "second")
        try eventually("not logged") {
            daemon.logged("configuration not reloaded").count == 2
                && daemon.logged("admin").compactMap { $0["result"]?.string } == ["reloaded", "refused"]
        }
    }

    @Test func `a trial says what a reload would do, and does nothing`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(configuration("first"))
        try admin.rewrite(daemon, configuration("second"))
        let good = try admin.run("reload", "--check")
        #expect(good.ending == .exited(0), "\(good.stderr)")
        #expect(
            good.stdout.hasPrefix("a reload would change\n") && good.stdout.contains("first")
                && good.stdout.contains("second")
        )
        #expect(try output(daemon) == "first")
        try daemon.rewrite("server: {max_body: 1MiB}\n" + configuration("second"))
        let bad = try admin.run("reload", "--check")
        #expect(bad.ending == .exited(78))
        #expect(bad.stderr.contains("headgate.yaml:2: server: cannot change while the service runs"))
        #expect(try output(daemon) == "first")
        #expect(daemon.logged("configuration reloaded").isEmpty)
        try eventually("not logged") { !daemon.logged("configuration not reloaded").isEmpty }
        #expect(try daemon.get("/metrics").text.contains("headgate_config_last_reload_successful 0"))
    }

    @Test func `the socket itself belongs to a start`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(configuration("first"))
        try daemon.rewrite("admin: {socket: \"\(admin.path)\", mode: \"0600\"}\n" + configuration("second"))
        let result = try admin.run("reload")
        #expect(result.ending == .exited(78))
        #expect(result.stderr.contains("headgate.yaml:2: admin: cannot change while the service runs"))
        #expect(try output(daemon) == "first")
    }

    @Test func `reloads from all sides take turns`() throws {
        let admin = try AdminSocket()
        let daemon = try admin.daemon(configuration("first"))
        try admin.rewrite(daemon, configuration("second"))
        let commands = try (0..<6).map { _ in try Subprocess(Headgate.path, ["reload", "--socket", admin.path]) }
        for _ in 0..<5 { daemon.process.signal(SIGHUP) }
        for command in commands { #expect(try command.wait() == .exited(0)) }
        try eventually("no signal was heard") { daemon.logged("configuration reloaded").count >= 7 }
        #expect(try output(daemon) == "second")
        #expect(try daemon.stop() == .exited(0))
    }

    // MARK: Looking

    @Test func `status tells of loops and backends`() throws {
        let admin = try AdminSocket()
        let mock = try MockUpstream("--status 429*2", "--tokens 3")
        let daemon = try admin.daemon(mock.configuration("max_connections: 3", loops: 2))
        for expected in [429, 429, 200] {
            #expect(try daemon.post("/invoke", #"{"input":"a"}"#).status == expected)
        }
        let status = try admin.status()
        #expect(status["loops"]?.array?.compactMap { $0["name"]?.string } == ["loop-0", "loop-1"])
        #expect(
            status["loops"]?.array?.allSatisfy { $0["answered"]?.bool == true && $0["lag_ms"]?.double ?? -1 >= 0 }
                == true
        )
        let backend = try #require(status["backends"]?.array?.first)
        #expect(backend["name"]?.string == "mock")
        #expect(backend["busy"]?.integer == 0)
        #expect((backend["idle"]?.integer ?? 0) >= 1)
        #expect(backend["last_minute"] == ["upstream_rate": 2, "ok": 1])
        let text = try admin.run("status")
        #expect(text.ending == .exited(0))
        for word in ["serving", "loop-1", "2 upstream_rate, 1 ok", "127.0.0.1:\(daemon.port)", admin.directory.path] {
            #expect(text.stdout.contains(word), "no \(word) in \(text.stdout)")
        }
    }
}
