import Runnable
import Testing

/// A stream as a server sends it, with what it must add up to.
struct StreamFixture: Sendable, CustomTestStringConvertible {
    let name: String
    /// The whole body.
    let body: String
    let expected: Message
    /// Texts of the chunks in order, where how the text is cut matters.
    var pieces: [String]?

    var testDescription: String { name }

    init(_ name: String, _ body: String, _ expected: Message, pieces: [String]? = nil) {
        self.name = name
        self.body = body
        self.expected = expected
        self.pieces = pieces
    }

    /// One event for each line, with LF line ends, and the end mark.
    static func events(_ lines: [String], done: Bool = true) -> String {
        (lines + (done ? ["[DONE]"] : [])).map { "data: \($0)\n\n" }.joined()
    }
}

/// The expected answer.
func answer(
    _ text: String,
    id: String?,
    model: String? = nil,
    reason: String? = "stop",
    fingerprint: String? = nil,
    extra: Value.Object = [:],
    usage: UsageMetadata? = nil,
    calls: [ToolCall] = [],
    invalid: [InvalidToolCall] = []
) -> Message {
    var message = Message(role: .ai, content: .text(text), id: id)
    var metadata = Value.Object()
    if let reason { metadata["finish_reason"] = .string(reason) }
    if let model { metadata["model_name"] = .string(model) }
    if let fingerprint { metadata["system_fingerprint"] = .string(fingerprint) }
    message.responseMetadata = metadata
    message.additionalKwargs = extra
    message.usage = usage
    message.toolCalls = calls
    message.invalidToolCalls = invalid
    return message
}

enum OpenAIFixtures {
    static let all = [
        openAI, openAIUnicode, openAITools, azure, vLLM, llamaCpp, groq, mistral, mistralThinking, openRouter, deepSeek,
        ollama, noMark, perplexity, geminiTools, odd, refusal,
    ]

    static let openAI = StreamFixture(
        "OpenAI with usage in an extra chunk",
        StreamFixture.events([
            #"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"abc"}"#,
            #"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"content":"Hello"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}"#,
            #"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"content":" \"you\"\n"},"logprobs":null,"finish_reason":null}],"usage":null}"#,
            #"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}"#,
            #"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","system_fingerprint":"fp_1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":5}}}"#,
        ]),
        answer(
            "Hello \"you\"\n",
            id: "chatcmpl-1",
            model: "gpt-4o-2024-08-06",
            fingerprint: "fp_1",
            usage: UsageMetadata(
                inputTokens: 9,
                outputTokens: 12,
                totalTokens: 21,
                inputTokenDetails: ["cache_read": 4],
                outputTokenDetails: ["reasoning": 5]
            )
        ),
        pieces: ["Hello", " \"you\"\n", ""]
    )

    static let openAIUnicode = StreamFixture(
        "characters of several bytes, as bytes and as escapes",
        StreamFixture.events([
            #"{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"Grüße 東京 👩‍🚀"}}]}"#,
            #"{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"\u00fc\ud83d\ude80\u2028"}}]}"#,
            #"{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"é"},"finish_reason":"length"}]}"#,
        ]),
        answer("Grüße 東京 👩‍🚀ü🚀\u{2028}é", id: "c", model: "m", reason: "length"),
        pieces: ["Grüße 東京 👩‍🚀", "ü🚀\u{2028}", "é", ""]
    )

    static let openAITools = StreamFixture(
        "parallel tool calls, interleaved",
        StreamFixture.events([
            #"{"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"weather","arguments":""}}]}}]}"#,
            #"{"id":"c","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"time","arguments":""}}]}}]}"#,
            #"{"id":"c","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\": \"Pa"}}]}}]}"#,
            #"{"id":"c","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{\"zone\":1e2}"}},{"index":0,"function":{"arguments":"ris\"}"}}]}}]}"#,
            #"{"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
        ]),
        answer(
            "",
            id: "c",
            model: "m",
            reason: "tool_calls",
            calls: [
                ToolCall(name: "weather", arguments: ["city": "Paris"], id: "call_a"),
                ToolCall(name: "time", arguments: ["zone": .number("1e2")], id: "call_b"),
            ]
        )
    )

