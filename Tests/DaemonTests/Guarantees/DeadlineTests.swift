import Glibc
import Runnable
import Testing

/// G3: no request outlives its deadline, and the 504 says where the time went. G14: idle timers count content.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct DeadlineTests {
    /// A route to `url` with `timeouts`.
    private func daemon(_ url: String, _ timeouts: String = "", more: String = "") throws -> Daemon {
        try Daemon(
            """
            loops: 1
            backends: {up: {dialect: openai, url: "\(url)"\(more), timeouts: {\(timeouts)}}}
            models: {demo: {backend: up, model: m}}
            routes: {/: {model: demo, output: text}}
            """
        )
    }

    private func daemon(_ mock: MockUpstream, _ timeouts: String = "", more: String = "") throws -> Daemon {
        try daemon("http://127.0.0.1:\(mock.port)/v1", timeouts, more: more)
    }

    private let body = #"{"input":"Hello"}"#

    /// The error of a stream's last event, which is cut or ended as `ending` says.
    private func streamError(_ daemon: Daemon, _ fields: [String: String] = [:]) throws -> (
        code: String, message: String, HTTPReply
    ) {
        let reply = try daemon.post("/stream", body, fields: fields)
        let last = try #require(reply.events.last)
        #expect(last.name == "error")
        let value = try Value(parsing: last.data)
        return (value["code"]?.string ?? "", value["message"]?.string ?? "", reply)
    }

    private func invokeError(_ daemon: Daemon, _ fields: [String: String] = [:]) throws -> (
        code: String, message: String, HTTPReply
    ) {
        let reply = try daemon.post("/invoke", body, fields: fields)
        let error = try Value(parsing: reply.text)["error"]
        return (error?["code"]?.string ?? "", error?["message"]?.string ?? "", reply)
    }

    /// Whether a timeout's message says where the time went. On a loaded machine it may all go before the upstream is called.
    private func tellsWhere(_ message: String) -> Bool {
        message.contains("queue") && message.contains("connect") || message.contains("before the upstream was called")
    }

    private static let brief = ["X-Request-Timeout-Ms": "500"]

    @Test(arguments: [
        "--latency 1000s", "--ttft 1000s", "--stall head", "--stall 3", "--stall 100b", "--interval 100s",
    ])
    func `the caller's deadline ends a call that stalls anywhere`(stall: String) throws {
        let mock = try MockUpstream("--tokens 8", stall)
        let daemon = try daemon(mock)
        let (code, message, reply) = try invokeError(daemon, DeadlineTests.brief)
        #expect(reply.status == 504)
        #expect(code == "timeout_total")
        #expect(tellsWhere(message), "\(message)")
        let stream = try streamError(daemon, DeadlineTests.brief)
        #expect(stream.code == "timeout_total")
        #expect(tellsWhere(stream.message), "\(stream.message)")
        #expect(!stream.2.text.contains("event: end"))
        let lines = try daemon.post(
            "/stream",
            body,
            fields: ["X-Request-Timeout-Ms": "500", "Accept": "application/x-ndjson"]
        )
        #expect(try Value(parsing: #require(lines.lines.last))["event"]?.string == "error")
        let text = try daemon.post("/stream", body, fields: ["X-Request-Timeout-Ms": "500", "Accept": "text/plain"])
        #expect(text.status == 504 || text.ending == .cut)
        try mock.stats("the ends") { $0.concurrent == 0 && $0.requests == $0.cancelled }
        #expect(try daemon.accessLines(4).allSatisfy { $0["outcome"]?.string == "timeout" })
    }

    @Test func `the 504 names the phase`() throws {
        // Long enough to get to the phase on a loaded machine.
        let fields = ["X-Request-Timeout-Ms": "3000"]
        let mock = try MockUpstream("--latency 1000s")
        #expect(try invokeError(daemon(mock), fields).message.contains("head"))
        let tokens = try MockUpstream("--ttft 1000s")
        #expect(try streamError(daemon(tokens), fields).message.contains("first token"))
        let stall = try MockUpstream("--stall 2", "--tokens 5")
        #expect(try streamError(daemon(stall), fields).message.contains("streaming"))
    }

    @Test func `connecting`() throws {
        let silent = try FullBacklog()
        let url = "http://127.0.0.1:\(silent.port)/v1"
        let byCaller = try daemon(url, "connect: 1000s")
        let (code, message, reply) = try invokeError(byCaller, DeadlineTests.brief)
        #expect(reply.status == 504)
        #expect(code == "timeout_total")
        #expect(message.contains("connect"))
        #expect(try streamError(byCaller, DeadlineTests.brief).code == "timeout_total")
        let byBackend = try daemon(url, "connect: 200ms")
        #expect(try invokeError(byBackend).code == "timeout_connect")
        #expect(try invokeError(byBackend).2.status == 504)
        try eventually("still connects") { byCaller.sockets(in: 2) + byBackend.sockets(in: 2) == 0 }
    }

    @Test func `the TLS handshake`() throws {
        // It accepts in the kernel and never says anything.
        let (descriptor, port) = try listeningSocket(backlog: 16)
        defer { close(descriptor) }
        let url = "https://127.0.0.1:\(port)/v1"
        #expect(try invokeError(daemon(url, "tls: 1000s"), DeadlineTests.brief).code == "timeout_total")
        let byBackend = try daemon(url, "tls: 200ms")
        #expect(try invokeError(byBackend).code == "timeout_tls")
        #expect(try streamError(byBackend).code == "timeout_tls")
        try eventually("the socket stays") { byBackend.sockets(in: 1, remotePort: port) == 0 }
    }

    @Test func `the queue for a connection`() throws {
        let mock = try MockUpstream("--ttft 1000s")
        let daemon = try daemon(mock, more: ", max_connections: 1, queue_timeout: 1000s, max_pending: 1")
        let first = try daemon.connect()
        try first.post("/stream", body)
        try mock.stats("the first") { $0.concurrent == 1 }
        let (code, message, reply) = try invokeError(daemon, DeadlineTests.brief)
        #expect(reply.status == 504)
        #expect(code == "timeout_total")
        #expect(message.contains("queue"))
        let waiting = try daemon.connect()
        try waiting.post("/stream", body)
        try waiting.replySoFar { $0.events.count == 1 }
        let full = try invokeError(daemon)
        #expect(full.code == "policy_queue")
        #expect([429, 503].contains(full.2.status))
        #expect(try mock.stats().requests == 1)
    }

    @Test func `a batch`() throws {
        let mock = try MockUpstream("--ttft 1000s")
        let daemon = try daemon(mock)
        let reply = try daemon.post("/batch", #"{"inputs":["a","b","c"]}"#, fields: DeadlineTests.brief)
        #expect(reply.status == 504)
        let streamed = try daemon.post(
            "/batch",
            #"{"inputs":["a","b","c"]}"#,
            fields: ["X-Request-Timeout-Ms": "500", "Accept": "application/x-ndjson"]
        )
        #expect(streamed.lines.count { $0.contains("timeout_total") } == 3, "\(streamed.text)")
        try mock.stats("the ends") { $0.concurrent == 0 && $0.requests == $0.cancelled }
    }

    @Test(arguments: ["head: 200ms", "total: 200ms", "first_token: 200ms, head: 1000s"])
    func `each limit of the configuration has its own name`(limit: String) throws {
        let mock = try MockUpstream("--latency 1000s")
        let name = "timeout_" + limit.prefix { $0 != ":" }
        let daemon = try daemon(mock, limit)
        let stream = try streamError(daemon)
        #expect(stream.code == name, "\(stream)")
        guard name != "timeout_first_token" else { return }
        let whole = try invokeError(daemon)
        #expect(whole.code == name, "\(whole)")
        try mock.stats("the ends") { $0.concurrent == 0 }
    }

    @Test func `a route's own limit on connecting`() throws {
        let silent = try FullBacklog()
        let daemon = try Daemon(
            """
            backends: {up: {dialect: openai, url: "http://127.0.0.1:\(silent.port)/v1", timeouts: {connect: 1000s}}}
            models: {demo: {backend: up, model: m}}
            routes: {/: {model: demo, output: text, timeouts: {connect: 100ms}}}
            """
        )
        #expect(try invokeError(daemon).code == "timeout_connect")
    }

    @Test func `a caller cannot lengthen the total`() throws {
        let mock = try MockUpstream("--latency 1000s")
        let daemon = try daemon(mock, "total: 200ms")
        #expect(try invokeError(daemon, ["X-Request-Timeout-Ms": "1000000"]).code == "timeout_total")
        for nonsense in ["0", "-1", "soon", "1.5"] {
            #expect(try daemon.post("/invoke", body, fields: ["X-Request-Timeout-Ms": nonsense]).status == 422)
        }
    }

    // MARK: G14

    @Test func `pings before the first token do not count`() throws {
        let mock = try MockUpstream("--tokens 5", "--stall 0", "--stall-pings 20ms")
        let error = try streamError(daemon(mock, "first_token: 300ms"))
        #expect(error.code == "timeout_first_token")
        try mock.stats("the end") { $0.cancelled == 1 && $0.tokens == 0 }
    }

    @Test func `pings between tokens do not count`() throws {
        let mock = try MockUpstream("--tokens 5", "--stall 2", "--stall-pings 20ms")
        let error = try streamError(daemon(mock, "idle: 300ms"))
        #expect(error.code == "timeout_idle")
        #expect(error.2.events.count { $0.name == "data" } == 2)
        #expect(error.2.ending == .cut)
        try mock.stats("the end") { $0.cancelled == 1 && $0.tokens == 2 }
    }

    @Test func `tokens do count`() throws {
        let mock = try MockUpstream("--tokens 40", "--interval 25ms")
        let reply = try daemon(mock, "first_token: 20s, idle: 800ms").post("/stream", body)
        #expect(reply.ending == .complete)
        #expect(reply.events.last?.name == "end")
    }

    @Test func `role-only chunks do not count`() throws {
        let role =
            #"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#
        let gone = Counter()
        let upstream = try ThreadedUpstream { exchange in
            exchange.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            while exchange.isOpen {
                exchange.send(role + "\n\n")
                usleep(20_000)
            }
            gone.increment()
            return .close
        }
        let daemon = try daemon("http://127.0.0.1:\(upstream.port)/v1", "first_token: 300ms")
        #expect(try streamError(daemon).code == "timeout_first_token")
        try eventually("the upstream's connection stays") { gone.value == 1 }
    }
}
