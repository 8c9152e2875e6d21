import Runnable
import ScriptedUpstream
import Testing

@testable import Gateway

/// Traces of requests, as a collector gets them and as upstreams and callers see them.
@Suite(.timeLimit(.minutes(1)))
struct TracingTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let parent = "00-\(trace)-00f067aa0ba902b7-01"
    private let token = """
        data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n
        """
    private let finish = """
        data: {"model":"m-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],\
        "usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\ndata: [DONE]\n\n
        """
    private let answer = """
        {"model":"m-1","choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}],\
        "usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}
        """

    /// Runs `body` with a gateway that is traced, and gives the spans when it has stopped.
    private func traced(
        _ scripts: [UpstreamScript],
        _ tracing: String = "sample: 1, interval: 10ms",
        route: String = "",
        backend: String = "",
        collector: TestCollector = TestCollector(),
        _ body: (TestGateway, ScriptedUpstream) async throws -> Void
    ) async throws -> [TestSpan] {
        let upstream = ScriptedUpstream(scripts)
        defer {
            upstream.stop()
            collector.server.stop()
        }
        let text = collector.tracing(tracing) + upstreamConfiguration(upstream.port, backend: backend, route: route)
        try await TestGateway.run(text) { gateway in try await body(gateway, upstream) }
        return try collector.spans
    }

    private func field(_ name: String, of request: ScriptedUpstream.Request) -> String? {
        for line in request.head.split(separator: "\r\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts[0].lowercased() == name { return String(parts[1].drop { $0 == " " }) }
        }
        return nil
    }

    private func span(_ name: String, in spans: [TestSpan]) throws -> TestSpan {
        try #require(spans.first { $0.name == name }, "no \(name) in \(spans.map(\.name))")
    }

    @Test func `a stream has spans for itself, its call, and what the call waited for`() async throws {
        let spans = try await traced([.eventStream([token, token, finish])]) { gateway, upstream in
            let reply = try await gateway.post(
                "/chat/stream",
                #"{"input":"hi"}"#,
                "traceparent: \(TracingTests.parent)",
                "tracestate: a=1",
                "x-request-id: mine-1"
            )
            #expect(reply.ending == .proper)
            let answered = try #require(reply["traceresponse"]?.split(separator: "-"))
            #expect(answered[1] == TracingTests.trace)
            let sent = try #require(upstream.requests.first)
            #expect(field("x-request-id", of: sent) == "mine-1")
            #expect(field("tracestate", of: sent) == "a=1")
            let log = try await gateway.logText(containing: #""endpoint":"stream""#)
            #expect(log.contains(#""trace":"\#(TracingTests.trace)""#))
        }
        let server = try span("POST /chat/stream", in: spans)
        let client = try span("chat m", in: spans)
        #expect(server.kind == 2)
        #expect(server.parent == "00f067aa0ba902b7")
        #expect(server.flags == 0x301)
        #expect(client.kind == 3)
        #expect(client.parent == server.id)
        #expect(client.flags == 0x101)
        for name in ["first token", "stream"] {
            let part = try span(name, in: spans)
            #expect(part.kind == 1)
            #expect(part.parent == client.id)
            #expect(part.start >= client.start && part.end <= client.end)
        }
        #expect(Set(spans.map(\.id)).count == spans.count)
        for span in spans {
            #expect(span.trace == TracingTests.trace)
            #expect(span.state == "a=1")
            #expect(!span.isError)
            #expect(span.attributes["headgate.request.id"] == "mine-1")
            #expect(span.start >= server.start && span.end <= server.end)
        }
        let told: [String: String] = [
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "m",
            "gen_ai.request.stream": "true", "gen_ai.response.model": "m-1", "gen_ai.response.finish_reasons": "stop",
            "gen_ai.usage.input_tokens": "3", "gen_ai.usage.output_tokens": "2", "server.address": "127.0.0.1",
            "headgate.backend": "up",
        ]
        for (key, value) in told { #expect(client.attributes[key] == value, "\(key)") }
        #expect(client.events == ["response head", "first token"])
        #expect(server.attributes["http.route"] == "/chat/stream")
        #expect(server.attributes["http.response.status_code"] == "200")
        #expect(server.attributes["headgate.outcome"] == "ok")
    }

    @Test
    func `the upstream is told the span of its own call, and a trace that begins here is called after the request`()
        async throws
    {
        var head: ScriptedUpstream.Request?
        var id: String?
        let spans = try await traced([.response(answer)]) { gateway, upstream in
            let reply = try await gateway.post("/invoke", #"{"input":"hi"}"#)
            id = reply["x-request-id"]
            head = upstream.requests.first
        }
        let client = try span("chat m", in: spans)
        let server = try span("POST /invoke", in: spans)
        #expect(server.trace == id?.filter { $0 != "-" })
        #expect(server.parent == nil)
        let sent = try #require(head)
        #expect(field("traceparent", of: sent) == "00-\(client.trace)-\(client.id)-03")
        #expect(field("x-request-id", of: sent) == id)
        #expect(client.events == ["response head", "answer"])
    }

    @Test func `each item of a batch and each try has a span, and failures say what failed`() async throws {
        let failure = UpstreamScript.response(status: 500, #"{"error":{"message":"no"}}"#)
        let spans = try await traced([failure, .response(answer), .response(answer)], route: "max_concurrency: 1") {
            gateway,
            _ in
            let body = #"{"inputs":["a","b","c"],"return_exceptions":true}"#
            let reply = try await gateway.post("/batch", body)
            #expect(reply.status == 200)
        }
        let server = try span("POST /batch", in: spans)
        let calls = spans.filter { $0.name == "chat m" }
        #expect(calls.count == 3)
        #expect(calls.allSatisfy { $0.parent == server.id })
        #expect(calls.map(\.isError) == [true, false, false])
        #expect(calls.map { $0.attributes["error.type"] } == ["upstream_5xx", nil, nil])
        #expect(server.attributes["headgate.batch.items"] == "3")
        #expect(server.attributes["headgate.calls"] == "3")
        #expect(server.isError)
        #expect(server.attributes["error.type"] == "upstream_5xx")
    }

    @Test func `what the caller got wrong is a span without an error of ours`() async throws {
        let spans = try await traced([]) { gateway, _ in
            let refused = try await gateway.post("/invoke", "{")
            #expect(refused.status == 422)
            let health = try await gateway.send(.get("/health"))
            #expect(health.status == 200)
        }
        #expect(spans.map(\.name) == ["POST /invoke"])
        #expect(spans.first?.isError == false)
        #expect(spans.first?.attributes["error.type"] == "caller_invalid")
    }

    @Test(
        "the caller's flag decides, or the ratio",
        arguments: [
            ("sample: 0, interval: 10ms", "01", true), ("sample: 1, interval: 10ms", "00", false),
            ("sample: 0, sampling: ratio, interval: 10ms", "01", false),
            ("sample: 1, sampling: ratio, interval: 10ms", "00", true),
            ("sample: 0, interval: 10ms", nil, false), ("sample: 1, interval: 10ms", nil, true),
        ]
    )
    func sampling(_ tracing: String, _ flag: String?, _ isSampled: Bool) async throws {
        var told: String?
        var answered: String?
        let spans = try await traced([.response(answer)], tracing) { gateway, upstream in
            let fields = flag.map { ["traceparent: \(TracingTests.parent.dropLast(2))\($0)"] } ?? []
            let request = TestRequest(path: "/invoke", fields: fields, body: Array(#"{"input":"hi"}"#.utf8))
            answered = try await gateway.send(request)["traceresponse"]
            told = upstream.requests.first.flatMap { field("traceparent", of: $0) }
        }
        #expect(spans.isEmpty == !isSampled)
        #expect((answered != nil) == isSampled)
        // Upstreams are told either way, so that they decide alike.
        let flags = try #require(told?.split(separator: "-").last)
        #expect((flags == "01" || flags == "03") == isSampled)
        if flag != nil { #expect(told?.contains(TracingTests.trace) == true) }
    }

    @Test func `without a collector a caller's trace goes on unchanged, and none begins`() async throws {
        try await scripted([.response(answer), .response(answer)]) { gateway, upstream in
            let reply = try await gateway.post("/invoke", #"{"input":"hi"}"#, "traceparent: \(TracingTests.parent)")
            #expect(reply["traceresponse"] == nil)
            _ = try await gateway.post("/invoke", #"{"input":"hi"}"#, "traceparent: nonsense")
            #expect(field("traceparent", of: upstream.requests[0]) == TracingTests.parent)
            #expect(field("traceparent", of: upstream.requests[1]) == nil)
            #expect(field("x-request-id", of: upstream.requests[0]) == reply["x-request-id"])
        }
    }

    @Test(
        "a backend is told what its settings allow",
        arguments: [
            ("propagate_trace: false", false, true), ("propagate_request_id: false", true, false),
            ("headers: {X-Request-Id: fixed}", true, false), ("headers: {Traceparent: fixed}", false, true),
        ]
    )
    func propagation(_ backend: String, _ trace: Bool, _ id: Bool) async throws {
        let spans = try await traced([.response(answer)], backend: backend) { gateway, upstream in
            let reply = try await gateway.post("/invoke", #"{"input":"hi"}"#)
            let sent = try #require(upstream.requests.first)
            #expect((field("traceparent", of: sent).map { $0 != "fixed" } ?? false) == trace)
            #expect((field("x-request-id", of: sent) == reply["x-request-id"]) == id)
            // Never twice.
            let names = sent.head.lowercased().split(separator: "\r\n").compactMap { $0.split(separator: ":").first }
            #expect(Set(names).count == names.count)
        }
        // Besides what is inside the call.
        #expect(spans.filter { ["POST /invoke", "chat m"].contains($0.name) }.count == 2)
    }

    @Test func `the resource says who we are`() async throws {
        let collector = TestCollector()
        let more =
            "sample: 1, interval: 10ms, service_name: chat, attributes: {deployment.environment.name: \"a \\\"b\\\"\"}"
        _ = try await traced([.response(answer)], more, collector: collector) { gateway, _ in
            _ = try await gateway.post("/invoke", #"{"input":"hi"}"#)
        }
        let resource = try collector.resource
        #expect(resource["service.name"] == "chat")
        #expect(resource["service.version"] == Gateway.version)
        #expect(resource["service.instance.id"]?.count == 36)
        #expect(resource["deployment.environment.name"] == "a \"b\"")
    }
}
