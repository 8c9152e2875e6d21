import Runnable
import Testing

/// `langserve-protocol.md` 2.5, row by row.
@Suite
struct MessageChunkAddingTests {
    private func sum(_ chunks: MessageChunk...) throws -> MessageChunk {
        var sum = chunks[0]
        for chunk in chunks.dropFirst() { try sum.add(chunk) }
        return sum
    }

    private func merged(_ left: Value.Object, _ right: Value.Object) throws -> Value.Object {
        var first = MessageChunk()
        first.responseMetadata = left
        var second = MessageChunk()
        second.responseMetadata = right
        return try sum(first, second).responseMetadata
    }

    @Test(
        "LS-137 content",
        arguments: [
            ("a", "b", "ab"), ("", "", ""),
            (
                .blocks([["type": "text", "text": "a", "index": 0]]),
                .blocks([["type": "text", "text": "b", "index": 0]]),
                .blocks([["type": "text", "text": "ab", "index": 0]])
            ),
            (
                .blocks([["text": "a", "index": 0]]), .blocks([["text": "b", "index": 1]]),
                .blocks([["text": "a", "index": 0], ["text": "b", "index": 1]])
            ),
            (.blocks([["text": "a"]]), .blocks([["text": "b"]]), .blocks([["text": "a"], ["text": "b"]])),
            ("a", .blocks([["text": "b"]]), .blocks(["a", ["text": "b"]])),
            ("", .blocks([["text": "b"]]), .blocks([["text": "b"]])),
            (.blocks(["a"]), "b", .blocks(["ab"])), (.blocks([["text": "a"]]), "b", .blocks([["text": "a"], "b"])),
            (.blocks([["text": "a"]]), "", .blocks([["text": "a"]])),
            (
                .blocks([["index": 0, "id": "x"]]), .blocks([["index": 0, "id": "y"]]),
                .blocks([["index": 0, "id": "x"], ["index": 0, "id": "y"]])
            ),
        ] as [(MessageContent, MessageContent, MessageContent)]
    )
    func content(_ left: MessageContent, _ right: MessageContent, _ expected: MessageContent) throws {
        #expect(try sum(MessageChunk(content: left), MessageChunk(content: right)).content == expected)
    }

    @Test(
        "LS-137 metadata",
        arguments: [
            (["a": "x"], ["a": "y"], ["a": "xy"]), (["a": "x"], ["a": "x"], ["a": "xx"]),
            (["id": "x"], ["id": "x"], ["id": "x"]), (["id": "x"], ["id": "y"], ["id": "xy"]),
            (["model_provider": "p"], ["model_provider": "p"], ["model_provider": "p"]),
            (["output_version": "v1"], ["output_version": "v1"], ["output_version": "v1"]),
            (["a": 1], ["a": 1], ["a": 1]), (["a": true], ["a": true], ["a": true]),
            (["a": 1.5], ["a": 1.5], ["a": 1.5]),
            (["a": 1], ["a": 2], ["a": 3]), (["index": 1], ["index": 2], ["index": 2]),
            (["created": 1], ["created": 2], ["created": 2]), (["timestamp": 1], ["timestamp": 2], ["timestamp": 2]),
            (["a": [1]], ["a": [1, 2]], ["a": [1, 1, 2]]), (["a": nil], ["a": 1], ["a": 1]),
            (["a": 1], ["a": nil], ["a": 1]),
            (["a": ["b": "x", "c": 1]], ["a": ["b": "y", "d": 2]], ["a": ["b": "xy", "c": 1, "d": 2]]),
            (["a": 1], ["b": 2], ["a": 1, "b": 2]),
        ] as [(Value.Object, Value.Object, Value.Object)]
    )
    func metadata(_ left: Value.Object, _ right: Value.Object, _ expected: Value.Object) throws {
        #expect(try merged(left, right) == expected)
    }

