import Runnable
import ScriptedUpstream
import Testing

@testable import Gateway

/// `abort_on_disconnect: false`: a run whose client went away comes to its end, is accounted, and its answer is dropped.
@Suite(.timeLimit(.minutes(1)))
struct AbortOnDisconnectTests {
    private static let setting = "abort_on_disconnect: false"

    /// Sends a request whose upstream waits at a gate, leaves when the upstream has it, and returns when the gateway knows.
    private func leave(
        _ gateway: TestGateway,
        _ upstream: ScriptedUpstream,
        _ path: String,
        _ body: String,
        _ fields: String...
    ) async throws {
        let connection = try await gateway.talk { _ in try TestConnection(port: gateway.port) }
        try connection.send(TestRequest(path: path, fields: fields, body: Array(body.utf8)))
        await upstream.received(1)
        connection.reset()
        // The reset was there before this request, on the only loop.
        #expect(try await gateway.send(.get("/health")).status == 200)
    }

    private func line(_ gateway: TestGateway, _ endpoint: String) async throws -> Value {
        let mark = "\"endpoint\":\"\(endpoint)\""
        let lines = try await gateway.logText(containing: mark).split(separator: "\n")
        return try Value(parsing: String(try #require(lines.first { $0.contains(mark) })))
    }

    @Test(arguments: ["/invoke", "/stream"])
    func `a whole answer is read, accounted and dropped`(path: String) async throws {
        let gate = Gate()
        try await scripted([[.gate(gate)] + .counted, .counted], backend: Self.setting) { gateway, upstream in
            try await leave(gateway, upstream, path, #"{"input":"a"}"#)
            gate.open()
            let line = try await line(gateway, String(path.dropFirst()))
            #expect(line["outcome"] == "client_gone")
            #expect(line["tokens_in"]?.integer == 7)
            #expect(line["tokens_out"]?.integer == 3)
            // A call that was given up would have cost its connection.
            #expect(try await gateway.post("/invoke", #"{"input":"b"}"#).json["output"] == "counted")
            #expect(upstream.connectionCount == 1)
        }
    }

    @Test func `a stream larger than every buffer is read to its end`() async throws {
        let gate = Gate()
        let tokens = Array(repeating: String.token(String(repeating: "x", count: 16 << 10)), count: 200)
        let usage =
            #"data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":200,"total_tokens":207}}"# + "\n\n"
        let stream: UpstreamScript = .eventStream(tokens + [usage, "data: [DONE]\n\n"])
        try await scripted([[.gate(gate)] + stream, .counted], backend: Self.setting) { gateway, upstream in
            try await leave(gateway, upstream, "/stream", #"{"input":"a"}"#)
            gate.open()
            let line = try await line(gateway, "stream")
            #expect(line["outcome"] == "client_gone")
            #expect(line["tokens_out"]?.integer == 200)
            #expect(try await gateway.post("/invoke", #"{"input":"b"}"#).json["output"] == "counted")
            #expect(upstream.connectionCount == 1)
        }
    }

    @Test(arguments: ["application/json", "application/x-ndjson"])
    func `every item of a batch runs`(accept: String) async throws {
        let gate = Gate()
        let scripts: [UpstreamScript] = [[.gate(gate)] + .counted, .counted, .counted]
        try await scripted(scripts, backend: Self.setting, route: "max_concurrency: 1") { gateway, upstream in
            try await leave(gateway, upstream, "/batch", #"{"inputs":["a","b","c"]}"#, "Accept: \(accept)")
            gate.open()
            let line = try await line(gateway, "batch")
            #expect(line["outcome"] == "client_gone")
            #expect(line["tokens_out"]?.integer == 9)
            #expect(upstream.requests.count == 3)
        }
    }

    @Test func `the caller's deadline ends it all the same`() async throws {
        try await scripted([[.untilDisconnect]], backend: Self.setting, route: "timeouts: {total: 2s}") {
            gateway,
            upstream in
            try await leave(gateway, upstream, "/invoke", #"{"input":"a"}"#)
            await upstream.disconnected(1)
            #expect(try await line(gateway, "invoke")["error"] == "timeout_total")
        }
    }

    @Test func `the end of the drain ends it all the same`() async throws {
        try await scripted([[.untilDisconnect]], backend: Self.setting) { gateway, upstream in
            try await leave(gateway, upstream, "/invoke", #"{"input":"a"}"#)
            await gateway.gateway.cancelRequests()
            await upstream.disconnected(1)
            #expect(try await line(gateway, "invoke")["outcome"] == "client_gone")
        }
    }
}

extension UpstreamScript {
    /// A completion with usage.
    fileprivate static var counted: UpstreamScript {
        .response(
            #"{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"finish_reason":"stop","#
                + #""message":{"role":"assistant","content":"counted"}}],"#
                + #""usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}"#
        )
    }
}
