import Runnable
import ScriptedUpstream
import Testing

@testable import Gateway

/// `X-Request-Timeout-Ms` and the route's own total (G3).
@Suite(.timeLimit(.minutes(1)))
struct DeadlineTests {
    @Test("a caller's time limit is a 504 that says where the time went", arguments: ["/invoke", "/stream", "/batch"])
    func shortened(path: String) async throws {
        let body = path == "/batch" ? #"{"inputs":["a"]}"# : #"{"input":"a"}"#
        try await scripted([[.untilDisconnect]]) { gateway, upstream in
            let reply = try await gateway.post(path, body, "X-Request-Timeout-Ms: 1000", "Accept: text/plain")
            #expect(reply.status == 504)
            #expect(try reply.json["error"]?["code"] == "timeout_total")
            let message = try #require(try reply.json["message"]?.string)
            #expect(message.contains("timeout_total after"))
            #expect(message.contains("waiting for"))
            #expect(try reply.json["detail"]?.string == message)
            await upstream.disconnected(1)
        }
    }

    @Test("the mock inside the process says where its time went too")
    func mock() async throws {
        try await TestGateway.run(mockConfiguration("latency: 30s")) { gateway in
            let reply = try await gateway.post("/invoke", #"{"input":"a"}"#, "X-Request-Timeout-Ms: 20")
            #expect(reply.status == 504)
            #expect(try reply.json["message"]?.string?.contains("waiting for the response head") == true)
        }
    }

    @Test("in a stream that has begun the time limit is an error event, and a cut")
    func inStream() async throws {
        try await scripted([[.eventStreamHead, .chunk(.token("a")), .untilDisconnect]]) { gateway, _ in
            let reply = try await gateway.post("/stream", #"{"input":"a"}"#, "X-Request-Timeout-Ms: 1000")
            let events = try reply.events
            #expect(events.names == ["metadata", "data", "error"])
            #expect(try events[2].json["status_code"] == 504)
            #expect(try events[2].json["code"] == "timeout_total")
            #expect(reply.ending == .cut)
        }
    }

    @Test("a batch keeps what was done in time, and says what was not")
    func batch() async throws {
        let answer: @Sendable (String) -> EchoUpstream.Answer = { $0 == "slow" ? .init(delay: .seconds(30)) : .init() }
        try await EchoUpstream.run(answer) { _, port in
            try await TestGateway.run(upstreamConfiguration(port)) { gateway in
                let body = #"{"inputs":["a","slow"],"return_exceptions":true}"#
                let whole = try await gateway.post("/batch", body, "X-Request-Timeout-Ms: 1500")
                #expect(whole.status == 200)
                #expect(try whole.json["output"] == ["a", nil])
                #expect(try whole.json["metadata"]?["responses"]?[1]["error"]?["code"] == "timeout_total")
                let lines = try await gateway.post(
                    "/batch",
                    body,
                    "X-Request-Timeout-Ms: 1500",
                    "Accept: application/x-ndjson"
                ).lines
                #expect(lines.compactMap { $0["error"]?["code"] } == ["timeout_total"])
                #expect(lines.last?["summary"]?["failed"] == 1)
            }
        }
    }

    @Test("items whose time was up before they began are not sent")
    func notBegun() async throws {
        try await EchoUpstream.run { _ in
            .init(delay: .seconds(30))
        } _: { upstream, port in
            try await TestGateway.run(upstreamConfiguration(port, route: "max_concurrency: 2")) { gateway in
                let body = #"{"inputs":["a","b","c","d"],"return_exceptions":true}"#
                let reply = try await gateway.post("/batch", body, "X-Request-Timeout-Ms: 50")
                #expect(try reply.json["output"] == [nil, nil, nil, nil])
                // Fewer on a machine so busy that the time is up before the first ones are sent.
                #expect(upstream.prompts.count <= 2)
            }
        }
    }

    @Test("what an item waited for the others counts in the words of its timeout")
    func waitingForItsTurn() async throws {
        // The second item begins when the first has ended, which takes most of the time.
        let answer: @Sendable (String) -> EchoUpstream.Answer = { .init(delay: $0 == "a" ? .seconds(1) : .seconds(30)) }
        try await EchoUpstream.run(answer) { _, port in
            try await TestGateway.run(upstreamConfiguration(port, route: "max_concurrency: 1")) { gateway in
                let body = #"{"inputs":["a","b","c"],"return_exceptions":true}"#
                let reply = try await gateway.post("/batch", body, "X-Request-Timeout-Ms: 1500")
                let messages = try (1...2).map {
                    try #require(try reply.json["metadata"]?["responses"]?[$0]["error"]?["message"]?.string)
                }
                let under =
                    /timeout_total after (\d+) ms: waiting for its turn (\d+) ms, queue \d+ ms, connect \d+ ms, .*/
                let began = try #require(try under.wholeMatch(in: messages[0]), "\(messages[0])")
                #expect(Int(began.1) ?? 0 >= 1500)
                #expect(Int(began.2) ?? 0 >= 1000)
                let never = /timeout_total after (\d+) ms: waiting for its turn (\d+) ms/
                let waited = try #require(try never.wholeMatch(in: messages[1]), "\(messages[1])")
                #expect(waited.1 == waited.2 && Int(waited.1) ?? 0 >= 1500)
            }
        }
    }

    @Test("a caller cannot lengthen the route's total")
    func routeTotal() async throws {
        try await scripted([[.untilDisconnect]], route: "timeouts: {total: 50ms}") { gateway, _ in
            let reply = try await gateway.post("/invoke", #"{"input":"a"}"#, "X-Request-Timeout-Ms: 60000")
            #expect(reply.status == 504)
        }
    }

    @Test("a time limit that is longer than the answer takes changes nothing")
    func enough() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            for path in ["/invoke", "/stream"] {
                let reply = try await gateway.post(path, #"{"input":"a"}"#, "X-Request-Timeout-Ms: 60000")
                #expect(reply.status == 200)
            }
        }
    }

    @Test(
        "a time limit that is none is a 422",
        arguments: ["0", "-5", "soon", "1.5", "", "99999999999999999999", "5s", "+5", "5\r\nX-Request-Timeout-Ms: 900"]
    )
    func invalid(limit: String) async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            let bodies = [
                ("/invoke", #"{"input":"a"}"#), ("/stream", #"{"input":"a"}"#), ("/batch", #"{"inputs":["a"]}"#),
            ]
            for (path, body) in bodies {
                let reply = try await gateway.post(path, body, "X-Request-Timeout-Ms: \(limit)")
                #expect(reply.status == 422)
                #expect(try reply.json["detail"]?.string?.contains("X-Request-Timeout-Ms") == true)
            }
        }
    }
}