    @Test(
        "LS-137 types that do not add raise, and nothing changes",
        arguments: [
            (["a": true], ["a": false]), (["a": 1.5], ["a": 2.5]), (["a": 1], ["a": 1.0]), (["a": "x"], ["a": 1]),
            (["a": [1]], ["a": ["b": 1]]), (["a": true], ["a": 1]), (["a": ["b": "x"]], ["a": ["b": 1]]),
        ] as [(Value.Object, Value.Object)]
    )
    func mismatch(_ left: Value.Object, _ right: Value.Object) throws {
        var first = MessageChunk(text: "a")
        first.responseMetadata = left
        let before = first
        var second = MessageChunk(text: "b")
        second.responseMetadata = right
        let error = #expect(throws: ChunkAdditionError.self) { try first.add(second) }
        #expect(error?.path.hasPrefix("response_metadata.a") == true)
        #expect(first == before)
    }

    @Test("LS-137 additional_kwargs merge by the same rules, and say their own path")
    func additionalKwargs() throws {
        func chunk(_ kwargs: Value.Object) -> MessageChunk {
            var chunk = MessageChunk()
            chunk.additionalKwargs = kwargs
            return chunk
        }
        let first = chunk(["s": "x", "n": 1, "l": [["index": 0, "t": "a"]], "o": nil, "id": "i"])
        let second = chunk([
            "s": "x", "n": 2, "l": [["index": 0, "t": "b"], ["index": 1]], "o": ["k": true], "id": "i",
        ])
        #expect(
            try sum(first, second).additionalKwargs == [
                "s": "xx", "n": 3, "l": [["index": 0, "t": "ab"], ["index": 1]], "o": ["k": true], "id": "i",
            ]
        )
        #expect(
            throws: ChunkAdditionError(path: "additional_kwargs.o.k", reason: "cannot add a boolean to a boolean")
        ) { try sum(chunk(["o": ["k": true]]), chunk(["o": ["k": false]])) }
    }

    @Test("LS-137 content blocks of one index with types that do not add raise, and nothing changes")
    func contentMismatch() {
        var first = MessageChunk(content: .blocks([["index": 0, "text": "a", "score": 1.5]]))
        let before = first
        var second = MessageChunk(content: .blocks([["index": 0, "text": "b", "score": 2.5]]), id: "p", isLast: true)
        second.usage = UsageMetadata(inputTokens: 1, outputTokens: 1)
        #expect(throws: ChunkAdditionError(path: "content.score", reason: "cannot add a float to a float")) {
            try first.add(second)
        }
        #expect(first == before)
    }

    @Test("LS-137 lists in metadata concatenate; elements of one integer index merge, their type is not repeated")
    func lists() throws {
        #expect(
            try merged(
                ["l": [["index": 0, "type": "t", "v": "a"], "x"]],
                [
                    "l": [
                        "y", ["index": 0, "type": "t", "v": "b"], ["index": nil, "v": "c"], ["index": nil, "v": "d"],
                    ]
                ]
            ) == [
                "l": [
                    ["index": 0, "type": "t", "v": "ab"], "x", "y", ["index": nil, "v": "c"], ["index": nil, "v": "d"],
                ]
            ]
        )
    }

    @Test("LS-137 an empty id is none: pieces of a tool call, content blocks and chunks join whoever else says it")
    func emptyIDs() throws {
        func call(_ arguments: String, _ id: String?) -> MessageChunk {
            var chunk = MessageChunk(
                content: .blocks([["index": 0, "id": .string(id ?? ""), "text": .string(arguments)]]),
                id: id
            )
            chunk.toolCallChunks = [ToolCallChunk(name: nil, arguments: arguments, id: id, index: 0)]
            return chunk
        }
        for ids in [["c1", "", ""], ["", "c1", ""], ["", nil, "c1"]] {
            let joined = try sum(sum(call("{\"a\"", ids[0]), call(":1", ids[1])), call("}", ids[2]))
            #expect(joined.toolCallChunks == [ToolCallChunk(name: nil, arguments: "{\"a\":1}", id: "c1", index: 0)])
            #expect(joined.content == .blocks([["index": 0, "id": "c1", "text": "{\"a\":1}"]]))
            #expect(joined.id == "c1")
        }
    }

    @Test(
        "LS-137 the first id of a provider wins, else one that begins lc_run-",
        arguments: [
            ("p1", "p2", "p1"), ("lc_run-1", "p", "p"), ("p", "lc_run-1", "p"), ("lc_run-1", "lc_run-2", "lc_run-1"),
            ("lc_1", "lc_run-2", "lc_run-2"), (nil, "lc_1", "lc_1"), ("p", nil, "p"), (nil, nil, nil),
        ] as [(String?, String?, String?)]
    )
    func ids(_ left: String?, _ right: String?, _ expected: String?) throws {
        #expect(try sum(MessageChunk(id: left), MessageChunk(id: right)).id == expected)
    }

    @Test("LS-137 usage adds field by field, details included")
    func usage() throws {
        var first = MessageChunk()
        first.usage = UsageMetadata(inputTokens: 1, outputTokens: 2, inputTokenDetails: ["cache_read": 1])
        var second = MessageChunk()
        second.usage = UsageMetadata(
            inputTokens: 3,
            outputTokens: 4,
            inputTokenDetails: ["cache_read": 2, "audio": 1],
            outputTokenDetails: ["reasoning": 1]
        )
        let expected = UsageMetadata(
            inputTokens: 4,
            outputTokens: 6,
            totalTokens: 10,
            inputTokenDetails: ["cache_read": 3, "audio": 1],
            outputTokenDetails: ["reasoning": 1]
        )
        #expect(try sum(first, MessageChunk(text: "x"), second).usage == expected)
        #expect(try sum(MessageChunk(), second).usage == second.usage)
        #expect(try sum(second, MessageChunk()).usage == second.usage)
    }

    @Test("LS-137 pieces of tool calls join by index; null indexes and conflicting ids never do")
    func toolCallChunks() throws {
        func chunk(_ name: String?, _ arguments: String?, _ id: String?, _ index: Int?) -> MessageChunk {
            var chunk = MessageChunk()
            chunk.toolCallChunks = [ToolCallChunk(name: name, arguments: arguments, id: id, index: index)]
            return chunk
        }
        let joined = try sum(chunk("w", "", "c1", 0), chunk(nil, "{\"a\"", nil, 0), chunk(nil, ":1}", nil, 0))
        #expect(joined.toolCallChunks == [ToolCallChunk(name: "w", arguments: "{\"a\":1}", id: "c1", index: 0)])
        #expect(try sum(chunk("w", nil, nil, 0), chunk("w", nil, nil, 0)).toolCallChunks[0].name == "ww")
        #expect(try sum(chunk("w", "1", nil, nil), chunk("w", "2", nil, nil)).toolCallChunks.count == 2)
        #expect(try sum(chunk("w", "1", "a", 0), chunk("w", "2", "b", 0)).toolCallChunks.count == 2)
        #expect(try sum(chunk("w", "1", "a", 0), chunk("v", "2", "b", 1)).toolCallChunks.count == 2)
        #expect(try sum(chunk("w", "1", "a", 0), chunk(nil, "2", nil, nil)).toolCallChunks.count == 2)
        let late = try sum(
            chunk("w", "1", nil, 0),
            chunk("v", "2", "b", 1),
            chunk(nil, "3", "a", 0),
            chunk(nil, "4", "a", 0)
        )
        #expect(late.toolCallChunks.map(\.arguments) == ["134", "2"] && late.toolCallChunks.map(\.id) == ["a", "b"])
    }

    @Test("LS-137 the position is last if any is")
    func position() throws {
        #expect(try sum(MessageChunk(), MessageChunk(isLast: true), MessageChunk()).isLast)
        #expect(try !sum(MessageChunk(), MessageChunk()).isLast)
    }

    @Test("LS-137 chunks of different roles or tool calls do not add")
    func roles() throws {
        #expect(throws: ChunkAdditionError.self) { try sum(MessageChunk(), MessageChunk(role: .human)) }
        var first = MessageChunk(role: .tool)
        first.toolCallID = "a"
        var second = MessageChunk(role: .tool)
        second.toolCallID = "b"
        #expect(throws: ChunkAdditionError.self) { try sum(first, second) }
        var chat = MessageChunk(role: .chat)
        chat.chatRole = "r"
        #expect(throws: ChunkAdditionError.self) { try sum(chat, MessageChunk(role: .chat)) }
    }

    @Test("the captured stream of 2.4 adds up to its message")
    func capturedExample() async throws {
        let chunks = Array(repeating: MessageChunk(id: "lc_run--f456"), count: 8)
        var stream = chunks
        stream[0].content = "It "
        stream[1].content = "is"
        stream[1].responseMetadata = ["model_name": "fake-1"]
        stream[2].toolCallChunks = [ToolCallChunk(name: "w", arguments: "", id: "call_1", index: 0)]
        stream[3].toolCallChunks = [ToolCallChunk(name: nil, arguments: "{\"city\": \"Pa", id: nil, index: 0)]
        stream[4].toolCallChunks = [ToolCallChunk(name: nil, arguments: "ris\"}", id: nil, index: 0)]
        stream[5].responseMetadata = ["logprobs": nil, "finish_reason": "tool_calls"]
        stream[6].usage = UsageMetadata(inputTokens: 3, outputTokens: 4)
        stream[7].isLast = true
        let message = try await Message(adding: .elements(stream))
        #expect(message.content == "It is")
        #expect(message.responseMetadata == ["model_name": "fake-1", "logprobs": nil, "finish_reason": "tool_calls"])
        #expect(message.toolCalls == [ToolCall(name: "w", arguments: ["city": "Paris"], id: "call_1")])
        #expect(message.invalidToolCalls.isEmpty)
        #expect(message.usage == UsageMetadata(inputTokens: 3, outputTokens: 4, totalTokens: 7))
        #expect(message.id == "lc_run--f456")
        let whole = MessageChunk(whole: message)
        #expect(whole.isLast && Message(whole) == message)
    }

    @Test("arguments that are no JSON object make an invalid tool call that keeps the text")
    func invalidToolCalls() {
        var chunk = MessageChunk()
        chunk.toolCallChunks = [
            ToolCallChunk(name: "a", arguments: "{bad", id: "1", index: 0),
            ToolCallChunk(name: "b", arguments: "[1]", id: "2", index: 1),
            ToolCallChunk(name: "c", arguments: nil, id: nil, index: 2),
        ]
        let message = Message(chunk)
        #expect(message.toolCalls == [ToolCall(name: "c", arguments: [:], id: nil)])
        #expect(message.invalidToolCalls.map(\.arguments) == ["{bad", "[1]"])
        #expect(message.invalidToolCalls.allSatisfy { $0.error != nil })
    }

    @Test("plain chunks stay plain")
    func plain() {
        var chunk = MessageChunk(text: "a", id: "x")
        #expect(chunk.isPlain)
        chunk.usage = UsageMetadata(inputTokens: 1, outputTokens: 1)
        #expect(!chunk.isPlain)
        chunk.usage = nil
        #expect(chunk.isPlain)
    }

    @Test("LS-137 objects streamed as chunks add as addable dictionaries")
    func addableObjects() throws {
        var value: Value = ["a": "x", "c": nil]
        try value.add(["a": "y", "b": 1, "c": 2])
        #expect(value == ["a": "xy", "b": 1, "c": 2])
        #expect(throws: ChunkAdditionError(path: "a", reason: "cannot add an integer to a string")) {
            try value.add(["b": 2, "a": 1])
        }
        #expect(value == ["a": "xy", "b": 1, "c": 2])
        try value.add(["a": nil, "d": nil])
        #expect(value == ["a": "xy", "b": 1, "c": 2, "d": nil])
    }
}
