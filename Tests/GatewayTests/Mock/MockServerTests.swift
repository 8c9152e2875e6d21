import EventLoop
import Gateway
import HTTP
import Providers
import Testing

/// Answers of a mock server that behaves.
@Suite(.timeLimit(.minutes(1)))
struct MockServerTests {
    static let prompt = #"{"model":"m","messages":[{"role":"user","content":"Hi there you"}]}"#
    static let streamed = #"{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi there you"}]}"#

    /// Runs a server for the length of `body`.
    static func serving<R>(
        _ script: String = "",
        loops: Int = 1,
        _ body: (MockServer, BlockingClient) async throws -> R
    ) async throws -> R {
        let server = try await MockServer.start(
            on: .ipv4(0x7F00_0001, port: 0),
            loops: loops,
            script: MockScript(script)
        )
        let result: Result<R, any Error>
        do {
            result = .success(try await body(server, BlockingClient(port: server.address.port ?? 0)))
        } catch {
            result = .failure(error)
        }
        await server.stop()
        return try result.get()
    }

    static func chunk(_ delta: String, finish: String = "null", rest: String = "") -> String {
        """
        data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1735689600,"model":"m",\
        "system_fingerprint":"fp_mock","choices":[{"index":0,"delta":{\(delta)},"logprobs":null,\
        "finish_reason":\(finish)}]\(rest)}\n\n
        """
    }

    static func content(_ text: String) -> String { chunk("\"content\":\"\(text)\"") }
    static let role = chunk(#""role":"assistant","content":"""#)
    static let stop = chunk("", finish: "\"stop\"")
    static let done = "data: [DONE]\n\n"

    @Test("a whole answer")
    func whole() async throws {
        try await Self.serving("tokens=3") { _, client in
            let answer = try await client.complete(Self.prompt).decoded
            #expect(answer.status == 200)
            #expect(answer.error == nil)
            #expect(answer.fields["content-type"] == "application/json")
            #expect(
                String(decoding: answer.body, as: UTF8.self) == """
                    {"id":"chatcmpl-mock","object":"chat.completion","created":1735689600,"model":"m",\
                    "system_fingerprint":"fp_mock","choices":[{"index":0,"message":{"role":"assistant",\
                    "content":"the river keeps","refusal":null},"logprobs":null,"finish_reason":"stop"}],\
                    "usage":{"prompt_tokens":3,"completion_tokens":3,"total_tokens":6}}
                    """
            )
        }
    }

    private static let usage = #"{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}"#
    private static let usageChunk = """
        data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1735689600,"model":"m",\
        "system_fingerprint":"fp_mock","choices":[],"usage":\(usage)}\n\n
        """