    static let azure = StreamFixture(
        "Azure: no choices and no names in the first chunk, filter results",
        StreamFixture.events([
            #"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}"#,
            #"{"choices":[{"content_filter_results":{},"delta":{"content":"","refusal":null,"role":"assistant"},"finish_reason":null,"index":0,"logprobs":null}],"id":"chatcmpl-az","model":"gpt-4o","object":"chat.completion.chunk","system_fingerprint":"fp_az"}"#,
            #"{"choices":[{"content_filter_results":{"hate":{"filtered":false}},"delta":{"content":"Hi"},"finish_reason":null,"index":0}],"id":"chatcmpl-az","model":"gpt-4o","system_fingerprint":"fp_az"}"#,
            #"{"choices":[{"content_filter_offsets":{"check_offset":1},"content_filter_results":{},"finish_reason":null,"index":0}],"id":"","model":""}"#,
            #"{"choices":[{"content_filter_results":{},"delta":{},"finish_reason":"stop","index":0}],"id":"chatcmpl-az","model":"gpt-4o","system_fingerprint":"fp_az"}"#,
        ]),
        answer("Hi", id: "chatcmpl-az", model: "gpt-4o", fingerprint: "fp_az")
    )

    static let vLLM = StreamFixture(
        "vLLM: usage in every chunk, reasoning, text in the chunk that ends",
        StreamFixture.events([
            #"{"id":"chatcmpl-v","object":"chat.completion.chunk","model":"qwen","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":5,"total_tokens":5,"completion_tokens":0}}"#,
            #"{"id":"chatcmpl-v","model":"qwen","choices":[{"index":0,"delta":{"reasoning":"Let ","reasoning_content":"Let "},"finish_reason":null}],"usage":{"prompt_tokens":5,"total_tokens":6,"completion_tokens":1}}"#,
            #"{"id":"chatcmpl-v","model":"qwen","choices":[{"index":0,"delta":{"reasoning":"me"},"finish_reason":null}],"usage":{"prompt_tokens":5,"total_tokens":7,"completion_tokens":2}}"#,
            #"{"id":"chatcmpl-v","model":"qwen","choices":[{"index":0,"delta":{"content":"42"},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}],"usage":{"prompt_tokens":5,"total_tokens":8,"completion_tokens":3}}"#,
        ]),
        answer(
            "42",
            id: "chatcmpl-v",
            model: "qwen",
            extra: ["reasoning_content": "Let me"],
            usage: UsageMetadata(inputTokens: 5, outputTokens: 3, totalTokens: 8)
        )
    )

    static let llamaCpp = StreamFixture(
        "llama.cpp: null content first, timings, usage in the last chunk",
        StreamFixture.events([
            #"{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1,"id":"chatcmpl-l","model":"gpt-3.5-turbo","system_fingerprint":"b5000-abc","object":"chat.completion.chunk"}"#,
            #"{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Yes"}}],"created":1,"id":"chatcmpl-l","model":"gpt-3.5-turbo","system_fingerprint":"b5000-abc"}"#,
            #"{"choices":[{"finish_reason":"stop","index":0,"delta":{}}],"created":1,"id":"chatcmpl-l","model":"gpt-3.5-turbo","system_fingerprint":"b5000-abc","usage":{"completion_tokens":2,"prompt_tokens":7,"total_tokens":9},"timings":{"prompt_n":7,"prompt_ms":12.5}}"#,
        ]),
        answer(
            "Yes",
            id: "chatcmpl-l",
            model: "gpt-3.5-turbo",
            fingerprint: "b5000-abc",
            usage: UsageMetadata(inputTokens: 7, outputTokens: 2)
        )
    )

    static let groq = StreamFixture(
        "Groq: usage in x_groq, CR LF, no space after the colon",
        [
            #"{"id":"chatcmpl-g","object":"chat.completion.chunk","model":"llama3","system_fingerprint":"fp_g","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"x_groq":{"id":"req_1"}}"#,
            #"{"id":"chatcmpl-g","model":"llama3","system_fingerprint":"fp_g","choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":null}]}"#,
            #"{"id":"chatcmpl-g","model":"llama3","system_fingerprint":"fp_g","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"req_1","usage":{"queue_time":0.03,"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}}"#,
            "[DONE]",
        ].map { "data:\($0)\r\n\r\n" }.joined(),
        answer(
            "ok",
            id: "chatcmpl-g",
            model: "llama3",
            fingerprint: "fp_g",
            usage: UsageMetadata(inputTokens: 3, outputTokens: 1)
        )
    )

