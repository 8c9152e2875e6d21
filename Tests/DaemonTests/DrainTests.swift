import Glibc
import Runnable
import Testing

/// What SIGTERM and SIGINT do.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct DrainTests {
    /// A stream that has begun, and its connection.
    private func stream(_ daemon: Daemon) throws -> RawConnection {
        let connection = try daemon.connect()
        try connection.post("/stream", #"{"input":"Hello"}"#)
        try connection.replySoFar { $0.events.count >= 3 }
        return connection
    }

    private func waitUntilRefused(_ daemon: Daemon) throws {
        _ =
            try eventually("still accepts connections") {
                do {
                    _ = try daemon.connect()
                    return nil
                } catch let refused as RawConnection.Refused {
                    return refused.number == ECONNREFUSED ? true : nil
                }
            } as Bool
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a stream under way finishes while new connections are refused`(signal: Int32) throws {
        let mock = try MockUpstream("--tokens 60", "--interval 10ms")
        let daemon = try Daemon(mock.configuration())
        let connection = try stream(daemon)
        let idle = try daemon.connect()
        try idle.get("/health")
        #expect(try idle.reply().status == 200)
        daemon.process.signal(signal)
        try waitUntilRefused(daemon)
        #expect(try idle.isClosed())
        let reply = try connection.reply()
        #expect(reply.ending == .complete)
        #expect(reply.events.count == 62)
        #expect(reply.events.last?.name == "end")
        #expect(try connection.isClosed())
        #expect(try daemon.process.wait() == .exited(0))
        #expect(daemon.logged("stopped").first?["drained"]?.string == "true")
        #expect(
            daemon.logged("request").contains { $0["outcome"]?.string == "ok" && $0["endpoint"]?.string == "stream" }
        )
        #expect(try mock.stats().completed == 1)
    }

    @Test func `a request on a busy connection is answered, with close`() throws {
        let mock = try MockUpstream("--latency 700ms", "--tokens 2")
        let daemon = try Daemon(mock.configuration())
        let connection = try daemon.connect()
        try connection.post("/invoke", #"{"input":"Hello"}"#)
        try mock.stats("the request") { $0.concurrent == 1 }
        daemon.process.signal(SIGTERM)
        let reply = try connection.reply()
        #expect(reply.status == 200)
        #expect(reply["connection"] == "close")
        #expect(try daemon.process.wait() == .exited(0))
    }

    @Test func `the limit ends streams with an error event and a cut`() throws {
        let mock = try MockUpstream("--tokens 1000", "--stall 2")
        let daemon = try Daemon(mock.configuration(more: "server: {drain_timeout: 300ms}"))
        let connection = try stream(daemon)
        let waiting = try daemon.connect()
        try waiting.post("/invoke", #"{"input":"Hello"}"#)
        try mock.stats("both") { $0.concurrent == 2 }
        daemon.process.signal(SIGTERM)
        let reply = try connection.reply()
        #expect(reply.ending == .cut)
        #expect(reply.events.last?.name == "error")
        #expect(reply.events.last?.data.contains("shutting_down") == true)
        let answer = try waiting.reply()
        #expect(answer.status == 503)
        #expect(answer.ending == .complete)
        #expect(try daemon.process.wait() == .exited(0))
        #expect(daemon.logged("stopped").first?["drained"]?.string == "false")
        #expect(daemon.logged("request").count { $0["outcome"]?.string == "shutting_down" } == 2)
        try mock.stats("the cancellation") { $0.cancelled == 2 && $0.concurrent == 0 }
    }

    @Test func `a second signal ends everything at once`() throws {
        let mock = try MockUpstream("--tokens 1000", "--stall 2")
        let daemon = try Daemon(mock.configuration(more: "server: {drain_timeout: 1h}"))
        let connection = try stream(daemon)
        daemon.process.signal(SIGTERM)
        try waitUntilRefused(daemon)
        daemon.process.signal(SIGTERM)
        let reply = try connection.reply()
        #expect(reply.ending == .cut)
        #expect(reply.events.last?.name == "error")
        #expect(try daemon.process.wait() == .exited(0))
    }

    @Test func `a stream of bare text that is ended so is cut`() throws {
        let mock = try MockUpstream("--tokens 1000", "--stall 2")
        let daemon = try Daemon(mock.configuration(more: "server: {drain_timeout: 0s}"))
        let connection = try daemon.connect()
        try connection.post("/stream", #"{"input":"Hello"}"#, fields: ["Accept": "text/plain"])
        try connection.replySoFar { $0.text == "the river" }
        daemon.process.signal(SIGTERM)
        #expect(try connection.reply().ending == .cut)
        #expect(try daemon.process.wait() == .exited(0))
    }

    @Test func `an idle daemon stops at once, also with a client that only connected`() throws {
        let mock = try MockUpstream()
        let daemon = try Daemon(mock.configuration(loops: 2))
        let silent = try daemon.connect()
        #expect(try daemon.get("/health").status == 200)
        #expect(try daemon.stop() == .exited(0))
        #expect(try silent.isClosed())
    }

    @Test(
        arguments: ["", "GET /health HT", "POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"],
        ["0s", "200ms"]
    )
    func `half a request does not outlive the limit`(half: String, limit: String) throws {
        let server = "server: {drain_timeout: \(limit), header_timeout: 1h, body_timeout: 1h}\n"
        let daemon = try Daemon(server + EndpointTests.configuration)
        let connection = try daemon.connect()
        try connection.send(half)
        #expect(try daemon.get("/health").status == 200)
        #expect(try daemon.stop() == .exited(0))
    }

    @Test func `access lines of the last moment are written`() throws {
        let daemon = try Daemon(EndpointTests.configuration)
        for _ in 0..<5 { #expect(try daemon.post("/invoke", #"{"input":"Hello"}"#).status == 200) }
        #expect(try daemon.stop() == .exited(0))
        #expect(daemon.logged("request").count == 5)
    }

    @Test func `a client that never reads does not outlive the limit`() throws {
        let mock = try MockUpstream("--tokens 100000")
        let daemon = try Daemon(mock.configuration(output: "message", more: "server: {drain_timeout: 200ms}"))
        let connection = try daemon.connect(receiveBuffer: 4096)
        try connection.post("/stream", #"{"input":"Hello"}"#)
        try mock.stats("the stream") { $0.tokens > 100 }
        #expect(try daemon.stop() == .exited(0))
    }
}
