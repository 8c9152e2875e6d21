import Glibc
import Runnable
import Testing

/// G2: a client that goes away stops costing money, in every state of its request.
///
/// The state before a retry comes with retries.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct VanishedClientTests {
    enum Leaving: CaseIterable {
        case close
        case reset
    }

    private func leave(_ connection: RawConnection, _ leaving: Leaving) {
        switch leaving {
        case .close: connection.leave()
        case .reset: connection.reset()
        }
    }

    private let body = #"{"input":"Hello"}"#

    @Test(arguments: ["/invoke", "/stream"], Leaving.allCases)
    func `awaiting the head`(path: String, leaving: Leaving) throws {
        let mock = try MockUpstream("--latency 1000s")
        try check(mock, path, leaving)
    }

    @Test(arguments: ["/invoke", "/stream"], Leaving.allCases)
    func `awaiting the first token`(path: String, leaving: Leaving) throws {
        let mock = try MockUpstream("--ttft 1000s")
        try check(mock, path, leaving)
    }

    private func check(_ mock: MockUpstream, _ path: String, _ leaving: Leaving) throws {
        let daemon = try Daemon(mock.configuration())
        let connection = try daemon.connect()
        try connection.post(path, body)
        try mock.stats("the request") { $0.concurrent == 1 }
        leave(connection, leaving)
        let stats = try mock.stats("the cancellation") { $0.cancelled == 1 }
        #expect(stats.concurrent == 0)
        #expect(stats.tokens == 0)
        #expect(try daemon.accessLines(1)[0]["outcome"]?.string == "client_gone")
    }

    @Test(arguments: ["text/event-stream", "application/x-ndjson", "text/plain"], Leaving.allCases)
    func streaming(format: String, leaving: Leaving) throws {
        let mock = try MockUpstream("--tokens 100000", "--interval 5ms")
        let daemon = try Daemon(mock.configuration())
        let connection = try daemon.connect()
        try connection.post("/stream", body, fields: ["Accept": format])
        try connection.replySoFar { $0.text.contains("river") }
        leave(connection, leaving)
        let stats = try mock.stats("the cancellation") { $0.cancelled == 1 }
        #expect(stats.concurrent == 0)
        #expect(try mock.stats().tokens == stats.tokens)
        #expect(stats.tokens < 100_000)
    }

    @Test(arguments: Leaving.allCases)
    func queued(leaving: Leaving) throws {
        let mock = try MockUpstream("--tokens 2", "--stall 1", "--stall-for 3s")
        let daemon = try Daemon(mock.configuration("max_connections: 1"))
        let first = try daemon.connect()
        try first.post("/stream", body)
        try first.replySoFar { $0.events.count >= 2 }
        // The metadata event comes in the loop's turn that puts the request into the queue.
        let second = try daemon.connect()
        try second.post("/stream", body)
        try second.replySoFar { $0.events.count == 1 }
        leave(second, leaving)
        let line = try #require(try daemon.accessLines(1).first)
        #expect(line["outcome"]?.string == "client_gone")
        #expect(try first.reply().ending == .complete)
        // The connection is free now: what would still be queued would go before this one.
        #expect(try daemon.post("/stream", body).ending == .complete)
        let stats = try mock.stats()
        #expect(stats.requests == 2)
        #expect(stats.cancelled == 0)
    }

    @Test(arguments: ["/invoke", "/stream"], Leaving.allCases)
    func connecting(path: String, leaving: Leaving) throws {
        let silent = try FullBacklog()
        let daemon = try Daemon(
            """
            backends: {up: {dialect: openai, url: "http://127.0.0.1:\(silent.port)/v1", timeouts: {connect: 1000s}}}
            models: {demo: {backend: up, model: m}}
            routes: {/: {model: demo, output: text}}
            """
        )
        let before = daemon.socketCount
        let connection = try daemon.connect()
        try connection.post(path, body)
        try eventually("never connects") { daemon.sockets(in: 2, remotePort: silent.port) == 1 }
        leave(connection, leaving)
        try eventually("still connects") { daemon.sockets(in: 2, remotePort: silent.port) == 0 }
        try eventually("sockets stay open") { daemon.socketCount == before }
        #expect(try daemon.accessLines(1)[0]["outcome"]?.string == "client_gone")
    }

    @Test(arguments: ["application/json", "text/event-stream", "application/x-ndjson"], Leaving.allCases)
    func `inside a batch`(format: String, leaving: Leaving) throws {
        let mock = try MockUpstream("--ttft 1000s")
        let daemon = try Daemon(mock.configuration())
        let connection = try daemon.connect()
        let inputs = (0..<50).map { "\"\($0)\"" }.joined(separator: ",")
        try connection.post(
            "/batch",
            "{\"inputs\":[\(inputs)],\"config\":{\"max_concurrency\":3}}",
            fields: ["Accept": format]
        )
        try mock.stats("three items") { $0.concurrent == 3 }
        leave(connection, leaving)
        let stats = try mock.stats("the cancellation") { $0.concurrent == 0 }
        #expect(stats.requests == 3)
        #expect(stats.cancelled == 3)
        #expect(try daemon.accessLines(1)[0]["outcome"]?.string == "client_gone")
        #expect(try mock.stats().requests == 3, "an item was dispatched after its client had left")
    }

    @Test func `between two items of a batch`() throws {
        let mock = try MockUpstream("--tokens 2", "--interval 20ms")
        let daemon = try Daemon(mock.configuration())
        let connection = try daemon.connect()
        let inputs = (0..<1000).map { "\"\($0)\"" }.joined(separator: ",")
        try connection.post(
            "/batch",
            "{\"inputs\":[\(inputs)],\"config\":{\"max_concurrency\":2}}",
            fields: ["Accept": "application/x-ndjson"]
        )
        try connection.replySoFar { $0.lines.count >= 4 }
        connection.reset()
        #expect(try daemon.accessLines(1)[0]["outcome"]?.string == "client_gone")
        let stats = try mock.stats("the end") { $0.concurrent == 0 }
        #expect(stats.requests < 1000)
        #expect(stats.requests == stats.completed + stats.cancelled)
        #expect(try mock.stats().requests == stats.requests)
    }

    /// A closed socket looks like a half-close until something is sent to it.
    @Test(arguments: ["application/json", "application/x-ndjson"])
    func `a batch is not dispatched while nobody knows`(format: String) throws {
        let dispatched = Counter()
        let upstream = try ThreadedUpstream { exchange in
            dispatched.increment()
            pause(milliseconds: 50)
            exchange.complete("a")
            return .keep
        }
        let daemon = try Daemon(
            """
            backends: {up: {dialect: openai, url: "http://127.0.0.1:\(upstream.port)/v1"}}
            models: {demo: {backend: up}}
            routes: {/: {model: demo, output: text}}
            """
        )
        let connection = try daemon.connect()
        let inputs = (0..<200).map { "\"\($0)\"" }.joined(separator: ",")
        try connection.post(
            "/batch",
            "{\"inputs\":[\(inputs)],\"config\":{\"max_concurrency\":1}}",
            fields: ["Accept": format]
        )
        try eventually("the batch does not begin") { dispatched.value >= 3 }
        let before = dispatched.value
        connection.leave()
        #expect(try daemon.accessLines(1)[0]["outcome"]?.string == "client_gone")
        // The item under way, and one or two that cross the client's end on its way.
        #expect(dispatched.value <= before + 3)
    }

    @Test func `a half-closed batch is served`() throws {
        let mock = try MockUpstream("--tokens 1", "--latency 30ms")
        let daemon = try Daemon(mock.configuration())
        for format in ["application/json", "application/x-ndjson", "text/event-stream"] {
            let connection = try daemon.connect()
            let body = #"{"inputs":["a","b","c","d"],"config":{"max_concurrency":2}}"#
            try connection.post("/batch", body, fields: ["Accept": format])
            connection.finishSending()
            let reply = try connection.reply()
            #expect(reply.status == 200)
            #expect(reply.ending == .complete)
            #expect(try connection.isClosed())
        }
        #expect(try mock.stats().completed == 12)
    }

    @Test func `a half-close is not an end`() throws {
        let mock = try MockUpstream("--tokens 40", "--interval 20ms")
        let daemon = try Daemon(mock.configuration())
        let connections = try ["/stream", "/invoke"].map { path in
            let connection = try daemon.connect()
            try connection.post(path, body)
            connection.finishSending()
            return connection
        }
        let stream = try connections[0].reply()
        #expect(stream.ending == .complete)
        #expect(stream.events.count { $0.name == "data" } == 40)
        #expect(stream.events.last?.name == "end")
        let whole = try connections[1].reply()
        #expect(whole.status == 200)
        #expect(whole.ending == .complete)
        for connection in connections { #expect(try connection.isClosed()) }
        #expect(try mock.stats().cancelled == 0)
    }
}

/// A listener that accepts nothing and has no room: connections to it stay half open.
final class FullBacklog {
    let port: Int
    private let descriptor: Int32
    private var fillers: [Int32] = []

    init() throws {
        (descriptor, port) = try listeningSocket(backlog: 0)
        // The kernel lets in one or two more than it was told.
        for _ in 0..<8 {
            let filler = socket(
                AF_INET,
                Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue),
                0
            )
            var address = loopback(port)
            _ = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(filler, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            fillers.append(filler)
        }
    }

    deinit {
        for filler in fillers { close(filler) }
        close(descriptor)
    }
}
