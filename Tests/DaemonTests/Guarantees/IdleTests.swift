import Glibc
import Runnable
import Testing

/// G9: permits come back; everything is zero when idle. G15: silent streams stay open.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct IdleTests {
    /// What each request of the chaos run meets upstream.
    private static let scripts = [
        "tokens: 5", "tokens: 5, reset: 300b", "tokens: 5, truncate: 2t", "latency: 30ms", "ttft: 30ms",
        "tokens: 1000, interval: 3ms", "stall: 3", "status: 503", "tokens: 9, end: 400b", "reset: head",
        "truncate: head",
        "framing: bad-chunk", "framing: garbage", "error-after: 2", "tokens: 4, done: \"no\", finish: none",
        "latency: 1000s",
    ]

    @Test func `after a chaos run everything is zero`() throws {
        let mock = try MockUpstream()
        var models = ""
        var routes = ""
        for (number, script) in IdleTests.scripts.enumerated() {
            models += "  m\(number): {backend: mock, params: {mock: {\(script)}}}\n"
            routes += "  /r\(number): {model: m\(number)}\n"
        }
        let daemon = try Daemon(
            """
            loops: 2
            metrics: {listen: "127.0.0.1:0"}
            backends: {mock: \(mock.backend("idle_timeout: 200ms, max_connections: 8, max_pending: 16, timeouts: {total: 2s}"))}
            models:
            \(models)
            routes:
            \(routes)
            """
        )
        #expect(try daemon.post("/r0/invoke", #"{"input":"a"}"#).status == 200)
        try eventually("the first connection stays") { daemon.sockets(in: 1) == 0 }
        let idle = daemon.socketCount
        let failures = Failures()
        let count = 600
        concurrently(count, threads: 8) { number in
            do {
                var random = number &* 2_654_435_761
                func next(_ below: Int) -> Int {
                    random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return Int(UInt(bitPattern: random) >> 33) % below
                }
                let route = "/r\(next(IdleTests.scripts.count))"
                let connection = try daemon.connect()
                switch next(3) {
                case 0: try connection.post(route + "/invoke", #"{"input":"a"}"#)
                case 1: try connection.post(route + "/stream", #"{"input":"a"}"#)
                default:
                    try connection.post(route + "/batch", #"{"inputs":["a","b","c","d"],"return_exceptions":true}"#)
                }
                switch next(4) {
                case 0: break
                case 1: pause(milliseconds: next(20))
                case 2: connection.finishSending()
                default:
                    _ = try connection.reply()
                    return
                }
                if next(2) == 0 { connection.reset() } else { connection.leave() }
            } catch {
                failures.add("\(number): \(error)")
            }
        }
        #expect(failures.all.prefix(5) == [])
        let stats = try mock.stats("the end of all") { $0.concurrent == 0 && $0.connections == 1 }
        #expect(stats.requests == stats.completed + stats.cancelled)
        #expect(stats.cancelled > 0)
        try eventually("sockets stay: \(daemon.socketCount), idle are \(idle)") { daemon.socketCount == idle }
        var busy: [String] = []
        try eventually("gauges stay: \(busy)") {
            busy = try daemon.scrape().busyGauges
            return busy.isEmpty
        }
        #expect(try Int(daemon.scrape().sum("headgate_requests_total")) == count + 1)
        // A place in the pool that was lost would be missed now: all of them are taken at once, on each loop.
        let lines = try daemon.accessLines(count + 1)
        #expect(lines.count == count + 1)
        concurrently(32, threads: 16) { number in
            do {
                let reply = try daemon.post("/r4/invoke", #"{"input":"a"}"#)
                if reply.status != 200 { failures.add("\(number): \(reply.text)") }
            } catch {
                failures.add("\(number): \(error)")
            }
        }
        #expect(failures.all == [])
        #expect(try daemon.stop() == .exited(0))
    }

    @Test func `a pool's every place comes back`() throws {
        let mock = try MockUpstream("--tokens 5")
        let models =
            "models: {bad: {backend: mock, params: {mock: {reset: 200b}}}, stall: {backend: mock, params: {mock: {latency: 1000s}}}, good: {backend: mock}}"
        let daemon = try Daemon(
            """
            loops: 1
            backends: {mock: \(mock.backend("max_connections: 2, queue_timeout: 2s"))}
            \(models)
            routes: {/bad: {model: bad}, /stall: {model: stall}, /good: {model: good}}
            """
        )
        for _ in 0..<10 {
            #expect(try daemon.post("/bad/invoke", #"{"input":"a"}"#).status == 502)
            let stalled = try (0..<2).map { _ in
                let connection = try daemon.connect()
                try connection.post("/stall/invoke", #"{"input":"a"}"#)
                return connection
            }
            try mock.stats("both") { $0.concurrent == 2 }
            for connection in stalled { connection.reset() }
            #expect(try daemon.post("/good/invoke", #"{"input":"a"}"#).status == 200)
            try mock.stats("their end") { $0.concurrent == 0 }
        }
    }

    // MARK: G15

    @Test func `a silent stream gets keep-alives in its format's safe form`() throws {
        let mock = try MockUpstream("--tokens 3", "--stall 1", "--stall-for 1s")
        let daemon = try Daemon(mock.configuration(more: "server: {keepalive_interval: 50ms}"))
        let events = try daemon.connect()
        try events.post("/stream", #"{"input":"a"}"#)
        let lines = try daemon.connect()
        try lines.post("/stream", #"{"input":"a"}"#, fields: ["Accept": "application/x-ndjson"])
        let text = try daemon.connect()
        try text.post("/stream", #"{"input":"a"}"#, fields: ["Accept": "text/plain"])

        let eventReply = try events.reply()
        #expect(eventReply.ending == .complete)
        let pings = eventReply.chunks.count { $0 == Array(": ping\r\n\r\n".utf8) }
        #expect(pings >= 3)
        #expect(eventReply.events.map(\.name) == ["metadata", "data", "data", "data", "end"])
        let lineReply = try lines.reply()
        #expect(lineReply.chunks.count { $0 == [32] } >= 3)
        #expect(
            try lineReply.lines.map { try Value(parsing: $0)["event"]?.string } == [
                "metadata", "data", "data", "data", "end",
            ]
        )
        #expect(try text.reply().text == "the river keeps")
    }

    @Test func `a batch that streams gets them too, and a busy stream none`() throws {
        let slow = try MockUpstream("--tokens 1", "--latency 600ms")
        let daemon = try Daemon(slow.configuration(more: "server: {keepalive_interval: 50ms}"))
        let connection = try daemon.connect()
        try connection.post("/batch", #"{"inputs":["a","b"]}"#, fields: ["Accept": "text/event-stream"])
        let reply = try connection.reply()
        #expect(reply.ending == .complete)
        #expect(reply.text.contains(": ping\r\n\r\n"))
        let busy = try Daemon(EndpointTests.configuration)
        #expect(try !busy.post("/stream", #"{"input":"a"}"#).text.contains("ping"))
    }
}
