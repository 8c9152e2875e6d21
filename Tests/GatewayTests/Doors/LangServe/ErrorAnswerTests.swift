import HTTP
import Runnable
import ScriptedUpstream
import Testing

@testable import Gateway

/// What callers see of each class of error (provider-dialects.md, F9).
@Suite(.timeLimit(.minutes(1)))
struct ErrorAnswerTests {
    static let statuses: [(RunError.Code, Int, Bool)] = [
        (.callerInvalid, 400, false), (.contextTooLong, 400, false), (.contentFiltered, 400, false),
        (.upstreamAuth, 502, false), (.upstreamBilling, 502, false), (.upstreamRate, 429, true),
        (.upstreamOverload, 503, true), (.upstream5xx, 502, true), (.upstreamConnect, 502, true),
        (.upstreamTLS, 502, true), (.upstreamDNS, 502, true), (.timeoutConnect, 504, true), (.timeoutTLS, 504, true),
        (.timeoutHead, 504, true), (.timeoutFirstToken, 504, true), (.timeoutIdle, 504, true),
        (.timeoutTotal, 504, true), (.truncated, 502, true), (.upstreamProtocol, 502, true), (.policyRate, 429, true),
        (.policyConcurrency, 429, true), (.policyQueue, 429, true), (.policyBudget, 429, false),
        (.clientGone, 499, false), (.shuttingDown, 503, true), (.killed, 503, false), (.internal, 500, false),
    ]

    @Test("every class has its status, its words and its advice", arguments: RunError.Code.allCases)
    func classes(code: RunError.Code) throws {
        let (_, status, retryable) = try #require(Self.statuses.first { $0.0 == code })
        let error = RunError(code, detail: "sk-canary-1234567890")
        let body = String(decoding: ErrorEncoding.body(error), as: UTF8.self)
        let json = try Value(parsing: body)
        #expect(json.keys == ["detail", "message", "error"])
        #expect(json["detail"] == .string(error.message))
        #expect(json["message"] == .string(error.message))
        #expect(json["error"]?.keys == ["code", "status", "message", "retryable"])
        #expect(json["error"]?["code"] == .string(code.rawValue))
        #expect(json["error"]?["status"] == .integer(status))
        #expect(json["error"]?["retryable"] == .bool(retryable))
        #expect(!body.contains("canary"))
        let fields = ErrorEncoding.fields(error)
        #expect(fields["x-should-retry"] == (retryable ? "true" : "false"))
        #expect(fields["retry-after"] == nil)
        var event: [UInt8] = []
        ErrorEncoding.appendEvent(error, to: &event)
        let data = try Value(parsing: String(decoding: event, as: UTF8.self))
        #expect(data.keys == ["status_code", "message", "code", "retryable"])
        #expect(data["status_code"] == .integer(status))
    }

    @Test("Retry-After is told in whole seconds, never too few, and exactly beside that")
    func retryAfter() {
        for (wait, seconds, milliseconds) in [
            (Duration.seconds(7), "7", "7000"), (.milliseconds(1200), "2", "1200"), (.milliseconds(1), "1", "1"),
            (.zero, "1", "0"), (.seconds(86_400), "86400", "86400000"), (.milliseconds(-5), "1", "0"),
        ] as [(Duration, String, String)] {
            let fields = ErrorEncoding.fields(RunError(.upstreamRate, retryAfter: wait))
            #expect(fields["retry-after"] == seconds)
            #expect(fields["retry-after-ms"] == milliseconds)
        }
    }

    @Test("where there is no field for it, the wait is in the error, in seconds")
    func retryAfterInside() throws {
        for (wait, seconds) in [
            (Duration.seconds(7), Value.integer(7)), (.milliseconds(1200), .double(1.2)), (.zero, .integer(0)),
            (.milliseconds(-5), .integer(0)),
        ] {
            let error = RunError(.upstreamRate, retryAfter: wait)
            var bytes: [UInt8] = []
            ErrorEncoding.appendEvent(error, to: &bytes)
            let event = try Value(parsing: String(decoding: bytes, as: UTF8.self))
            #expect(event.keys == ["status_code", "message", "code", "retryable", "retry_after"])
            #expect(event["retry_after"] == seconds)
            bytes = []
            ErrorEncoding.append(error, to: &bytes)
            #expect(try Value(parsing: String(decoding: bytes, as: UTF8.self))["retry_after"] == seconds)
        }
    }

