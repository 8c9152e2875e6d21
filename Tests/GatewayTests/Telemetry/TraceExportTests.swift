import Runnable
import ScriptedUpstream
import Testing

@testable import Gateway

/// How spans reach a collector, or do not: no request is the slower for it, and what is lost is counted.
@Suite(.timeLimit(.minutes(1)))
struct TraceExportTests {
    /// Runs `body` with a traced gateway on the mock inside the process, stops it, and gives what became of the spans.
    private func traced(
        _ tracing: String,
        _ body: (TestGateway) async throws -> Void
    ) async throws -> SpanCounts {
        var counts: SpanCounts?
        try await TestGateway.run(tracing + mockConfiguration("tokens: 2")) { gateway in
            counts = gateway.gateway.spans
            try await body(gateway)
        }
        return try #require(counts)
    }

    private func invoke(_ gateway: TestGateway, times: Int = 1) async throws {
        for _ in 0..<times { #expect(try await gateway.post("/invoke", #"{"input":"hi"}"#).status == 200) }
    }

    private let requestSpans = 2  // of a request and its call

    @Test("what a collector cannot take now is sent again", arguments: [429, 502, 503, 504])
    func retries(status: Int) async throws {
        let collector = TestCollector([.response(status: status, ""), .response("{}")])
        defer { collector.server.stop() }
        let counts = try await traced(collector.tracing()) { gateway in
            try await invoke(gateway)
            await collector.server.received(2)
        }
        let requests = collector.server.requests
        #expect(requests.count == 2)
        #expect(requests[0].body == requests[1].body)
        #expect(counts.exported == requestSpans)
        #expect(counts.lost == 0)
    }

    @Test(arguments: [
        (1, nil, 500...1000), (2, nil, 1000...2000), (100, nil, 15_000...30_000), (1, 0, 500...1000),
        (1, 1, 1000...1000), (1, 3, 3000...3000), (100, 20, 20_000...30_000), (1, 100, 100_000...100_000),
        (5, 600, 600_000...600_000), (5, 601, 600_000...600_000), (1, 86_400, 600_000...600_000),
    ])
    func `pauses grow, and are never shorter than the collector asks`(
        failures: Int,
        retryAfter: Int?,
        milliseconds: ClosedRange<Int>
    ) {
        let ends = [0.0, 1.0].map { chance in
            TraceExporter.pause(afterFailures: failures, retryAfter: retryAfter.map { .seconds($0) }, chance: chance)
        }
        #expect(ends == [.milliseconds(milliseconds.lowerBound), .milliseconds(milliseconds.upperBound)])
    }

    @Test("what it refuses is not", arguments: [400, 401, 404, 413, 500])
    func refusals(status: Int) async throws {
        let collector = TestCollector([.response(status: status, "no"), .response("{}")])
        defer { collector.server.stop() }
        let counts = try await traced(collector.tracing()) { gateway in
            try await invoke(gateway)
            await collector.server.received(1)
            try await invoke(gateway)
            await collector.server.received(2)
            let log = try await gateway.logText(containing: "spans lost")
            #expect(log.contains("the collector answered \(status)"))
        }
        #expect(counts.lost(.refused) == requestSpans)
        #expect(counts.exported == requestSpans)
    }

    @Test func `what it says it did not take is lost`() async throws {
        let body = #"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}"#
        let collector = TestCollector([.response(body)])
        defer { collector.server.stop() }
        let counts = try await traced(collector.tracing()) { try await invoke($0) }
        #expect(counts.exported == 1)
        #expect(counts.lost(.refused) == 1)
    }

    @Test(arguments: [true, false])
    func `what it took stays taken, though the answer's body is cut or too long`(isCut: Bool) async throws {
        let cut: UpstreamScript = [.text("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"), .close]
        let long = UpstreamScript.response(String(repeating: " ", count: 100_000))
        let collector = TestCollector([isCut ? cut : long, .response("{}")])
        defer { collector.server.stop() }
        let counts = try await traced(collector.tracing()) { gateway in
            try await invoke(gateway)
            await collector.server.received(1)
        }
        #expect(collector.server.requests.count == 1)
        #expect(counts.exported == requestSpans)
        #expect(counts.lost == 0)
    }

    @Test func `a slow collector makes the queue drop, and no request wait`() async throws {
        let gate = Gate()
        let slow: UpstreamScript = [.gate(gate)] + .response("{}")
        let collector = TestCollector([slow] + [UpstreamScript](repeating: .response("{}"), count: 100))
        defer { collector.server.stop() }
        let limits = "sample: 1, interval: 10ms, timeout: 60s, max_queue: 10"
        let counts = try await traced(collector.tracing(limits)) { gateway in
            try await invoke(gateway)
            await collector.server.received(1)
            // The first batch is on its way and stays there: everything after it has to wait, and there is room for ten.
            try await invoke(gateway, times: 40)
            while gateway.gateway.spans.lost(.queueFull) == 0 { try await invoke(gateway) }
            gate.open()
        }
        #expect(counts.lost(.queueFull) > 0)
        #expect(counts.lost == counts.lost(.queueFull))
        #expect(counts.exported >= requestSpans)
        #expect(try collector.spans.count == counts.exported)
    }

    @Test func `what waits at the end is sent before the service has stopped`() async throws {
        let collector = TestCollector()
        defer { collector.server.stop() }
        let counts = try await traced(collector.tracing("sample: 1, interval: 60s")) { gateway in
            try await invoke(gateway, times: 3)
            #expect(collector.server.requests.isEmpty)
        }
        #expect(try collector.spans.count == 3 * requestSpans)
        #expect(counts.exported == 3 * requestSpans)
    }

    @Test func `a collector that is away holds nothing up, at the end neither`() async throws {
        let collector = TestCollector([])
        collector.server.stop()
        let counts = try await traced(collector.tracing()) { gateway in
            try await invoke(gateway, times: 5)
        }
        #expect(counts.exported == 0)
        #expect(counts.lost == 5 * requestSpans)
    }

    @Test func `one that never answers holds the end up for no longer than is set`() async throws {
        let collector = TestCollector([[.untilDisconnect]])
        defer { collector.server.stop() }
        let counts = try await traced(collector.tracing("sample: 1, interval: 10ms, timeout: 300s")) { gateway in
            try await invoke(gateway)
            await collector.server.received(1)
        }
        #expect(counts.lost(.stopped) == requestSpans)
        await collector.server.disconnected(1)
    }

    @Test func `a reload changes the collector, and takes it away`() async throws {
        let first = TestCollector()
        let second = TestCollector()
        defer {
            first.server.stop()
            second.server.stop()
        }
        _ = try await traced(first.tracing()) { gateway in
            try await invoke(gateway)
            var next = gateway.configuration
            next.tracing.endpoint = UpstreamURL(scheme: .http, host: "127.0.0.1", port: second.server.port)
            try await gateway.gateway.reload(next)
            await first.server.received(1)
            #expect(try first.spans.count == requestSpans)
            try await invoke(gateway)
            next.tracing.endpoint = nil
            try await gateway.gateway.reload(next)
            await second.server.received(1)
            #expect(try second.spans.count == requestSpans)
            #expect(try await gateway.post("/invoke", #"{"input":"hi"}"#)["traceresponse"] == nil)
        }
        #expect(try first.spans.count == requestSpans)
        #expect(try second.spans.count == requestSpans)
    }

    @Test func `no reload waits for a collector that hangs, but the end does`() async throws {
        let gate = Gate()
        let slow: UpstreamScript = [.gate(gate)] + .response("{}")
        let first = TestCollector([slow])
        defer { first.server.stop() }
        let counts = try await traced(first.tracing("sample: 1, interval: 10ms, timeout: 300s")) { gateway in
            try await invoke(gateway)
            await first.server.received(1)
            var next = gateway.configuration
            next.tracing.endpoint = nil
            try await gateway.gateway.reload(next)
            // A reload that waited would have given these spans up.
            #expect(gateway.gateway.spans.lost == 0)
            #expect(gateway.gateway.spans.exported == 0)
            gate.open()
        }
        #expect(counts.exported == requestSpans)
        #expect(counts.lost == 0)
    }

    @Test func `keys go to the collector and nowhere else`() async throws {
        let collector = TestCollector()
        defer { collector.server.stop() }
        let keys = "api_key: sk-canary-collector, headers: {X-Scope-Token: canary-scope-token}"
        let counts = try await traced(collector.tracing("sample: 1, interval: 10ms, \(keys)")) { gateway in
            try await invoke(gateway)
            await collector.server.received(1)
            #expect(gateway.configuration.secrets.count == 2)
            #expect(!EffectiveConfiguration.yaml(gateway.configuration).contains("canary"))
        }
        let sent = try #require(collector.server.requests.first)
        #expect(sent.head.contains("authorization: Bearer sk-canary-collector"))
        #expect(sent.head.contains("X-Scope-Token: canary-scope-token"))
        #expect(!sent.body.contains("canary"))
        #expect(counts.exported == requestSpans)
    }
}

/// The queue between the loops and the exporter.
@Suite struct SpanQueueTests {
    private func batch(_ text: String, _ count: Int) -> SpanQueue.Batch {
        SpanQueue.Batch(bytes: Array(text.utf8), count: count)
    }

