import HTTP
import JSON
import Runnable
import Testing

@testable import Providers

@Suite struct OpenAIErrorsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let status: Int
        let body: String
        let code: RunError.Code
        /// What the caller is told; nil stands for the class's own sentence.
        var shown: String?

        init(_ status: Int, _ body: String, _ code: RunError.Code, shown: String? = nil) {
            self.status = status
            self.body = body
            self.code = code
            self.shown = shown
        }

        var testDescription: String { "\(status) \(body.prefix(60))" }
    }

    static let cases = [
        Case(
            400,
            #"{"error":{"message":"max_tokens is too large","type":"invalid_request_error","param":"max_tokens","code":null}}"#,
            .callerInvalid,
            shown: "max_tokens is too large"
        ),
        Case(
            400,
            #"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
            .contextTooLong,
            shown: "This model's maximum context length is 8192 tokens."
        ),
        Case(
            400,
            #"{"object":"error","message":"This model's maximum context length is 4096 tokens","type":"BadRequestError","param":null,"code":400}"#,
            .contextTooLong,
            shown: "This model's maximum context length is 4096 tokens"
        ),
        Case(
            400,
            #"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error","n_ctx":4096}}"#,
            .contextTooLong,
            shown: "the request exceeds the available context size"
        ),
        Case(
            400,
            #"{"error":{"message":"filtered","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
            .contentFiltered,
            shown: "filtered"
        ),
        Case(
            403,
            #"{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"],"flagged_input":"x"}}}"#,
            .contentFiltered,
            shown: "flagged"
        ),
        Case(
            401,
            #"{"error":{"message":"Incorrect API key provided: sk-ab***yz","code":"invalid_api_key"}}"#,
            .upstreamAuth
        ),
        Case(403, #"{"error":{"message":"no access to this model"}}"#, .upstreamAuth),
        Case(
            400,
            #"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]"#,
            .upstreamAuth
        ),
        Case(402, #"{"error":{"message":"Insufficient Balance","type":"unknown_error"}}"#, .upstreamBilling),
        Case(
            429,
            #"{"error":{"message":"quota","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            .upstreamBilling
        ),
        Case(429, #"{"error":{"message":"slow","type":"requests","code":"rate_limit_exceeded"}}"#, .upstreamRate),
        Case(429, "slow down", .upstreamRate),
        Case(
            404,
            #"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#,
            .upstreamProtocol,
            shown: "The upstream does not know the configured model or path."
        ),
        Case(405, "", .upstreamProtocol),
        Case(408, "", .upstream5xx),
        Case(409, "", .upstream5xx),
        Case(
            413,
            "Payload too large",
            .callerInvalid,
            shown: "Payload too large"
        ),
        Case(
            422,
            #"{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}"#,
            .callerInvalid,
            shown: "body.stream_options: Extra inputs are not permitted"
        ),
        Case(
            422,
            #"{"object":"error","message":{"detail":[{"loc":["body","n",0],"msg":"bad"}]},"type":"invalid_request_error"}"#,
            .callerInvalid,
            shown: "body.n.0: bad"
        ),
        Case(400, #"{"detail":"wrong"}"#, .callerInvalid, shown: "wrong"),
        Case(400, #"{"error":"wrong"}"#, .callerInvalid, shown: "wrong"),
        Case(400, "<html><body>400</body></html>", .callerInvalid),
        Case(400, #"{"error":{"message":"\#(String(repeating: "long ", count: 500))"}}"#, .callerInvalid),
        Case(498, #"{"error":{"message":"capacity","code":"capacity_exceeded"}}"#, .upstreamOverload),
        Case(500, #"{"error":{"message":"internal host db3"}}"#, .upstream5xx),
        Case(500, #"{"error":{"message":"x","type":"overloaded_error"}}"#, .upstreamOverload),
        Case(502, "<html>bad gateway</html>", .upstream5xx),
        Case(503, #"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#, .upstreamOverload),
        Case(504, "", .upstream5xx),
        Case(529, "", .upstreamOverload),
        Case(301, "moved", .upstreamProtocol, shown: "The upstream redirects, which is not followed."),
        Case(204, "", .upstreamProtocol),
        Case(400, "\u{0}\u{FF}", .callerInvalid),
    ]

    private func error(_ test: Case, fields: HTTPFields = [:], secrets: [String] = []) -> RunError {
        OpenAIErrors(redaction: Redaction(secrets))
            .error(status: test.status, fields: fields, body: Array(test.body.utf8), reader: JSONReader())
    }

    @Test(arguments: cases) func classes(_ test: Case) {
        let error = error(test)
        #expect(error.code == test.code)
        #expect(error.message == test.shown ?? RunError(test.code).message)
        #expect(error.upstreamStatus == test.status)
        #expect(error.status == (test.code == .callerInvalid ? test.status : test.code.status))
    }

    @Test func credentialsNeverShow() {
        let key = "sk-canary-0123456789"
        for test in [
            Case(401, #"{"error":{"message":"Incorrect API key provided: \#(key)"}}"#, .upstreamAuth),
            Case(400, #"{"error":{"message":"header x: \#(key) is odd"}}"#, .callerInvalid),
            Case(400, "echo of Bearer \(key)", .callerInvalid),
            Case(500, #"{"error":{"message":"\#(key)","code":"\#(key)","type":"\#(key)"}}"#, .upstream5xx),
        ] {
            let error = error(test, secrets: ["Bearer \(key)", key])
            #expect(error.code == test.code)
            #expect(!error.message.contains("canary"))
            #expect(!error.detail.contains("canary"))
            #expect(error.message == RunError(test.code).message)
        }
    }

    @Test func upstreamMayForbidRetries() {
        var fields = HTTPFields()
        fields.append("x-should-retry", "false")
        #expect(error(Case(503, "", .upstreamOverload), fields: fields).retry == .never)
        #expect(error(Case(503, "", .upstreamOverload)).retry == .safe)
    }

    @Test(
        arguments: [
            ([("retry-after", "2")], Duration.seconds(2)),
            ([("retry-after", "0.5")], .milliseconds(500)),
            ([("retry-after-ms", "1500"), ("retry-after", "2")], .milliseconds(1500)),
            ([("x-ms-retry-after-ms", "20")], .milliseconds(20)),
            ([("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")], .seconds(10)),
            ([("retry-after", "Sun, 06 Nov 1994 08:49:07 GMT")], .zero),
            ([("retry-after", "1e9")], .seconds(86_400)),
            ([("retry-after", "-1")], nil),
            ([("retry-after", "soon")], nil),
            ([("retry-after", "nan")], nil),
            ([("retry-after-ms", "inf"), ("retry-after", "3")], .seconds(3)),
            ([], nil),
        ] as [([(String, String)], Duration?)]
    )
    func retryAfter(_ pairs: [(String, String)], _ expected: Duration?) {
        var fields = HTTPFields()
        for (name, value) in pairs {
            var name = name
            var value = value
            let isValid = name.withUTF8 { name in
                value.withUTF8 { fields.append(UnsafeRawBufferPointer(name), checking: UnsafeRawBufferPointer($0)) }
            }
            #expect(isValid)
        }
        let now = 784_111_777  // Sun, 06 Nov 1994 08:49:37 GMT
        #expect(RetryAfter.duration(in: fields, now: now) == expected)
    }
}
