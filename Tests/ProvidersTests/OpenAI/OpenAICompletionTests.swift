import JSON
import Runnable
import Testing

@testable import Providers

@Suite struct OpenAICompletionTests {
    private func decode(_ body: String) throws -> Message {
        try OpenAICompletion.decode(Array(body.utf8), reader: JSONReader(), errors: .plain)
    }

    @Test func wholeAnswer() throws {
        let message = try decode(
            #"""


            {"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o","system_fingerprint":"fp",
             "choices":[{"index":1,"message":{"content":"other"}},
              {"index":0,"message":{"role":"assistant","content":"Hi \"there\"\u2028","refusal":null,"annotations":[]},
               "logprobs":null,"finish_reason":"stop"}],
             "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,
              "prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},
              "completion_tokens_details":{"reasoning_tokens":1,"audio_tokens":0,"accepted_prediction_tokens":0}}}
            """#
        )
        let usage = UsageMetadata(
            inputTokens: 1,
            outputTokens: 2,
            totalTokens: 3,
            inputTokenDetails: ["cache_read": 0, "audio": 0],
            outputTokenDetails: ["reasoning": 1, "audio": 0]
        )
        #expect(
            message
                == answer("Hi \"there\"\u{2028}", id: "chatcmpl-1", model: "gpt-4o", fingerprint: "fp", usage: usage)
        )
    }

    @Test(arguments: [
        (#"{"content":null}"#, ""),
        (#"{}"#, ""),
        (#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#, "ab"),
        (#"{"content":["a",{"type":"unknown"},"b"]}"#, "ab"),
    ])
    func contentInEveryShape(_ body: String, _ text: String) throws {
        let message = try decode(#"{"choices":[{"message":\#(body)}]}"#)
        #expect(message.content == .text(text))
        #expect(message.id == nil)
    }

    @Test func reasoningAndRefusal() throws {
        let message = try decode(
            #"{"choices":[{"message":{"content":"a","reasoning":"r","reasoning_content":"r","refusal":"no"}}]}"#
        )
        #expect(message.additionalKwargs == ["reasoning_content": "r", "refusal": "no"])
    }

    @Test func whatIsNotForUsPasses() throws {
        let message = try decode(
            #"""
            {"choices":[{"message":{"content":"a","reasoning_details":[{"type":"reasoning.encrypted","data":"x","index":0}]}}],
             "citations":["https://a.example"],"search_results":[{"title":"A","url":"https://a.example"}]}
            """#
        )
        #expect(
            message.additionalKwargs == [
                "reasoning_details": [["type": "reasoning.encrypted", "data": "x", "index": 0]],
                "citations": ["https://a.example"],
                "search_results": [["title": "A", "url": "https://a.example"]],
            ]
        )
        #expect(
            try decode(#"{"choices":[{"message":{"reasoning_details":[]}}],"citations":null}"#).additionalKwargs == [:]
        )
    }

    @Test func toolCallsValidAndNot() throws {
        let message = try decode(
            #"""
            {"choices":[{"finish_reason":"tool_calls","message":{"content":null,"tool_calls":[
             {"id":"1","type":"function","function":{"name":"a","arguments":"{\"x\": 1.50}"}},
             {"id":"2","type":"function","function":{"name":"b","arguments":"{broken"}},
             {"id":"3","type":"function","function":{"name":"c","arguments":"[1]"}},
             {"function":{"name":"d","arguments":{"y":true}}},
             {"id":"5","function":{"name":"e","arguments":""}}]}}]}
            """#
        )
        #expect(
            message.toolCalls == [
                ToolCall(name: "a", arguments: ["x": .number("1.50")], id: "1"),
                ToolCall(name: "d", arguments: ["y": true], id: nil),
                ToolCall(name: "e", arguments: [:], id: "5"),
            ]
        )
        #expect(message.invalidToolCalls.map(\.arguments) == ["{broken", "[1]"])
        #expect(message.invalidToolCalls.allSatisfy { $0.error != nil })
    }

    @Test(arguments: [
        (#"{"choices":[]}"#, RunError.Code.upstreamProtocol),
        (#"{}"#, .upstreamProtocol),
        (#"{"choices":[{"index":0}]}"#, .upstreamProtocol),
        ("<html>", .upstreamProtocol),
        ("", .upstreamProtocol),
        (#"{"error":{"message":"m","code":"rate_limit_exceeded"}}"#, .upstreamRate),
        (#"{"error":{"message":"m","code":529}}"#, .upstreamOverload),
        (#"{"choices":[{"finish_reason":"error","message":{"content":""},"error":{"code":503}}]}"#, .upstreamOverload),
        (#"{"object":"error","message":"m","code":404}"#, .upstreamProtocol),
    ])
    func answersThatAreNone(_ body: String, _ code: RunError.Code) {
        let error = #expect(throws: RunError.self) { try decode(body) }
        #expect(error?.code == code)
    }

    @Test(arguments: ["9223372036854775807", "1000000000001", "1e18", "1e300", "-1", "-0.5e1", "\"7\""])
    func countsThatNoCallCanTakeAreNone(count: String) throws {
        let answer = try decode(
            #"{"choices":[{"message":{}}],"usage":{"prompt_tokens":1,"completion_tokens":\#(count)}}"#
        )
        #expect(answer.usage == UsageMetadata(inputTokens: 1, outputTokens: 0))
    }

    @Test(arguments: [("1000000000000", 1_000_000_000_000), ("7.0", 7), ("7.9", 7)])
    func countsOfTokens(count: String, expected: Int) throws {
        let answer = try decode(
            #"{"choices":[{"message":{}}],"usage":{"prompt_tokens":1,"completion_tokens":\#(count)}}"#
        )
        #expect(answer.usage?.outputTokens == expected)
    }

    @Test func usageOfOtherSpellings() throws {
        let groq = try decode(
            #"{"choices":[{"message":{}}],"x_groq":{"usage":{"prompt_tokens":1,"completion_tokens":1}}}"#
        )
        #expect(groq.usage == UsageMetadata(inputTokens: 1, outputTokens: 1))
        let none = try decode(#"{"choices":[{"message":{}}],"usage":{}}"#)
        #expect(none.usage == nil)
    }
}
