import Runnable
import Testing

@testable import Providers

@Suite struct OpenAIRequestEncoderTests {
    private func encode(
        _ messages: [Message],
        _ options: OpenAIModelOptions = OpenAIModelOptions(model: "m"),
        isStream: Bool = false
    ) -> String {
        let body = OpenAIRequestEncoder(options).encode(ChatPrompt(messages: messages), isStream: isStream)
        return String(decoding: body, as: UTF8.self)
    }

    private func message(_ message: Message) -> String {
        let prefix = #"{"model":"m","messages":["#
        let body = encode([message])
        #expect(body.hasPrefix(prefix) && body.hasSuffix("]}"))
        return String(body.dropFirst(prefix.count).dropLast(2))
    }

    @Test func wholeRequest() {
        var options = OpenAIModelOptions(model: "gpt-\"4\"")
        options.parameters = [
            .init(name: "temperature", json: "0.70"), .init(name: "stop", json: #"["a"]"#),
            .init(name: "stream", json: "false"), .init(name: "messages", json: "[]"), .init(name: "model", json: "1"),
        ]
        let start = #"{"model":"gpt-\"4\"","#
        let rest = #""temperature":0.70,"stop":["a"],"messages":[{"role":"user","content":"hi"}]}"#
        #expect(encode([.human("hi")], options) == start + rest)
        #expect(
            encode([.human("hi")], options, isStream: true)
                == start + #""stream":true,"stream_options":{"include_usage":true},"# + rest
        )
        options.includesUsage = false
        #expect(encode([.human("hi")], options, isStream: true) == start + #""stream":true,"# + rest)
    }

    @Test func streamOptionsOfTheOperatorWin() {
        var options = OpenAIModelOptions(model: "m")
        options.parameters = [.init(name: "stream_options", json: #"{"include_obfuscation":false}"#)]
        #expect(encode([], options) == #"{"model":"m","messages":[]}"#)
        #expect(
            encode([], options, isStream: true)
                == #"{"model":"m","stream":true,"stream_options":{"include_obfuscation":false},"messages":[]}"#
        )
    }

    @Test func roles() {
        #expect(message(.system("s")) == #"{"role":"system","content":"s"}"#)
        #expect(message(.ai("a\n")) == #"{"role":"assistant","content":"a\n"}"#)
        #expect(message(.tool("t", callID: "c1")) == #"{"role":"tool","content":"t","tool_call_id":"c1"}"#)
        var other = Message(role: .chat, content: "x")
        other.chatRole = "developer"
        #expect(message(other) == #"{"role":"developer","content":"x"}"#)
        var function = Message(role: .function, content: "x")
        function.name = "f"
        #expect(message(function) == #"{"role":"function","content":"x","name":"f"}"#)
    }

    @Test func blocksPassUnchanged() {
        let blocks: [Value] = [
            ["type": "image_url", "image_url": ["url": "data:,\u{2028}", "n": .number("1.0e2")], "x": nil], "bare",
        ]
        #expect(
            message(Message(role: .human, content: .blocks(blocks)))
                == #"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:,\u2028","n":1.0e2},"x":null},"#
                + #"{"type":"text","text":"bare"}]}"#
        )
    }

    @Test func toolCallsAreText() {
        var ai = Message.ai("")
        ai.toolCalls = [
            ToolCall(name: "f", arguments: ["a": ["b\"": 1]], id: "1"), ToolCall(name: "g", arguments: [:], id: nil),
        ]
        ai.invalidToolCalls = [InvalidToolCall(name: nil, arguments: "{bad", id: "3", error: "e")]
        #expect(
            message(ai)
                == #"{"role":"assistant","content":"","tool_calls":[{"id":"1","type":"function","function":{"name":"f","#
                + #""arguments":"{\"a\":{\"b\\\"\":1}}"}},{"type":"function","function":{"name":"g","arguments":"{}"}},"#
                + #"{"id":"3","type":"function","function":{"name":"","arguments":"{bad"}}]}"#
        )
    }

    @Test func reasoningDetailsGoBackAsTheyWere() {
        var answer = Message.ai("a")
        answer.additionalKwargs = [
            "reasoning_content": "r", "reasoning_details": [["type": "reasoning.text", "text": "r"]],
        ]
        #expect(
            message(answer)
                == #"{"role":"assistant","content":"a","reasoning_details":[{"type":"reasoning.text","text":"r"}]}"#
        )
        var question = Message.human("q")
        question.additionalKwargs = ["reasoning_details": [1]]
        #expect(message(question) == #"{"role":"user","content":"q"}"#)
    }

    @Test func olderPeersKeepCallsElsewhere() {
        var ai = Message.ai("x")
        ai.additionalKwargs = ["tool_calls": [["id": "1"]], "function_call": nil, "reasoning_content": "r"]
        #expect(message(ai) == #"{"role":"assistant","content":"x","tool_calls":[{"id":"1"}]}"#)
    }
}
