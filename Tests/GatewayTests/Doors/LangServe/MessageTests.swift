import Runnable
import ScriptedUpstream
import Testing

@testable import Gateway

/// Messages in and out over the wire (langserve-protocol.md, LS-55 to LS-69).
@Suite(.timeLimit(.minutes(1)))
struct MessageTests {
    static let aiKeys = [
        "content", "additional_kwargs", "response_metadata", "type", "name", "id", "tool_calls", "invalid_tool_calls",
        "usage_metadata",
    ]
    static let chunkKeys = aiKeys + ["tool_call_chunks", "chunk_position"]

    @Test("LS-55 an answer has all nine keys, with empty containers and not nulls")
    func answer() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            for (path, body) in [("/chat/invoke", #"{"input":"hi"}"#), ("/chat/batch", #"{"inputs":["hi"]}"#)] {
                let json = try await gateway.post(path, body).json
                let message = try #require(path == "/chat/batch" ? json["output"]?[0] : json["output"])
                #expect(message.keys == Self.aiKeys)
                #expect(message["type"] == "ai")
                #expect(message["content"] == "hi")
                #expect(message["name"] == .some(nil))
                #expect(message["additional_kwargs"] == [:])
                #expect(message["tool_calls"] == [])
                #expect(message["invalid_tool_calls"] == [])
                #expect(message["usage_metadata"]?.keys == ["input_tokens", "output_tokens", "total_tokens"])
                let run = json["metadata"]?["run_id"]?.string ?? json["metadata"]?["run_ids"]?[0].string
                #expect(message["id"]?.string == "lc_run--\(try #require(run))-0")
            }
        }
    }

    @Test("LS-56, LS-64, LS-65, LS-68 and LS-69 chunks have all keys, one id, one last, and say everything once")
    func chunks() async throws {
        try await TestGateway.run(mockConfiguration("tokens: 5")) { gateway in
            let events = try await gateway.post("/chat/stream", #"{"input":"one two"}"#).events
            let chunks = try events.outputs
            #expect(chunks.count == 6)
            #expect(chunks.allSatisfy { $0.keys == Self.chunkKeys })
            #expect(chunks.allSatisfy { $0["type"] == "AIMessageChunk" })
            let run = try #require(try events[0].json["run_id"]?.string)
            #expect(Set(chunks.map { $0["id"] }) == [.string("lc_run--\(run)")])
            let positions = chunks.map { $0["chunk_position"] ?? "absent" }
            #expect(positions == [.null, .null, .null, .null, .null, "last"])
            for key in ["model_name", "finish_reason"] {
                #expect(chunks.count { $0["response_metadata"]?[key] != nil } == 1)
            }
            let usage: Value = ["input_tokens": 2, "output_tokens": 5, "total_tokens": 7]
            #expect(chunks.compactMap { $0["usage_metadata"] }.filter { !$0.isNull } == [usage])
            let whole = try await gateway.post("/chat/invoke", #"{"input":"one two"}"#).json
            #expect(whole["output"]?["usage_metadata"] == usage)
        }
    }

    @Test("LS-64 a provider's id is the id of every chunk")
    func providerID() async throws {
        try await scripted([
            .eventStream([.token("a"), .token("b"), "data: [DONE]\n\n"]), .completion("x", id: "chatcmpl-9"),
        ]) {
            gateway,
            _ in
            let chunks = try await gateway.post("/chat/stream", #"{"input":"a"}"#).events.outputs
            #expect(chunks.map { $0["id"] } == ["chatcmpl-7", "chatcmpl-7", "chatcmpl-7"])
            #expect(try await gateway.post("/chat/invoke", #"{"input":"a"}"#).json["output"]?["id"] == "chatcmpl-9")
        }
    }

    @Test("LS-58, LS-59 and LS-60 every message and every form of input reaches the model")
    func inputs() async throws {
        let forms: [(String, String)] = [
            (#""hi""#, #"[{"role":"user","content":"hi"}]"#),
            (#"{"text":"hi"}"#, #"[{"role":"user","content":"hi"}]"#),
            (#"{"text":"hi","type":"StringPromptValue"}"#, #"[{"role":"user","content":"hi"}]"#),
            (#"{"messages":[{"type":"human","content":"hi"}]}"#, #"[{"role":"user","content":"hi"}]"#),
            (
                #"{"messages":[{"type":"human","content":"hi","example":false}],"type":"ChatPromptValueConcrete"}"#,
                #"[{"role":"user","content":"hi"}]"#
            ),
            (#"[{"type":"human","content":"hi"}]"#, #"[{"role":"user","content":"hi"}]"#),
            (#"[["human","hi"]]"#, #"[{"role":"user","content":"hi"}]"#),
            (#"[{"role":"user","content":"hi"}]"#, #"[{"role":"user","content":"hi"}]"#),
            (
                #"""
                [{"type":"system","content":"s"},{"type":"human","content":"h","name":null,"id":null,"example":false,"x":{}},
                {"type":"ai","content":"a","tool_calls":[{"name":"w","args":{"city":"Paris"},"id":"c1"}],"usage_metadata":null},
                {"type":"tool","content":"t","tool_call_id":"c1"},{"type":"function","content":"f","name":"fn"},
                {"type":"chat","content":"c","role":"user"}]
                """#,
                #"""
                [{"role":"system","content":"s"},{"role":"user","content":"h"},
                {"role":"assistant","content":"a","tool_calls":[{"id":"c1","type":"function","function":{"name":"w",
                "arguments":"{\"city\":\"Paris\"}"}}]},{"role":"tool","content":"t","tool_call_id":"c1"},
                {"role":"function","content":"f","name":"fn"},{"role":"user","content":"c"}]
                """#
            ),
            (
                #"[{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"w","arguments":"{}"}}]}]"#,
                #"[{"role":"assistant","content":"","tool_calls":[{"id":"c","type":"function","function":{"name":"w","arguments":"{}"}}]}]"#
            ),
        ]
        try await scripted(forms.map { _ in .completion("ok") }) { gateway, upstream in
            for (place, (input, messages)) in forms.enumerated() {
                let reply = try await gateway.post("/chat/invoke", #"{"input":\#(input)}"#)
                #expect(reply.status == 200, "\(input)")
                let sent = try Value(parsing: upstream.requests[place].body)
                #expect(sent["messages"] == (try Value(parsing: messages)), "\(input)")
            }
        }
    }

    @Test("LS-61 an unknown tag is a 422", arguments: ["bogus", "assistant", "user", "remove", ""])
    func unknownTag(tag: String) async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            let reply = try await gateway.post("/chat/invoke", #"{"input":[{"type":"\#(tag)","content":"x"}]}"#)
            #expect(reply.status == 422)
            let problem = try #require(try reply.json["detail"]?[0])
            #expect(problem["type"] == "union_tag_invalid")
            #expect(problem["loc"] == [0])
            #expect(problem["input"] == ["type": .string(tag), "content": "x"])
        }
    }

    @Test("LS-62 content blocks reach the model unchanged")
    func blocks() async throws {
        let blocks =
            #"[{"type":"text","text":"t"},{"type":"image_url","image_url":{"url":"data:x"},"n":1e3},{"z":[null,true]}]"#
        try await scripted([.completion("ok")]) { gateway, upstream in
            let body = #"{"input":[{"type":"human","content":\#(blocks)}]}"#
            let reply = try await gateway.post("/chat/invoke", body)
            #expect(reply.status == 200)
            #expect(upstream.requests[0].body.contains(blocks))
        }
    }

    private static func toolAnswer(_ calls: String) -> UpstreamScript {
        .response(
            #"{"id":"r","model":"m","choices":[{"index":0,"finish_reason":"tool_calls","message":"#
                + #"{"role":"assistant","content":null,"tool_calls":[\#(calls)]}}]}"#
        )
    }

    @Test("LS-63 arguments are an object; those a model wrote wrongly are an invalid call with their text")
    func toolCalls() async throws {
        let calls = #"""
            {"id":"c1","type":"function","function":{"name":"w","arguments":"{\"city\":\"Paris\"}"}},
            {"id":"c2","type":"function","function":{"name":"z","arguments":"{bad"}}
            """#
        try await scripted([Self.toolAnswer(calls)]) { gateway, _ in
            let message = try #require(try await gateway.post("/chat/invoke", #"{"input":"x"}"#).json["output"])
            #expect(message["content"] == "")
            let call = try #require(message["tool_calls"]?[0])
            #expect(call.keys == ["name", "args", "id", "type"])
            #expect(call == ["name": "w", "args": ["city": "Paris"], "id": "c1", "type": "tool_call"])
            let invalid = try #require(message["invalid_tool_calls"]?[0])
            #expect(invalid.keys == ["type", "id", "name", "args", "error"])
            #expect(invalid["args"] == "{bad")
            #expect(invalid["type"] == "invalid_tool_call")
        }
    }

    @Test("LS-66 and LS-67 pieces of two calls at once add up to two calls")
    func parallelToolCalls() async throws {
        func piece(_ index: Int, _ id: String?, _ name: String?, _ arguments: String) -> String {
            let identity = id.map { #""id":"\#($0)","type":"function","# } ?? ""
            let function = name.map { #""name":"\#($0)","# } ?? ""
            let text = Value.string(arguments).jsonText
            return
                #"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":\#(index),\#(identity)"function":{\#(function)"arguments":\#(text)}}]}}]}"#
                + "\n\n"
        }
        let parts = [
            piece(0, "c0", "w", ""), piece(1, "c1", "v", ""), piece(0, nil, nil, #"{"a""#),
            piece(1, nil, nil, #"{"b":"#),
            piece(0, nil, nil, ":1}"), piece(1, nil, nil, "2}"),
            #"data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"# + "\n\n", "data: [DONE]\n\n",
        ]
        try await scripted([.eventStream(parts)]) { gateway, _ in
            let chunks = try await gateway.post("/chat/stream", #"{"input":"x"}"#).events.outputs
            #expect(chunks.allSatisfy { $0["tool_calls"] == [] && $0["invalid_tool_calls"] == [] })
            let pieces = chunks.flatMap { $0["tool_call_chunks"]?.array ?? [] }
            #expect(pieces.allSatisfy { $0.keys == ["name", "args", "id", "index", "type"] })
            #expect(pieces.allSatisfy { $0["type"] == "tool_call_chunk" })
            for (index, name, arguments) in [(0, "w", #"{"a":1}"#), (1, "v", #"{"b":2}"#)] {
                let own = pieces.filter { $0["index"]?.integer == index }
                #expect(own.compactMap { $0["name"]?.string } == [name])
                #expect(own.compactMap { $0["id"]?.string } == ["c\(index)"])
                #expect(own.compactMap { $0["args"]?.string }.joined() == arguments)
            }
            #expect(chunks.compactMap { $0["response_metadata"]?["finish_reason"] } == ["tool_calls"])
            #expect(chunks.count { $0["chunk_position"] == "last" } == 1)
        }
    }
}