    @Test(
        "streams, byte for byte",
        arguments: [
            ("", role + content("the") + content(" river") + stop + done),
            ("done=no", role + content("the") + content(" river") + stop),
            ("finish=none", role + content("the") + content(" river") + done),
            (
                "finish=content_filter",
                role + content("the") + content(" river") + chunk("", finish: "\"content_filter\"") + done
            ),
            ("tokens=0", role + stop + done),
            ("usage=chunk", role + content("the") + content(" river") + stop + usageChunk + done),
            (
                "usage=finish",
                role + content("the") + content(" river") + chunk("", finish: "\"stop\"", rest: ",\"usage\":\(usage)")
                    + done
            ),
            ("reply=echo", role + content("Hi") + content(" there") + content(" you") + stop + done),
            ("reply=text:say \"no\" 東京", role + content("say") + content(#" \"no\""#) + content(" 東京") + stop + done),
            ("ttft=1ms,interval=1ms", role + content("the") + content(" river") + stop + done),
            (
                "error-after=1",
                role + content("the")
                    + #"data: {"error":{"message":"The mock was told to fail here.","type":"server_error","param":null,"code":"mock_error"}}"#
                    + "\n\n"
            ),
            (
                #"tool=f,tool-arguments={"a":12345}"#,
                chunk(
                    #""role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_mock_0","type":"function","function":{"name":"f","arguments":""}}]"#
                )
                    + chunk(#""tool_calls":[{"index":0,"function":{"arguments":"{\"a\":123"}}]"#)
                    + chunk(#""tool_calls":[{"index":0,"function":{"arguments":"45}"}}]"#)
                    + chunk("", finish: "\"tool_calls\"") + done
            ),
        ]
    )
    func streams(script: String, expected: String) async throws {
        try await Self.serving { _, client in
            let answer = try await client.complete(Self.streamed, script: "tokens=2,\(script)").decoded
            #expect(answer.status == 200)
            #expect(answer.error == nil)
            #expect(answer.fields["content-type"] == "text/event-stream; charset=utf-8")
            #expect(String(decoding: answer.body, as: UTF8.self) == expected)
        }
    }

    @Test("usage is told when asked for, with null before it")
    func includeUsage() async throws {
        try await Self.serving("tokens=2") { _, client in
            let request =
                #"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"content":"a b c"}]}"#
            let text = String(decoding: try await client.complete(request).decoded.body, as: UTF8.self)
            #expect(text.hasSuffix(",\"usage\":null}\n\n" + Self.usageChunk + Self.done))
            #expect(text.split(separator: "\"usage\":null").count == 5)
        }
    }

    @Test("a body's mock object goes before the server's script, the field before both")
    func overrides() async throws {
        try await Self.serving("tokens=2") { _, client in
            let request = #"{"messages":[],"mock":{"tokens":3,"finish":"x","done":true,"key":null}}"#
            let answer = try await client.complete(request, script: "tokens=1").text
            #expect(answer.contains(#""content":"the""#))
            #expect(answer.contains(#""finish_reason":"x""#))
            #expect(try await client.complete(request).text.contains("the river keeps\""))
            #expect(try await client.complete(#"{"messages":[]}"#).text.contains("the river\""))
        }
    }

    @Test("the caller's limit cuts the answer")
    func limit() async throws {
        try await Self.serving { _, client in
            for key in ["max_tokens", "max_completion_tokens"] {
                let text = try await client.complete(#"{"messages":[],"\#(key)":2}"#).text
                #expect(text.contains(#""content":"the river","#))
                #expect(text.contains(#""finish_reason":"length""#))
            }
        }
    }

    @Test(
        "requests that make no sense get 400 and the reason",
        arguments: [
            ("{", nil as String?, "the body is not JSON"), ("{}", nil, "messages: expected an array"),
            (#"{"messages":[],"mock":5}"#, nil, "mock: expected an object"),
            (#"{"messages":[],"mock":{"tokens":"x"}}"#, nil, "tokens: expected a whole number"),
            (#"{"messages":[],"mock":{"tokens":[1]}}"#, nil, "tokens: expected a string, a number"),
            (#"{"messages":[]}"#, "speed=9", "speed: unknown key"),
        ]
    )
    func invalid(body: String, script: String?, reason: String) async throws {
        try await Self.serving { server, client in
            let answer = try await client.complete(body, script: script)
            #expect(answer.decoded.status == 400)
            #expect(answer.text.contains(reason), "\(answer.text)")
            #expect(server.stats.byStatus == [400: 1])
        }
    }

    @Test("failures come as scripted, with Retry-After, and then answers")
    func statuses() async throws {
        try await Self.serving("status=429*2,retry-after=1") { server, client in
            var statuses: [Int?] = []
            for _ in 0..<3 {
                let answer = try await client.complete(Self.prompt).decoded
                statuses.append(answer.status)
                #expect(answer.fields["retry-after"] == (answer.status == 429 ? "1" : nil))
            }
            #expect(statuses == [429, 429, 200])
            #expect(server.stats.byStatus == [200: 1, 429: 2])
        }
    }

    @Test("requests with their own statuses count apart by key")
    func keys() async throws {
        try await Self.serving { _, client in
            var statuses: [Int?] = []
            for key in ["a", "b", "a", "b"] {
                statuses.append(
                    try await client.complete(Self.prompt, script: "status=500*1,key=\(key)").decoded.status
                )
            }
            #expect(statuses == [500, 500, 200, 200])
            #expect(try await client.complete(Self.prompt, script: "status=503").decoded.status == 503)
            #expect(try await client.complete(Self.prompt, script: "status=503").decoded.status == 503)
        }
    }

    @Test(
        "the other endpoints",
        arguments: [
            ("GET /health", 200, #"{"status":"ok"}"#), ("GET /v1/models", 200, #""id":"mock""#),
            ("GET /stats", 200, #""requests":0"#),
            ("POST /stats/reset", 204, ""), ("GET /v1/chat/completions", 405, "POST"),
            ("POST /health", 405, "GET, HEAD"),
            ("GET /nothing", 404, "/nothing"),
        ]
    )
    func endpoints(line: String, status: Int, part: String) async throws {
        try await Self.serving { _, client in
            let answer = try await client.exchange(
                "\(line) HTTP/1.1\r\nhost: m\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            #expect(answer.decoded.status == status)
            #expect(part.isEmpty || answer.text.contains(part), "\(answer.text)")
        }
    }

    @Test("statistics count, add up over loops, and begin again")
    func stats() async throws {
        try await Self.serving("tokens=3", loops: 2) { server, client in
            for _ in 0..<4 { _ = try await client.complete(Self.prompt) }
            for _ in 0..<4 { _ = try await client.complete(Self.streamed) }
            #expect(server.stats.tokens == 24)
            let get = "GET /stats HTTP/1.1\r\nhost: m\r\nconnection: close\r\n\r\n"
            let body = try await client.exchange(get).decoded.body
            #expect(
                String(decoding: body, as: UTF8.self).hasPrefix(
                    #"{"requests":8,"concurrent":0,"peak":1,"tokens":24,"completed":8,"cancelled":0,"connections":"#
                )
            )
            #expect(String(decoding: body, as: UTF8.self).hasSuffix(#","accepted":9,"by_status":{"200":8}}"#))
            _ = try await client.exchange(
                "POST /stats/reset HTTP/1.1\r\nhost: m\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            #expect(server.stats.requests == 0)
            #expect(server.stats.tokens == 0)
            #expect(server.stats.byStatus == [:])
        }
    }

    @Test("several requests share a connection")
    func keepAlive() async throws {
        try await Self.serving("tokens=1") { server, client in
            let one = BlockingClient.request(Self.prompt, closes: false)
            let text = try await client.exchange(one + one + BlockingClient.request(Self.streamed)).text
            #expect(text.split(separator: "HTTP/1.1 200 OK").count == 3)
            #expect(server.stats.completed == 3)
        }
    }
}
