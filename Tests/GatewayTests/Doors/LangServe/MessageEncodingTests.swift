import Runnable
import Testing

@testable import Gateway

/// The shapes of langserve-protocol.md 2.2 and 2.4 that a model's answer can have, byte for byte.
struct MessageEncodingTests {
    private func text(_ message: Message) -> String {
        var bytes: [UInt8] = []
        MessageEncoding.append(message, fallbackID: "fallback", to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func text(_ chunk: MessageChunk) -> String {
        var bytes: [UInt8] = []
        MessageEncoding.append(chunk, id: "lc_run--f456016f-c6ba-4e35-b252-811cc9aa1681", to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("an answer with nothing but text")
    func plain() {
        #expect(
            text(.ai("x"))
                == #"{"content":"x","additional_kwargs":{},"response_metadata":{},"type":"ai","name":null,"id":"fallback","#
                + #""tool_calls":[],"invalid_tool_calls":[],"usage_metadata":null}"#
        )
    }

    @Test("the captured answer with a tool call and usage")
    func captured() {
        var message = Message.ai("It is sunny")
        message.responseMetadata = ["model_name": "fake-1", "finish_reason": "stop"]
        message.id = "lc_run--2a39bdcb-54c2-449f-bd2c-d2a0f34ea620-0"
        message.toolCalls = [ToolCall(name: "w", arguments: ["city": "Paris"], id: "call_1")]
        message.usage = UsageMetadata(inputTokens: 3, outputTokens: 4, inputTokenDetails: ["cache_read": 1])
        #expect(
            text(message)
                == #"{"content":"It is sunny","additional_kwargs":{},"response_metadata":{"model_name":"fake-1","#
                + #""finish_reason":"stop"},"type":"ai","name":null,"id":"lc_run--2a39bdcb-54c2-449f-bd2c-d2a0f34ea620-0","#
                + #""tool_calls":[{"name":"w","args":{"city":"Paris"},"id":"call_1","type":"tool_call"}],"#
                + #""invalid_tool_calls":[],"usage_metadata":{"input_tokens":3,"output_tokens":4,"total_tokens":7,"#
                + #""input_token_details":{"cache_read":1}}}"#
        )
    }

    @Test("everything an answer can have, in its place")
    func full() {
        var message = Message(role: .ai, content: .blocks(["s", ["type": "text", "text": "t"]]))
        message.additionalKwargs = ["refusal": "no"]
        message.name = "n"
        message.toolCalls = [ToolCall(name: "", arguments: [:], id: nil)]
        message.invalidToolCalls = [
            InvalidToolCall(name: "z", arguments: "{bad", id: "c2", error: "e"),
            InvalidToolCall(name: nil, arguments: nil, id: nil),
        ]
        message.usage = UsageMetadata(
            inputTokens: 1,
            outputTokens: 2,
            totalTokens: 9,
            inputTokenDetails: [:],
            outputTokenDetails: ["reasoning": 1, "audio": 2]
        )
        #expect(
            text(message)
                == #"{"content":["s",{"type":"text","text":"t"}],"additional_kwargs":{"refusal":"no"},"response_metadata":{},"#
                + #""type":"ai","name":"n","id":"fallback","tool_calls":[{"name":"","args":{},"id":null,"type":"tool_call"}],"#
                + #""invalid_tool_calls":[{"type":"invalid_tool_call","id":"c2","name":"z","args":"{bad","error":"e"},"#
                + #"{"type":"invalid_tool_call","id":null,"name":null,"args":null,"error":null}],"#
                + #""usage_metadata":{"input_tokens":1,"output_tokens":2,"total_tokens":9,"input_token_details":{},"#
                + #""output_token_details":{"audio":2,"reasoning":1}}}"#
        )
    }

    @Test("the captured chunks")
    func chunks() {
        let tail =
            #""type":"AIMessageChunk","name":null,"id":"lc_run--f456016f-c6ba-4e35-b252-811cc9aa1681","#
            + #""tool_calls":[],"invalid_tool_calls":[],"usage_metadata":"#
        #expect(
            text(MessageChunk(text: "It ", id: "ignored"))
                == #"{"content":"It ","additional_kwargs":{},"response_metadata":{},\#(tail)null,"tool_call_chunks":[],"#
                + #""chunk_position":null}"#
        )
        var call = MessageChunk()
        call.toolCallChunks = [
            ToolCallChunk(name: "w", arguments: "", id: "call_1", index: 0),
            ToolCallChunk(name: nil, arguments: "{\"a", id: nil, index: nil),
        ]
        #expect(
            text(call)
                == #"{"content":"","additional_kwargs":{},"response_metadata":{},\#(tail)null,"tool_call_chunks":["#
                + #"{"name":"w","args":"","id":"call_1","index":0,"type":"tool_call_chunk"},"#
                + #"{"name":null,"args":"{\"a","id":null,"index":null,"type":"tool_call_chunk"}],"chunk_position":null}"#
        )
        var last = MessageChunk(isLast: true)
        last.responseMetadata = ["logprobs": nil, "finish_reason": "tool_calls"]
        last.usage = UsageMetadata(inputTokens: 3, outputTokens: 4)
        #expect(
            text(last)
                == #"{"content":"","additional_kwargs":{},"response_metadata":{"logprobs":null,"finish_reason":"tool_calls"},"#
                + #"\#(tail){"input_tokens":3,"output_tokens":4,"total_tokens":7},"tool_call_chunks":[],"chunk_position":"last"}"#
        )
    }

    @Test("line separators are escaped wherever text comes from")
    func separators() {
        var message = Message.ai("\u{85}")
        message.name = "\u{2028}"
        message.id = "\u{2029}"
        message.additionalKwargs = ["\u{85}": "\u{2028}"]
        message.responseMetadata = ["k": ["\u{2029}"]]
        message.toolCalls = [ToolCall(name: "\u{85}", arguments: ["\u{2028}": "\u{2029}"], id: "\u{85}")]
        message.invalidToolCalls = [
            InvalidToolCall(name: "\u{85}", arguments: "\u{2028}", id: "\u{2029}", error: "\u{85}")
        ]
        message.usage = UsageMetadata(inputTokens: 1, outputTokens: 1, inputTokenDetails: ["\u{2028}": 1])
        #expect(!text(message).unicodeScalars.contains { "\u{85}\u{2028}\u{2029}".unicodeScalars.contains($0) })
        #expect(text(message).contains(#""name":"\u0085","args":{"\u2028":"\u2029"}"#))
    }

    @Test("a text route has the bare text, of blocks too")
    func output() {
        let runID = RunID(high: 0, low: 1)
        var bytes: [UInt8] = []
        MessageEncoding.append(.ai("a\"b"), as: .text, runID: runID, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == #""a\"b""#)
        bytes = []
        let blocks = Message(role: .ai, content: .blocks([["type": "text", "text": "x"], ["type": "image"], "y"]))
        MessageEncoding.append(blocks, as: .text, runID: runID, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == #""xy""#)
        bytes = []
        MessageEncoding.append(.ai("a"), as: .message, runID: runID, to: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self).contains(#""id":"lc_run--00000000-0000-0000-0000-000000000001-0""#)
        )
    }
}