    @Test func `it is bounded in spans and in bytes`() {
        let counts = SpanCounts()
        let queue = SpanQueue(maximumCount: 5, maximumBytes: 20, counts: counts)
        queue.add(batch("aaaa", 3))
        queue.add(batch("b", 3))
        #expect(counts.lost(.queueFull) == 3)
        queue.add(batch("cccc", 2))
        let taken = queue.take()
        #expect(taken.map { String(decoding: $0.bytes, as: UTF8.self) } == "aaaa,cccc")
        #expect(taken?.count == 5)
        #expect(queue.take() == nil)
        queue.add(batch(String(repeating: "d", count: 21), 1))
        #expect(counts.lost(.queueFull) == 4)
        queue.add(batch(String(repeating: "d", count: 20), 1))
        #expect(queue.take()?.count == 1)
    }

    @Test func `a request takes no more than fits`() {
        let queue = SpanQueue(maximumCount: 100, maximumBytes: .max, counts: SpanCounts())
        let half = String(repeating: "a", count: SpanQueue.requestSize / 2 + 1)
        for _ in 0..<3 { queue.add(batch(half, 1)) }
        queue.add(batch(half + half, 1))
        #expect((0..<4).map { _ in queue.take()?.count } == [1, 1, 1, 1])
        #expect(queue.take() == nil)
    }

    @Test func `what is left at the end is counted`() {
        let counts = SpanCounts()
        let queue = SpanQueue(maximumCount: 5, maximumBytes: 20, counts: counts)
        queue.add(batch("a", 2))
        queue.close()
        queue.add(batch("a", 1))
        #expect(queue.take() == nil)
        #expect(counts.lost(.stopped) == 3)
        #expect(counts.lost == 3)
    }
}
