import Runnable
import ScriptedUpstream
import Testing

@testable import Gateway

/// Pipelines over a scripted upstream: what is called how often, what is cancelled, and what callers get.
@Suite(.timeLimit(.minutes(1)))
struct PipelineRunTests {
    private func run(
        _ scripts: [UpstreamScript],
        _ pipeline: String,
        route: String = "",
        _ body: (TestGateway, ScriptedUpstream) async throws -> Void
    ) async throws {
        let upstream = ScriptedUpstream(scripts)
        defer { upstream.stop() }
        let configuration = """
            backends:
              up: {dialect: openai, url: "http://127.0.0.1:\(upstream.port)/v1"}
              mock: {dialect: mock, mock: {reply: "from the mock"}}
            models:
              up: {backend: up}
              mock: {backend: mock}
            routes:
              /:
                \(route)
                pipeline: \(pipeline)
            """
        try await TestGateway.run(configuration) { try await body($0, upstream) }
    }

    /// Expects an answer with this output.
    private func expect(_ output: Value, _ gateway: TestGateway, input: String = "a") async throws {
        let quoted = input.hasPrefix("[") ? input : "\"\(input)\""
        let reply = try await gateway.post("/invoke", #"{"input":\#(quoted)}"#)
        #expect(reply.status == 200)
        #expect(try reply.json["output"] == output)
    }

    /// Expects a failure of the upstream.
    private func expectFailure(_ gateway: TestGateway) async throws {
        let reply = try await gateway.post("/invoke", #"{"input":"a"}"#)
        #expect(reply.status == 502)
    }

    private static let failure: UpstreamScript = .response(
        status: 500,
        #"{"error":{"message":"no"}}"#
    )

    @Test("a map runs no more elements at once than the route allows, and keeps their order")
    func mapBound() async throws {
        let gate = Gate()
        let held: [UpstreamScript] = Array(repeating: [.gate(gate)] + .completion("x"), count: 2)
        let rest: [UpstreamScript] = Array(repeating: .completion("x"), count: 3)
        try await run(
            held + rest,
            #"[{map: [{prompt: "{q}"}, {model: up}, {parser: string}]}]"#,
            route: "max_concurrency: 2"
        ) { gateway, upstream in
            async let reply = gateway.post("/invoke", #"{"input":[{"q":"1"},{"q":"2"},{"q":"3"},{"q":"4"},{"q":"5"}]}"#)
            await upstream.received(2)
            gate.open()
            let answer = try await reply
            #expect(try answer.json["output"] == ["x", "x", "x", "x", "x"])
            // Never more than two at once: no third connection was needed.
            #expect(upstream.requests.count == 5 && upstream.connectionCount == 2)
        }
    }

    @Test("LS-30 the calls of a whole batch of maps of parallels stay under the route's limit together")
    func sharedLimit() async throws {
        let gate = Gate()
        let held: [UpstreamScript] = Array(repeating: [.gate(gate)] + .completion("x"), count: 3)
        let rest: [UpstreamScript] = Array(repeating: .completion("x"), count: 9)
        try await run(
            held + rest,
            "[{map: {parallel: {a: {model: up}, b: {model: up}, c: {model: up}}}}]",
            route: "max_concurrency: 3"
        ) { gateway, upstream in
            async let reply = gateway.post("/batch", #"{"inputs":[["1","2"],["3","4"]]}"#)
            await upstream.received(3)
            gate.open()
            let answer = try await reply
            #expect(answer.status == 200)
            #expect(upstream.requests.count == 12 && upstream.connectionCount == 3)
        }
    }

    @Test("a list with more elements than a batch may have is refused")
    func longList() async throws {
        try await run([], "[{map: {passthrough: {}}}]", route: "max_batch: 3") { gateway, _ in
            let refused = try await gateway.post("/invoke", #"{"input":[1,2,3,4]}"#)
            #expect(refused.status == 422)
            try await expect([1, 2, 3], gateway, input: "[1,2,3]")
        }
    }

    @Test("a step's own timeout is a failure that retry repeats")
    func retriedTimeout() async throws {
        let pipeline = "[{model: up, timeout: 300ms, retry: {attempts: 2, initial: 0s, jitter: 0s}}, {parser: string}]"
        try await run([[.untilDisconnect], .completion("second")], pipeline) { gateway, upstream in
            try await expect("second", gateway)
            #expect(upstream.requests.count == 2)
        }
    }

    @Test("LS-132 identical calls in progress are one, and ids that the step does not declare change nothing")
    func singleFlight() async throws {
        let gate = Gate()
        let pipeline = "[{model: up, cache: {size: 10}}, {parser: string}]"
        try await run([[.gate(gate)] + .completion("one"), .completion("two")], pipeline) { gateway, upstream in
            async let first = gateway.post("/invoke", #"{"input":"a"}"#)
            await upstream.received(1)
            async let second = gateway.post("/invoke", #"{"input":"a","config":{"configurable":{"x":1}}}"#)
            gate.open()
            let replies = try await [first, second]
            #expect(try replies.map { try $0.json["output"] } == ["one", "one"])
            #expect(upstream.requests.count == 1)
        }
    }

    @Test(
        "G2 a client that leaves ends every call of a pipeline",
        arguments: [
            "[{parallel: {a: {model: up}, b: {model: up}, c: {model: up}}}]",
            "[{map: {model: up}}]", "[{assign: {a: {model: up}, b: {model: up}, c: {model: up}}}]",
        ],
        ["invoke", "stream", "stream_events", "stream_log"]
    )
    func clientGone(pipeline: String, endpoint: String) async throws {
        try await run(Array(repeating: [.untilDisconnect], count: 9), pipeline) { gateway, upstream in
            let input = pipeline.contains("map") ? #"["1","2","3"]"# : #"{"text":"1"}"#
            let connection = try await onThread {
                let connection = try TestConnection(port: gateway.port)
                try connection.send(.post("/\(endpoint)", #"{"input":\#(input)}"#))
                return connection
            }
            await upstream.received(3)
            connection.close()
            await upstream.disconnected(3)
            _ = try await gateway.logText(containing: "client_gone")
            #expect(upstream.requests.count == 3)
        }
    }

    @Test("a failed call is made again as often as the step says, and no more (G10)")
    func retries() async throws {
        let pipeline = "[{model: up, retry: {attempts: 3, initial: 0s, jitter: 0s}}, {parser: string}]"
        try await run([Self.failure, Self.failure, .completion("third")], pipeline) { gateway, upstream in
            try await expect("third", gateway)
            #expect(upstream.requests.count == 3)
        }
        try await run(Array(repeating: Self.failure, count: 9), pipeline) { gateway, upstream in
            try await expectFailure(gateway)
            #expect(upstream.requests.count == 3)
        }
    }

    @Test("fallbacks run when a step fails, in streams before the first chunk only")
    func fallbacks() async throws {
        let pipeline = "[{model: up, fallbacks: [mock]}, {parser: string}]"
        try await run([Self.failure, Self.failure], pipeline) { gateway, _ in
            try await expect("from the mock", gateway)
            let stream = try await gateway.post("/stream", #"{"input":"a"}"#, "Accept: text/plain")
            #expect(stream.text == "from the mock")
        }
    }

    @Test("a step's limit in time is its own, and what comes after it goes on")
    func timeouts() async throws {
        let pipeline = "[{model: up, timeout: 50ms, fallbacks: [mock]}, {parser: string}]"
        try await run([[.untilDisconnect]], pipeline) { gateway, upstream in
            try await expect("from the mock", gateway)
            await upstream.disconnected(1)
        }
    }

    @Test("remembered answers are not asked for again, and errors are not remembered")
    func cache() async throws {
        let pipeline = "[{model: up, cache: {size: 10}}, {parser: string}]"
        try await run([Self.failure, .completion("one"), .completion("two")], pipeline) { gateway, upstream in
            try await expectFailure(gateway)
            for _ in 0..<3 { try await expect("one", gateway) }
            try await expect("two", gateway, input: "b")
            #expect(upstream.requests.count == 3)
        }
    }

    @Test("LS-73 a value that the caller chose is a field of that request alone")
    func configurable() async throws {
        let pipeline =
            "[{model: up, configurable: {heat: {type: number, default: 0.5, sets: temperature}}}, {parser: string}]"
        try await run([.completion("a"), .completion("b")], pipeline) { gateway, upstream in
            let chosen = #"{"input":"a","config":{"configurable":{"heat":0.9}}}"#
            _ = try await gateway.post("/invoke", chosen)
            try await expect("b", gateway)
            let bodies = try upstream.requests.map { try Value(parsing: $0.body) }
            #expect(bodies.map { $0["temperature"] } == [0.9, 0.5])
        }
    }

    @Test("tokens of all models inside are in the access line")
    func usage() async throws {
        let usage =
            #"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#
        let pipeline = "[{parallel: {a: [{model: up}, {parser: string}], b: [{model: up}, {parser: string}]}}]"
        try await run([.response(usage), .response(usage)], pipeline) { gateway, _ in
            try await expect(["a": "x", "b": "x"], gateway)
            let line = try await gateway.logText(containing: "\"endpoint\":\"invoke\"")
            #expect(line.contains("\"tokens_in\":6") && line.contains("\"tokens_out\":8"))
        }
    }
}
