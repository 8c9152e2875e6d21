import Runnable
import ScriptedUpstream
import Testing

/// Envelope and errors (langserve-protocol.md, LS-1 to LS-20).
@Suite(.timeLimit(.minutes(1)))
struct EnvelopeTests {
    @Test("LS-1 an invoke has output, a run id and no feedback tokens")
    func invoke() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            let reply = try await gateway.post("/invoke", #"{"input":"hi"}"#)
            #expect(reply.status == 200)
            #expect(reply["content-type"] == "application/json")
            let json = try reply.json
            #expect(json.keys == ["output", "metadata"])
            #expect(json["output"]?.string == "hi")
            #expect(json["metadata"]?.keys == ["run_id", "feedback_tokens"])
            let id = try #require(json["metadata"]?["run_id"]?.string)
            #expect(RunID(id)?.description == id)
            #expect(json["metadata"]?["feedback_tokens"] == [])
            #expect(reply.text == #"{"output":"hi","metadata":{"run_id":"\#(id)","feedback_tokens":[]}}"#)
        }
    }

    @Test("LS-2 the body is JSON whatever its content type says")
    func contentTypes() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            for fields in [[], ["Content-Type: application/x-www-form-urlencoded"], ["Content-Type: text/plain"]] {
                let request = TestRequest(path: "/invoke", fields: fields, body: Array(#"{"input":"hi"}"#.utf8))
                let json = try await gateway.send(request).json
                #expect(json["output"] == "hi")
            }
        }
    }

    @Test("LS-3 kwargs of any shape and unknown keys change nothing")
    func ignoredKeys() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            for extra in [
                #""kwargs":{}"#, #""kwargs":{"stop":["a"]}"#, #""kwargs":[{},1]"#, #""kwargs":"s""#,
                #""diff":3,"x":null"#,
            ] {
                let single = try await gateway.post("/invoke", #"{"input":"hi",\#(extra)}"#)
                #expect(try single.json["output"] == "hi", "\(extra)")
                let batch = try await gateway.post("/batch", #"{\#(extra),"inputs":["a","b"]}"#)
                #expect(try batch.json["output"] == ["a", "b"], "\(extra)")
                let stream = try await gateway.post("/stream", #"{\#(extra),"input":"hi"}"#)
                #expect(try stream.events.outputs == ["hi"], "\(extra)")
            }
        }
    }

    @Test("LS-4 a missing input is a 422 that names it", arguments: ["invoke", "stream"])
    func missingInput(endpoint: String) async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            let reply = try await gateway.post("/\(endpoint)", "{}")
            #expect(reply.status == 422)
            let problem = try #require(try reply.json["detail"]?[0])
            #expect(problem["type"] == "missing")
            #expect(problem["loc"] == ["input"])
            #expect(problem["msg"] == "Field required")
            #expect(problem["input"] == [:])
        }
    }

    @Test("LS-5 no JSON is a 422", arguments: ["{bad", "", "{\"input\":\"a\"", "{\"input\":\"a\"}}", "nul"])
    func noJSON(body: String) async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            for endpoint in ["invoke", "batch", "stream"] {
                let reply = try await gateway.post("/\(endpoint)", body)
                #expect(reply.status == 422)
                #expect(try reply.json["detail"] == ["Invalid JSON body"])
            }
        }
    }

    @Test("LS-6 a body that is no object is a 422", arguments: ["[]", "\"x\"", "null", "1", "true"])
    func noObject(body: String) async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            for endpoint in ["invoke", "batch", "stream"] {
                let reply = try await gateway.post("/\(endpoint)", body)
                #expect(reply.status == 422)
                let problem = try #require(try reply.json["detail"]?[0])
                #expect(problem["type"] == "model_type")
                #expect(problem["loc"] == [])
            }
        }
    }

    @Test("LS-7 an input of the wrong type is a 422 before any model is called")
    func wrongInput() async throws {
        try await EchoUpstream.run { _ in
            .init()
        } _: { upstream, port in
            try await TestGateway.run(upstreamConfiguration(port)) { gateway in
                let inputs: [(String, Value)] = [
                    ("1", []), ("true", []), ("{}", []), (#"{"text":1}"#, ["text"]), ("[1]", [0]),
                    (#"[{"type":"human","content":"a"},{"type":"human"}]"#, [1, "content"]),
                    (#"{"messages":[{"type":"human","content":[1]}]}"#, ["messages", 0, "content", 0]),
                    (#"{"type":"human","content":"a"}"#, []),
                ]
                for (input, place) in inputs {
                    let reply = try await gateway.post("/invoke", #"{"input":\#(input)}"#)
                    #expect(reply.status == 422, "\(input)")
                    #expect(try reply.json["detail"]?[0]["loc"] == place, "\(input)")
                }
                #expect(upstream.prompts.isEmpty)
            }
        }
    }

    @Test("LS-8 null is present but no prompt: 422 about the value, not about a missing key")
    func nullInput() async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            let reply = try await gateway.post("/invoke", #"{"input":null}"#)
            #expect(reply.status == 422)
            #expect(try reply.json["detail"]?[0]["type"] == "string_type")
            #expect(try reply.json["detail"]?[0]["loc"] == [])
        }
    }

    @Test("LS-9 a null config is an empty one")
    func nullConfig() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            let json = try await gateway.post("/invoke", #"{"input":"a","config":null}"#).json
            #expect(json["output"] == "a")
            let outputs = try await gateway.post("/stream", #"{"input":"a","config":null}"#).events.outputs
            #expect(outputs == ["a"])
        }
    }

    @Test("LS-10 a config that is no object is a 422", arguments: [#""s""#, "[]", "1", "false"])
    func wrongConfig(config: String) async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            for endpoint in ["invoke", "stream"] {
                let reply = try await gateway.post("/\(endpoint)", #"{"input":"a","config":\#(config)}"#)
                #expect(reply.status == 422)
                let problem = try #require(try reply.json["detail"]?[0])
                #expect(problem["type"] == "dict_type")
                #expect(problem["loc"] == ["config"])
            }
        }
    }

    @Test("LS-11 unknown config keys are ignored, camelCase ones too, and so are those the route does not allow")
    func unknownConfig() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            let config = #"""
                {"recursionLimit":"x","maxConcurrency":0,"runName":1,"runId":"no","nonsense":{},"callbacks":[],"tags":7,
                "metadata":"m","run_id":"no","recursion_limit":-1,"run_name":5,"configurable":[3]}
                """#
            let single = try await gateway.post("/invoke", #"{"input":"a","config":\#(config)}"#).json
            #expect(single["output"] == "a")
            let batch = try await gateway.post("/batch", #"{"inputs":["a"],"config":[\#(config)]}"#).json
            #expect(batch["output"] == ["a"])
        }
    }

    @Test("LS-12 and LS-13 a failure shows neither our key nor the upstream's words, and has detail and message")
    func failure() async throws {
        for status in [400, 401, 402, 403, 404, 429, 500, 503] {
            let body = #"{"error":{"message":"secret-words for sk-canary-1234567890","code":"boom"}}"#
            try await scripted([.response(status: status, body)]) { gateway, _ in
                let reply = try await gateway.post("/invoke", #"{"input":"a"}"#)
                #expect(reply.status >= 400)
                #expect(reply["content-type"] == "application/json")
                let all = reply.head + reply.text
                #expect(!all.contains("canary"))
                #expect(!all.contains("secret-words"), "\(status): \(all)")
                #expect(try reply.json["detail"]?.string != nil)
                #expect(try reply.json["message"]?.string != nil)
                let line = try await gateway.logText(containing: "invoke")
                #expect(!line.contains("canary"))
            }
        }
    }

    @Test(
        "LS-14 other methods are a 405 that allows POST",
        arguments: ["GET", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH"]
    )
    func methods(method: String) async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            for path in ["/invoke", "/batch", "/stream", "/chat/invoke"] {
                let reply = try await gateway.send(TestRequest(method: method, path: path))
                #expect(reply.status == 405)
                #expect(reply["allow"] == "POST")
                if method == "HEAD" {
                    #expect(reply.text.isEmpty)
                } else {
                    #expect(try reply.json["detail"] == "Method Not Allowed")
                    #expect(try reply.json["message"] == "Method Not Allowed")
                }
            }
        }
    }

    @Test(
        "LS-15 an unknown path is a 404",
        arguments: ["/nothing", "/invoke/x", "/Invoke", "/chat", "/stream_logs", "//invoke"]
    )
    func unknownPath(path: String) async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            for request in [TestRequest.get(path), .post(path, #"{"input":"a"}"#)] {
                let reply = try await gateway.send(request)
                #expect(reply.status == 404)
                #expect(try reply.json["detail"] == "Not Found")
            }
        }
    }

    @Test("LS-16 invalid UTF-8 is a 422, and the connection serves on")
    func invalidUTF8() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            try await gateway.talk { connection in
                let bodies: [[UInt8]] = [[0xFF], [0xC3, 0x28], [0xED, 0xA0, 0x80], [0xC0, 0xAF]]
                for body in bodies {
                    let text = Array(#"{"input":""#.utf8) + body + Array(#""}"#.utf8)
                    try connection.send(TestRequest(path: "/invoke", body: text))
                    let reply = try connection.reply()
                    #expect(reply.status == 422)
                    #expect(try reply.json["detail"] == ["Invalid JSON body"])
                }
                try connection.send(.post("/invoke", #"{"input":"a"}"#))
                #expect(try connection.reply().json["output"] == "a")
            }
        }
    }

    @Test("LS-19 text that is not ASCII comes back byte for byte")
    func unicode() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            let text = "é \u{1F600} 日本 \u{7F} \u{200B} e\u{301}"
            let reply = try await gateway.post("/invoke", #"{"input":"\#(text)"}"#)
            #expect(reply.text.hasPrefix(#"{"output":"\#(text)""#))
            let escaped = try await gateway.post("/invoke", #"{"input":"\u00e9 \ud83d\ude00"}"#)
            #expect(try escaped.json["output"] == "é 😀")
        }
    }

    @Test("LS-20 two requests share a connection, pipelined ones too")
    func keepAlive() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            try await gateway.talk { connection in
                for word in ["a", "b"] {
                    try connection.send(.post("/invoke", #"{"input":"\#(word)"}"#))
                    #expect(try connection.reply().json["output"]?.string == word)
                }
                try connection.send(
                    TestRequest.post("/stream", #"{"input":"c"}"#).bytes
                        + TestRequest.post("/batch", #"{"inputs":["d"]}"#).bytes
                )
                #expect(try connection.reply().events.outputs == ["c"])
                #expect(try connection.reply().json["output"] == ["d"])
            }
        }
    }

    @Test("JSON too deep is a 422 and costs nothing more")
    func deepJSON() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            let deep = String(repeating: "[", count: 100_000)
            #expect(try await gateway.post("/invoke", #"{"input":\#(deep)"#).status == 422)
            let closed = String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)
            let reply = try await gateway.post("/invoke", #"{"input":"a","kwargs":\#(closed)}"#)
            #expect(reply.status == 422)
            #expect(try reply.json["detail"] == "Invalid JSON body: nested more than 128 levels deep")
        }
    }

    @Test("JSON of very many values is a 422")
    func manyValues() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            func body(_ count: Int) -> String {
                #"{"input":"a","kwargs":["# + String(repeating: "0,", count: count - 1) + "0]}"
            }
            let reply = try await gateway.post("/invoke", body(2_000_000))
            #expect(reply.status == 422)
            #expect(try reply.json["detail"] == "Invalid JSON body: more than 2000000 values and keys")
            #expect(try await gateway.post("/invoke", body(1_999_000)).status == 200)
        }
    }

    @Test("a compressed body is a 415 that says what is taken")
    func codedBody() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            for endpoint in ["invoke", "batch", "stream"] {
                let reply = try await gateway.post("/\(endpoint)", "\u{1F}", "Content-Encoding: gzip")
                #expect(reply.status == 415)
                #expect(reply["accept-encoding"] == "identity")
                #expect(try reply.json["detail"]?.string?.contains("Content-Encoding") == true)
            }
            let plain = try await gateway.post("/invoke", #"{"input":"a"}"#, "Content-Encoding: identity")
            #expect(plain.status == 200)
        }
    }
}