    @Test("the items of a batch have their own waits, whole and as they complete")
    func retryAfterOfItems() async throws {
        for accept in ["application/json", "application/x-ndjson", "text/event-stream"] {
            let scripts: [UpstreamScript] = [
                .response(status: 429, fields: ["retry-after: 3"], "{}"), .completion("b"),
            ]
            try await scripted(scripts, route: "max_concurrency: 1") { gateway, _ in
                let body = #"{"inputs":["a","b"],"return_exceptions":true}"#
                let reply = try await gateway.post("/batch", body, "Accept: \(accept)")
                let errors: [Value?]
                switch accept {
                case "application/json":
                    let responses = try reply.json["metadata"]?["responses"]
                    errors = [responses?[0]["error"], responses?[1]["error"]]
                case "application/x-ndjson": errors = try reply.lines.prefix(2).map { $0["error"] }
                default: errors = try reply.events.prefix(2).map { try $0.json["error"] }
                }
                #expect(errors.map { $0?["retry_after"] } == [.integer(3), nil])
            }
        }
    }

    @Test("an upstream's refusals become ours, with its Retry-After")
    func upstreamStatuses() async throws {
        let cases: [(Int, String, Int, String)] = [
            (400, #"{"error":{"message":"bad temperature","type":"invalid_request_error"}}"#, 400, "caller_invalid"),
            (422, #"{"error":{"message":"no"}}"#, 422, "caller_invalid"),
            (400, #"{"error":{"message":"long","code":"context_length_exceeded"}}"#, 400, "context_too_long"),
            (400, #"{"error":{"message":"no","code":"content_filter"}}"#, 400, "content_filtered"),
            (401, "{}", 502, "upstream_auth"), (403, "{}", 502, "upstream_auth"), (402, "{}", 502, "upstream_billing"),
            (429, #"{"error":{"code":"insufficient_quota"}}"#, 502, "upstream_billing"),
            (429, "{}", 429, "upstream_rate"), (503, "busy", 503, "upstream_overload"), (500, "", 502, "upstream_5xx"),
            (404, "{}", 502, "upstream_protocol"), (302, "", 502, "upstream_protocol"),
            (200, "{", 502, "upstream_protocol"),
        ]
        let scripts = cases.map { UpstreamScript.response(status: $0.0, fields: ["retry-after: 3"], $0.1) }
        try await scripted(scripts) { gateway, _ in
            for (status, body, expected, code) in cases {
                let reply = try await gateway.post("/invoke", #"{"input":"a"}"#)
                #expect(reply.status == expected, "\(status) \(body)")
                #expect(try reply.json["error"]?["code"]?.string == code, "\(status) \(body)")
                if status == 429 || status == 503 { #expect(reply["retry-after"] == "3") }
                // What the next call meets as well is not to be tried again.
                let isTransient = [429, 503, 500, 200].contains(status) && code != "upstream_billing"
                #expect(reply["x-should-retry"] == (isTransient ? "true" : "false"), "\(status) \(body)")
                #expect(try reply.json["error"]?["retryable"]?.bool == isTransient, "\(status) \(body)")
                if code == "upstream_billing" { #expect(!reply.text.contains("credentials")) }
                #expect(reply["x-request-id"] != nil)
            }
        }
    }

    @Test("an upstream that is not there is a 502 that may be tried again, and shows no address")
    func refused() async throws {
        try await TestGateway.run(upstreamConfiguration(1)) { gateway in
            let reply = try await gateway.post("/invoke", #"{"input":"a"}"#)
            #expect(reply.status == 502)
            #expect(try reply.json["error"]?["code"] == "upstream_connect")
            #expect(reply["x-should-retry"] == "true")
            #expect(!reply.text.contains("127.0.0.1"))
        }
    }
}
