import JSON
import Runnable
import Testing

@testable import Gateway

/// What language models take as input (langserve-protocol.md, 1.3 and 2.2).
struct PromptDecodingTests {
    private func prompt(_ text: String) throws -> ChatPrompt {
        try JSONReader().read(Array(text.utf8)) { view throws(RequestProblem) in try PromptDecoding.prompt(view) }
    }

    private func message(_ text: String) throws -> Message {
        let messages = try prompt("[\(text)]").messages
        try #require(messages.count == 1)
        return messages[0]
    }

    /// The error as `type` and `loc`.
    private func problem(_ text: String) throws -> Value {
        do {
            _ = try prompt(text)
        } catch let error as RequestProblem {
            let body = try Value(parsing: String(decoding: error.body, as: UTF8.self))
            #expect(body.keys == ["detail", "message"])
            #expect(body["detail"]?[0].keys == ["type", "loc", "msg", "input"])
            return [body["detail"]?[0]["type"] ?? nil, body["detail"]?[0]["loc"] ?? nil]
        }
        return nil
    }

    @Test(
        "LS-60 every form of one human message",
        arguments: [
            #""hi""#, #"{"text":"hi"}"#, #"{"type":"StringPromptValue","text":"hi"}"#,
            #"{"messages":[{"type":"human","content":"hi"}]}"#,
            #"{"messages":["hi"],"type":"ChatPromptValueConcrete"}"#,
            #"{"type":"ChatPromptValue","messages":[["human","hi"]]}"#,
            #"[{"type":"human","content":"hi"}]"#, #"[{"type":"HumanMessageChunk","content":"hi"}]"#, #"["hi"]"#,
            #"[["user","hi"]]"#, #"[{"role":"user","content":"hi"}]"#, #"[{"role":"human","content":"hi"}]"#,
            #"[{"type":"human","role":"x","content":"hi","tool_calls":7}]"#,
        ]
    )
    func forms(text: String) throws {
        #expect(try prompt(text).messages == [.human("hi")])
    }

    @Test("LS-58 every tag needs its own keys and no others")
    func tags() throws {
        for suffix in ["", "MessageChunk"] {
            func tag(_ name: String) -> String {
                suffix.isEmpty
                    ? name : name == "ai" ? "AIMessageChunk" : name.prefix(1).uppercased() + name.dropFirst() + suffix
            }
            #expect(try message(#"{"type":"\#(tag("ai"))","content":"x"}"#) == .ai("x"))
            #expect(try message(#"{"type":"\#(tag("human"))","content":"x"}"#) == .human("x"))
            #expect(try message(#"{"type":"\#(tag("system"))","content":"x"}"#) == .system("x"))
            #expect(
                try message(#"{"type":"\#(tag("tool"))","content":"x","tool_call_id":"c"}"#) == .tool("x", callID: "c")
            )
            var function = Message(role: .function, content: "x")
            function.name = "f"
            #expect(try message(#"{"type":"\#(tag("function"))","content":"x","name":"f"}"#) == function)
            var chat = Message(role: .chat, content: "x")
            chat.chatRole = "r"
            #expect(try message(#"{"type":"\#(tag("chat"))","content":"x","role":"r"}"#) == chat)
            #expect(try message(#"{"type":"generic","content":"x","role":"r"}"#) == chat)
        }
        for (role, known) in [("assistant", Message.Role.ai), ("ai", .ai), ("system", .system), ("developer", .system)]
        {
            #expect(try message(#"["\#(role)","x"]"#).role == known)
            #expect(try message(#"{"role":"\#(role)","content":"x"}"#).role == known)
        }
    }

