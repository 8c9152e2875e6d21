import EventLoop
import HTTP
import Runnable
import ScriptedUpstream
import Testing

@testable import Providers

/// What upstreams are told of the request that a call is made for.
@Suite(.timeLimit(.minutes(1))) struct CallTraceTests {
    private let id = TraceID(high: 0x4bf9_2f35_77b3_4da6, low: 0xa3ce_929d_0e0e_4736)
    private let answer = """
        {"choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}]}
        """

    private func trace(flags: UInt8 = 1, seed: UInt64 = 42) -> CallTrace {
        CallTrace(traceID: id, parent: SpanID(7), flags: flags, state: [], seed: seed)
    }

    @Test func `the spans of a trace have ids of their own`() {
        let trace = trace()
        var seen: Set<SpanID> = [trace.request.spanID]
        for call in 0..<1000 {
            for part in 0..<8 { #expect(seen.insert(trace.span(ofCall: call, part: part)).inserted) }
        }
        #expect(trace.span(ofCall: 3) == self.trace().span(ofCall: 3))
        #expect(trace.span(ofCall: 3) != self.trace(seed: 43).span(ofCall: 3))
    }

    /// The lines of the requests that `calls` calls send, lower case.
    private func lines(
        carried: CarriedFields,
        calls: Int = 1,
        _ prepare: @escaping @Sendable (CallLog) -> Void
    ) async throws -> [[String]] {
        let fixture = try UpstreamFixture([UpstreamScript](repeating: .response(answer), count: calls))
        let model = fixture.model { $0.carried = carried }
        try await fixture.run {
            let log = CallLog(loop: fixture.loop, sink: nil)
            prepare(log)
            var config = RunConfig()
            config.attachment = log
            for _ in 0..<calls { _ = try await model.ainvoke(ChatPrompt("hi"), config: config) }
        }
        return fixture.upstream.requests.map { $0.head.split(separator: "\r\n").map { $0.lowercased() } }
    }

    @Test func `each call is told its own span, and the request's id`() async throws {
        let sent = try await lines(carried: [.requestID, .trace], calls: 2) { log in
            log.requestID = "mine-1"
            log.trace = CallTrace(
                traceID: TraceID(high: 0x4bf9_2f35_77b3_4da6, low: 0xa3ce_929d_0e0e_4736),
                parent: SpanID(7),
                flags: 3,
                state: Array("a=1,b=2".utf8),
                seed: 42
            )
        }
        #expect(sent.count == 2)
        for (number, lines) in sent.enumerated() {
            var span: [UInt8] = []
            trace().span(ofCall: number).append(to: &span)
            #expect(lines.contains("x-request-id: mine-1"))
            #expect(lines.contains("tracestate: a=1,b=2"))
            let text = String(decoding: span, as: UTF8.self)
            #expect(lines.contains("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-\(text)-03"))
            #expect(lines.contains("authorization: bearer sk-canary-1"))
        }
    }

    @Test func `a run's id stands for the request where the caller named none`() async throws {
        let sent = try await lines(carried: .requestID) { log in
            log.runID = RunID("0f3ed1e2-914c-4a8a-92d5-9ed58972c0c8")
            log.trace = CallTrace(traceID: TraceID(high: 1, low: 1), parent: nil, flags: 0, state: [], seed: 1)
        }
        #expect(sent[0].contains("x-request-id: 0f3ed1e2-914c-4a8a-92d5-9ed58972c0c8"))
        #expect(!sent[0].contains { $0.hasPrefix("trace") })
    }

    @Test func `a caller's trace goes on as it came where no part is taken`() async throws {
        let sent = try await lines(carried: .trace) { log in
            let parent = TraceParent(traceID: TraceID(high: 1, low: 2), spanID: SpanID(3), flags: 1)
            log.requestID = "mine"
            log.trace = CallTrace(passing: parent, state: [])
        }
        #expect(sent[0].contains("traceparent: 00-00000000000000010000000000000002-0000000000000003-01"))
        #expect(!sent[0].contains { $0.hasPrefix("tracestate") || $0.hasPrefix("x-request-id") })
    }

    @Test func `who is to be told nothing is told nothing`() async throws {
        let sent = try await lines(carried: []) { log in
            log.requestID = "mine"
            log.trace = CallTrace(traceID: TraceID(high: 1, low: 1), parent: nil, flags: 1, state: [], seed: 1)
        }
        #expect(!sent[0].contains { $0.hasPrefix("trace") || $0.hasPrefix("x-request-id") })
    }
}
