import Runnable
import ScriptedUpstream
import Testing

@testable import Gateway

/// The other forms of `/stream`: lines and bare text.
@Suite(.timeLimit(.minutes(1)))
struct StreamNegotiationTests {
    @Test(
        "lines: metadata, data and end, each one object a line",
        arguments: ["application/x-ndjson", "application/x-ndjson;q=0.9, text/plain;q=0.1"]
    )
    func lines(accept: String) async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            let reply = try await gateway.post("/stream", #"{"input":"a\u2028 b"}"#, "Accept: \(accept)")
            #expect(reply["content-type"] == "application/x-ndjson; charset=utf-8")
            let id = try #require(try reply.lines[0]["data"]?["run_id"]?.string)
            #expect(
                reply.parts.map { String(decoding: $0, as: UTF8.self) } == [
                    #"{"event":"metadata","data":{"run_id":"\#(id)"}}"# + "\n",
                    #"{"event":"data","data":"a\u2028"}"# + "\n",
                    #"{"event":"data","data":" b"}"# + "\n",
                    #"{"event":"end"}"# + "\n",
                ]
            )
        }
    }

    @Test("bare text is the tokens and nothing else, from message routes too", arguments: ["/stream", "/chat/stream"])
    func text(path: String) async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            let reply = try await gateway.post(path, #"{"input":"one é two\n"}"#, "Accept: text/plain")
            #expect(reply.status == 200)
            #expect(reply["content-type"] == "text/plain; charset=utf-8")
            #expect(reply["x-request-id"] != nil)
            #expect(reply.parts.map { String(decoding: $0, as: UTF8.self) } == ["one", " é", " two", "\n"])
            #expect(reply.ending == .proper)
        }
    }

    @Test("bare text of an answer without any is an empty 200")
    func noText() async throws {
        try await TestGateway.run(mockConfiguration("tokens: 0")) { gateway in
            let reply = try await gateway.post("/stream", #"{"input":"a"}"#, "Accept: text/plain")
            #expect(reply.status == 200)
            #expect(reply.text.isEmpty)
        }
    }

    @Test("bare text has its errors in the status, as long as no token was sent")
    func textError() async throws {
        try await scripted([
            .response(status: 429, fields: ["retry-after: 7"], "{}"), .eventStream(["data: {\"error\":{}}\n\n"]),
        ]) {
            gateway,
            _ in
            let refused = try await gateway.post("/stream", #"{"input":"a"}"#, "Accept: text/plain")
            #expect(refused.status == 429)
            #expect(refused["retry-after"] == "7")
            #expect(try refused.json["error"]?["code"] == "upstream_rate")
            let failed = try await gateway.post("/stream", #"{"input":"a"}"#, "Accept: text/plain")
            #expect(failed.status == 502)
        }
    }

    @Test("several Accept lines count as one")
    func acceptLines() async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            let reply = try await gateway.post("/stream", #"{"input":"a"}"#, "Accept: text/html", "Accept: text/plain")
            #expect(reply["content-type"] == "text/plain; charset=utf-8")
        }
    }
}