    @Test("LS-59 a message as LangChain's clients send it, unknown fields included")
    func fullMessage() throws {
        let full = try message(
            #"""
            {"content":[{"type":"text","text":"t"},"s"],"additional_kwargs":{"k":1.50},"response_metadata":{"a":1},"type":"ai",
            "name":"n","id":"i","example":false,"x":[],"tool_calls":[{"name":"w","args":{"n":1e2},"id":null,"type":"tool_call"}],
            "invalid_tool_calls":[{"name":null,"args":"{bad","id":"c2","error":"e"}],
            "usage_metadata":{"input_tokens":1,"output_tokens":2,"total_tokens":3,"input_token_details":{"cache_read":1}},
            "tool_call_chunks":[],"chunk_position":null}
            """#
        )
        var expected = Message(role: .ai, content: .blocks([["type": "text", "text": "t"], "s"]), id: "i")
        expected.name = "n"
        expected.additionalKwargs = ["k": .number("1.50")]
        expected.responseMetadata = ["a": 1]
        expected.usage = UsageMetadata(inputTokens: 1, outputTokens: 2, inputTokenDetails: ["cache_read": 1])
        expected.toolCalls = [ToolCall(name: "w", arguments: ["n": .number("1e2")], id: nil)]
        expected.invalidToolCalls = [InvalidToolCall(name: nil, arguments: "{bad", id: "c2", error: "e")]
        #expect(full == expected)
        let tool = try message(
            #"{"type":"tool","content":"x","tool_call_id":5,"status":"error","id":7,"artifact":{"a":1}}"#
        )
        #expect(tool.toolCallID == "5")
        #expect(tool.toolStatus == .error)
        #expect(tool.id == "7")
        #expect(tool.artifact == ["a": 1])
        let nothing = #""additional_kwargs":null,"response_metadata":null,"tool_calls":null,"name":null"#
        #expect(try message(#"{"type":"ai","content":"x",\#(nothing)}"#) == .ai("x"))
    }

    @Test("OpenAI's own tool calls are kept in its own form")
    func openAIToolCalls() throws {
        let calls = #"[{"id":"c","type":"function","function":{"name":"w","arguments":"{}"}}]"#
        let message = try message(#"{"role":"assistant","content":null,"tool_calls":\#(calls)}"#)
        #expect(message.content == .empty)
        #expect(message.additionalKwargs["tool_calls"] == (try Value(parsing: calls)))
        #expect(message.toolCalls.isEmpty)
        #expect(
            try problem(#"[{"type":"ai","content":"","tool_calls":\#(calls)}]"#) == [
                "missing", [0, "tool_calls", 0, "name"],
            ]
        )
    }

    @Test("what is wrong is told with its kind and its place inside the input")
    func problems() throws {
        let cases: [(String, Value)] = [
            ("1", ["string_type", []]), ("null", ["string_type", []]), ("true", ["string_type", []]),
            ("{}", ["model_type", []]), (#"{"type":"human","content":"x"}"#, ["model_type", []]),
            (#"{"text":"x","type":"human"}"#, ["model_type", []]),
            (#"{"messages":[],"type":"AgentFinish"}"#, ["model_type", []]),
            (#"{"text":[]}"#, ["string_type", ["text"]]), (#"{"messages":"x"}"#, ["list_type", ["messages"]]),
            ("[]", ["too_short", []]), (#"{"messages":[]}"#, ["too_short", ["messages"]]),
            ("[1]", ["model_type", [0]]), (#"["a",null]"#, ["model_type", [1]]),
            (#"{"messages":[[]]}"#, ["model_type", ["messages", 0]]),
            (#"[["human","a","b"]]"#, ["model_type", [0]]), (#"[["human",1]]"#, ["string_type", [0, 1]]),
            (#"[["bogus","a"]]"#, ["union_tag_invalid", [0]]), (#"[["tool","a"]]"#, ["union_tag_invalid", [0]]),
            (#"[[1,"a"]]"#, ["union_tag_invalid", [0]]),
            (#"[{"type":"bogus","content":"x"}]"#, ["union_tag_invalid", [0]]),
            (#"[{"type":"user","content":"x"}]"#, ["union_tag_invalid", [0]]),
            (#"[{"type":1,"content":"x"}]"#, ["union_tag_invalid", [0]]),
            (#"[{"role":"chat","content":"x"}]"#, ["union_tag_invalid", [0]]),
            (#"[{"content":"x"}]"#, ["missing", [0, "type"]]), (#"[{"type":"human"}]"#, ["missing", [0, "content"]]),
            (#"[{"type":"human","content":null}]"#, ["string_type", [0, "content"]]),
            (#"[{"type":"human","content":{}}]"#, ["string_type", [0, "content"]]),
            (#"[{"type":"human","content":["a",1]}]"#, ["string_type", [0, "content", 1]]),
            (#"[{"type":"human","content":"x","name":1}]"#, ["string_type", [0, "name"]]),
            (#"[{"type":"human","content":"x","id":{}}]"#, ["string_type", [0, "id"]]),
            (#"[{"type":"human","content":"x","additional_kwargs":[]}]"#, ["dict_type", [0, "additional_kwargs"]]),
            (#"[{"type":"human","content":"","response_metadata":[1]}]"#, ["dict_type", [0, "response_metadata"]]),
            (#"[{"type":"tool","content":"x"}]"#, ["missing", [0, "tool_call_id"]]),
            (#"[{"type":"tool","content":"x","tool_call_id":"c","status":"odd"}]"#, ["literal_error", [0, "status"]]),
            (#"[{"type":"function","content":"x","name":null}]"#, ["missing", [0, "name"]]),
            (#"[{"type":"chat","content":"x"}]"#, ["missing", [0, "role"]]),
            (#"[{"type":"ai","content":"","tool_calls":{}}]"#, ["list_type", [0, "tool_calls"]]),
            (#"[{"type":"ai","content":"","tool_calls":[1]}]"#, ["dict_type", [0, "tool_calls", 0]]),
            (#"[{"type":"ai","content":"","tool_calls":[{"name":"w"}]}]"#, ["missing", [0, "tool_calls", 0, "args"]]),
            (
                #"[{"type":"ai","content":"","tool_calls":[{"name":"w","args":{}},{"name":"w","args":"{}"}]}]"#,
                ["dict_type", [0, "tool_calls", 1, "args"]]
            ),
            (
                #"[{"type":"ai","content":"","invalid_tool_calls":[{"args":{}}]}]"#,
                ["string_type", [0, "invalid_tool_calls", 0, "args"]]
            ),
        ]
        for (text, expected) in cases { #expect(try problem(text) == expected, "\(text)") }
    }

    @Test("a long input is not echoed, a short one exactly")
    func echo() throws {
        for (content, isEchoed) in [("x", true), (String(repeating: "x", count: 5000), false)] {
            do {
                _ = try prompt(#"[ {"content" : "\#(content)", "n":1.50} ]"#)
            } catch let error as RequestProblem {
                let body = String(decoding: error.body, as: UTF8.self)
                #expect(body.contains(#""input":{"content":"x","n":1.50}"#) == isEchoed)
                #expect(body.contains(#""input":null"#) == !isEchoed)
            }
        }
    }
}