    static let mistral = StreamFixture(
        "Mistral: whole tool call with the id text null repeated, usage in the finish chunk",
        StreamFixture.events([
            #"{"id":"cmpl-m","object":"chat.completion.chunk","model":"mistral-large","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
            #"{"id":"cmpl-m","model":"mistral-large","choices":[{"index":0,"delta":{"content":"","tool_calls":[{"id":"D681PevKs","function":{"name":"get","arguments":"{\"a\":1}"},"index":0}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":10,"total_tokens":15,"completion_tokens":5}}"#,
        ]),
        answer(
            "",
            id: "cmpl-m",
            model: "mistral-large",
            reason: "tool_calls",
            usage: UsageMetadata(inputTokens: 10, outputTokens: 5),
            calls: [ToolCall(name: "get", arguments: ["a": 1], id: "D681PevKs")]
        )
    )

    static let mistralThinking = StreamFixture(
        "Mistral: content as typed parts",
        StreamFixture.events([
            #"{"id":"cmpl-m","model":"magistral","choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]}]},"finish_reason":null}]}"#,
            #"{"id":"cmpl-m","model":"magistral","choices":[{"index":0,"delta":{"content":[{"type":"text","text":"A"},{"type":"text","text":"B"}]},"finish_reason":null}]}"#,
            #"{"id":"cmpl-m","model":"magistral","choices":[{"index":0,"delta":{"content":"C"},"finish_reason":"stop"}]}"#,
        ]),
        answer("ABC", id: "cmpl-m", model: "magistral", extra: ["reasoning_content": "Hm"])
    )

    static let openRouter = StreamFixture(
        "OpenRouter: comments, null usage, reasoning",
        ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n"
            + StreamFixture.events(
                [
                    #"{"id":"gen-1","provider":"X","model":"a/b","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":"why","reasoning_details":[{"type":"reasoning.text","text":"why","format":"x","index":0}]},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}"#,
                    #"{"id":"gen-1","provider":"X","model":"a/b","choices":[{"index":0,"delta":{"role":"assistant","content":"so","reasoning":null,"reasoning_details":[{"type":"reasoning.text","text":"!","format":"x","index":0}]},"finish_reason":null}]}"#,
                ],
                done: false
            ) + ": OPENROUTER PROCESSING\n\n"
            + StreamFixture.events([
                #"{"id":"gen-1","provider":"X","model":"a/b","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop","native_finish_reason":"stop"}]}"#,
                #"{"id":"gen-1","provider":"X","model":"a/b","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10,"cost":0.1}}"#,
            ]),
        answer(
            "so",
            id: "gen-1",
            model: "a/b",
            extra: [
                "reasoning_content": "why",
                "reasoning_details": [
                    ["type": "reasoning.text", "text": "why", "format": "x", "index": 0],
                    ["type": "reasoning.text", "text": "!", "format": "x", "index": 0],
                ],
            ],
            usage: UsageMetadata(inputTokens: 8, outputTokens: 2)
        )
    )

    static let deepSeek = StreamFixture(
        "DeepSeek: keep-alive comments, reasoning_content, cache counts",
        ": keep-alive\n\n: keep-alive\n\n"
            + StreamFixture.events([
                #"{"id":"d","model":"deepseek-reasoner","choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":"I "},"finish_reason":null}]}"#,
                #"{"id":"d","model":"deepseek-reasoner","choices":[{"index":0,"delta":{"content":null,"reasoning_content":"think"},"finish_reason":null}]}"#,
                #"{"id":"d","model":"deepseek-reasoner","choices":[{"index":0,"delta":{"content":"so","reasoning_content":null},"finish_reason":null}]}"#,
                #"{"id":"d","model":"deepseek-reasoner","choices":[{"index":0,"delta":{"content":"","reasoning_content":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14,"prompt_cache_hit_tokens":6,"prompt_cache_miss_tokens":4,"completion_tokens_details":{"reasoning_tokens":2}}}"#,
            ]),
        answer(
            "so",
            id: "d",
            model: "deepseek-reasoner",
            extra: ["reasoning_content": "I think"],
            usage: UsageMetadata(
                inputTokens: 10,
                outputTokens: 4,
                inputTokenDetails: ["cache_read": 6],
                outputTokenDetails: ["reasoning": 2]
            )
        )
    )

    static let ollama = StreamFixture(
        "Ollama: whole tool calls, each under index 0, finished with stop",
        StreamFixture.events([
            #"{"id":"chatcmpl-9","object":"chat.completion.chunk","model":"llama3.1","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[{"id":"call_1","index":0,"type":"function","function":{"name":"a","arguments":"{}"}}]},"finish_reason":null}]}"#,
            #"{"id":"chatcmpl-9","model":"llama3.1","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[{"id":"call_2","index":0,"type":"function","function":{"name":"a","arguments":"{\"b\":[1,2]}"}}]},"finish_reason":null}]}"#,
            #"{"id":"chatcmpl-9","model":"llama3.1","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop"}]}"#,
        ]),
        answer(
            "",
            id: "chatcmpl-9",
            model: "llama3.1",
            fingerprint: "fp_ollama",
            calls: [
                ToolCall(name: "a", arguments: [:], id: "call_1"),
                ToolCall(name: "a", arguments: ["b": [1, 2]], id: "call_2"),
            ]
        )
    )

    static let noMark = StreamFixture(
        "an imitator without [DONE]",
        StreamFixture.events(
            [
                #"{"id":"n","model":"m","choices":[{"delta":{"content":"a"}}]}"#,
                #"{"id":"n","model":"m","choices":[{"delta":{"content":"b"},"finish_reason":"stop"}]}"#,
            ],
            done: false
        ),
        answer("ab", id: "n", model: "m")
    )

    static let perplexity = StreamFixture(
        "Perplexity: the whole text so far beside each delta, citations",
        StreamFixture.events(
            [
                #"{"id":"p","model":"sonar","usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2},"citations":["https://example.com"],"object":"chat.completion","choices":[{"index":0,"finish_reason":null,"message":{"role":"assistant","content":"x"},"delta":{"role":"assistant","content":"x"}}]}"#,
                #"{"id":"p","model":"sonar","usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3},"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"xy"},"delta":{"role":"assistant","content":"y"}}]}"#,
            ],
            done: false
        ),
        answer(
            "xy",
            id: "p",
            model: "sonar",
            extra: ["citations": ["https://example.com"]],
            usage: UsageMetadata(inputTokens: 1, outputTokens: 2)
        )
    )

    static let geminiTools = StreamFixture(
        "tool fragments without an index, then one with broken arguments",
        StreamFixture.events([
            #"{"id":"g","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"x\""}}]}}]}"#,
            #"{"id":"g","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":":2}"}}]}}]}"#,
            #"{"id":"g","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"id":"2","function":{"name":"g","arguments":{"whole":true}}}]}}]}"#,
            #"{"id":"g","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"id":"2","function":{"name":"g","arguments":""}}]}}]}"#,
            #"{"id":"g","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"id":"3","function":{"name":"h","arguments":"{oops"}}]},"finish_reason":"tool_calls"}]}"#,
        ]),
        answer(
            "",
            id: "g",
            model: "m",
            reason: "tool_calls",
            calls: [
                ToolCall(name: "f", arguments: ["x": 2], id: "1"),
                ToolCall(name: "g", arguments: ["whole": true], id: "2"),
            ],
            invalid: [InvalidToolCall(name: "h", arguments: "{oops", id: "3")]
        )
    )

    static let odd = StreamFixture(
        "a byte order mark, blank lines, bare CR, data in two lines, other choices, pings, unknown events, text after the mark",
        "\u{FEFF}\n\n: hello\r\revent: ping\ndata: zzz\n\ndata:\n\nid: 7\nretry: 10\n"
            + "data: {\"id\":null,\"model\":null,\ndata: \"choices\":[{\"index\":1,\"delta\":{\"content\":\"no\"}},"
            + "{\"index\":0,\"delta\":{\"content\":\"yes\"}}]}\n\n"
            + #"data: {"id":"late","model":"m","choices":[{"index":0,"delta":{"content":"!"},"finish_reason":""}]}"#
            + "\r\r"
            + #"data: {"type":"heartbeat","unknown":[1,{"a":[]}]}"# + "\n\n"
            + #"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop","unknown":{"deep":[1]}}]}"# + "\n\n"
            + "data: [DONE] \n\ndata: {\"error\":{\"message\":\"too late\"}}\n\ndata: garbage\n\n",
        answer("yes!", id: nil, model: "m")
    )

    static let refusal = StreamFixture(
        "a refusal, log probabilities and the old function call",
        StreamFixture.events([
            #"{"id":"r","model":"m","choices":[{"index":0,"delta":{"refusal":"No"}}]}"#,
            #"{"id":"r","model":"m","choices":[{"index":0,"delta":{"refusal":"pe","function_call":{"name":"f","arguments":"{\"a\""}}}]}"#,
            #"{"id":"r","model":"m","choices":[{"index":0,"delta":{"function_call":{"name":"f","arguments":":1}"}},"finish_reason":"content_filter"}]}"#,
        ]),
        answer(
            "",
            id: "r",
            model: "m",
            reason: "content_filter",
            extra: ["refusal": "Nope", "function_call": ["name": "f", "arguments": #"{"a":1}"#]]
        )
    )
}
