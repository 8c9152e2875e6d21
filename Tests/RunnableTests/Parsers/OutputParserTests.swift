import Runnable
import Testing

@Suite
struct OutputParserTests {
    private let prompt = ChatPromptTemplate([.placeholder("h")])

    /// What streams of a sequence of prompt, model and parser give.
    private func stream<Parser: Runnable>(_ parser: Parser, _ texts: [String]) async throws -> [Parser.Chunk]
    where Parser.Input == Message, Parser.InputChunk == MessageChunk {
        try await (prompt | AnswerModel(texts) | parser).astream(["x"]).collect()
    }

    private func invoke<Parser: Runnable>(_ parser: Parser, _ text: String) async throws -> Parser.Output
    where Parser.Input == Message, Parser.InputChunk == MessageChunk {
        try await (prompt | AnswerModel([text]) | parser).ainvoke(["x"])
    }

    // MARK: Text

    @Test("LS-133 the text parser hands on piece by piece, empty ones too")
    func string() async throws {
        let texts = ["hello", " ", "big", " ", "world", ""]
        #expect(try await stream(StringOutputParser(), texts) == texts)
        #expect(try await invoke(StringOutputParser(), "hello big world") == "hello big world")
        #expect(try StringOutputParser().invoke(.ai("x")) == "x")
        #expect(try await StringOutputParser().astream(.ai("x y")).collect() == ["x y"])
    }

    @Test("blocks text a, image, text b are ab")
    func blocks() async throws {
        let blocks: [Value] = [
            ["type": "text", "text": "a"], ["type": "image_url", "image_url": ["url": "u"]],
            ["type": "text", "text": "b"],
        ]
        let message = Message(role: .ai, content: .blocks(blocks))
        #expect(try StringOutputParser().invoke(message) == "ab")
        #expect(try await StringOutputParser().ainvoke(message) == "ab")
        let model = AnswerModel(blocks.map { MessageChunk(content: .blocks([$0])) })
        #expect(try await (prompt | model | StringOutputParser()).astream(["x"]).collect() == ["a", "", "b"])
        #expect(try await (prompt | model | StringOutputParser()).ainvoke(["x"]) == "ab")
    }

    // MARK: JSON

    private static let chunks = [
        #"{"a"#, #"": [1"#, #", {"b""#, #": "x"#, #"y"}]"#, #", "c": tr"#, #"ue, "d": nul"#, #"l, "e": 1."#, "5}",
    ]

    @Test("LS-133 the JSON parser streams all that is known")
    func json() async throws {
        let steps: [Value] = [
            [:], ["a": [1]], ["a": [1, [:]]], ["a": [1, ["b": "x"]]], ["a": [1, ["b": "xy"]]],
            ["a": [1, ["b": "xy"]], "c": true], ["a": [1, ["b": "xy"]], "c": true, "d": nil, "e": 1],
            ["a": [1, ["b": "xy"]], "c": true, "d": nil, "e": 1.5],
        ]
        #expect(try await stream(JSONOutputParser(), Self.chunks).map(\.value) == steps)
        #expect(try await invoke(JSONOutputParser(), Self.chunks.joined()) == steps.last)
        #expect(try await stream(JSONOutputParser(), ["1", "2", "", "3"]).map(\.value) == [1, 12, 123])
    }

    @Test("LS-133 diff mode streams changes, whose application gives the value")
    func diff() async throws {
        let pieces = try await stream(JSONPatchOutputParser(), Self.chunks)
        #expect(
            pieces.map { Value.array($0.map(\.wireValue)).jsonText } == [
                #"[{"op":"replace","path":"","value":{}}]"#, #"[{"op":"add","path":"/a","value":[1]}]"#,
                #"[{"op":"add","path":"/a/1","value":{}}]"#, #"[{"op":"add","path":"/a/1/b","value":"x"}]"#,
                #"[{"op":"replace","path":"/a/1/b","value":"xy"}]"#, #"[{"op":"add","path":"/c","value":true}]"#,
                #"[{"op":"add","path":"/d","value":null},{"op":"add","path":"/e","value":1}]"#,
                #"[{"op":"replace","path":"/e","value":1.5}]"#,
            ]
        )
        let text = Self.chunks.joined()
        let value = try await invoke(JSONOutputParser(), text)
        #expect(try await invoke(JSONPatchOutputParser(), text) == [.replace(path: "", value: value)])
        for pieces in Pieces.every(of: text) {
            let changes = try await stream(JSONPatchOutputParser(), pieces)
            #expect(!changes.contains([]))
            #expect(try JSONPatch.apply(changes.flatMap(\.self), to: nil) == value)
        }
        #expect(JSONPatchOutputParser().name == "JsonOutputParser")
    }

    @Test(
        "LS-133 a stream without any JSON ends without a piece; the whole is an error",
        arguments: ["tru", "abc {\"a\":1}", "", "Sorry, no.", "```js\n{}```"]
    )
    func garbage(_ text: String) async throws {
        for pieces in Pieces.every(of: text, random: 3) {
            #expect(try await stream(JSONOutputParser(), pieces).isEmpty)
            #expect(try await stream(JSONPatchOutputParser(), pieces).isEmpty)
        }
        let error = await #expect(throws: RunError.self) { try await invoke(JSONOutputParser(), text) }
        #expect(error?.code == .upstreamProtocol && error?.message.contains("abc") == false)
        await #expect(throws: RunError.self) { try await invoke(JSONPatchOutputParser(), text) }
    }

    @Test("what became wrong after a value was known does not end the stream with an error")
    func wrongAtTheEnd() async throws {
        #expect(try await stream(JSONOutputParser(), ["[1", ",]"]).last?.value == [1])
        #expect(try await stream(JSONOutputParser(), [#"{"a":1}"#, "}"]).last?.value == ["a": 1])
        #expect(try await invoke(JSONOutputParser(), #"{"a":1}}"#) == .null)
    }

    @Test("a step behind the JSON parser that wants the whole gets the last of what was known")
    func wholeOfSnapshots() async throws {
        let sequence =
            prompt | AnswerModel(Self.chunks) | JSONOutputParser() | { (value: Value) in value["e"]?.double }
        #expect(try await sequence.astream(["x"]).collect() == [1.5])
        #expect(try await sequence.ainvoke(["x"]) == 1.5)
        let none = prompt | AnswerModel(["no"]) | JSONOutputParser() | { (value: Value) in value }
        #expect(try await none.astream(["x"]).collect().isEmpty)
    }

    // MARK: Lists

    @Test("LS-134 lists stream one element at a time, each when its successor begins")
    func lists() async throws {
        #expect(try await stream(CommaListOutputParser(), ["foo, b", "ar,", " baz"]) == [["foo"], ["bar"], ["baz"]])
        #expect(try await invoke(CommaListOutputParser(), "a, \"b, c\", d") == ["a", "b, c", "d"])
        #expect(try await invoke(CommaListOutputParser(), "") == [])
        #expect(try await stream(CommaListOutputParser(), [""]).isEmpty)
        #expect(try await stream(NumberedListOutputParser(), ["Sure:\n1. a\n2", ". b"]) == [["a"], ["b"]])
        #expect(try await stream(MarkdownListOutputParser(), ["- a\n* b\n-", " c"]) == [["a"], ["b"], ["c"]])
    }

    // MARK: Inputs

    @Test("what has no text is refused; in a pipeline made at run time text and messages are taken")
    func inputs() async throws {
        typealias Parser = OutputParser<StringParsing, RunValue, RunValue, String, String>
        #expect(try Parser().invoke("x") == "x")
        #expect(try Parser().invoke(.message(.ai("x"))) == "x")
        for input: RunValue in [1, nil, ["a"], .prompt(ChatPrompt("x"))] {
            let error = #expect(throws: RunError.self) { try Parser().invoke(input) }
            #expect(error?.code == .callerInvalid && error?.status == 422)
            await #expect(throws: RunError.self) { try await Parser().astream(input).collect() }
        }
        #expect(
            try await Parser().atransform(.elements([.chunk(MessageChunk(text: "a")), "b"])).collect() == ["a", "b"]
        )
        #expect(try await Parser().atransform(.elements([])).collect().isEmpty)
    }

    @Test("a model's failure passes through, behind the pieces before it")
    func failure() async throws {
        let source = RunStream<MessageChunk> { FailingSource() }
        var iterator = StringOutputParser().atransform(source).makeAsyncIterator()
        #expect(try await iterator.next() == "a")
        await #expect(throws: TestError(1)) { try await iterator.next() }
        #expect(try await iterator.next() == nil)
    }

    private final class FailingSource: RunSource {
        private var isFirst = true

        func next() async throws -> MessageChunk? {
            defer { isFirst = false }
            guard isFirst else { throw TestError(1) }
            return MessageChunk(text: "a")
        }

        func cancel() {}
    }

    // MARK: Events

    @Test("events of prompt, model and parser in a stream: the parser begins without an input, and ends with all of it")
    func events() async throws {
        let log = EventLog()
        let sequence = prompt | AnswerModel(["1", "2"]) | JSONOutputParser()
        _ = try await sequence.astream(["x"], config: RunConfig().observed(by: log)).collect()
        #expect(
            log.lines == [
                #"RunnableSequence start ["x"]"#, #"ChatPromptTemplate start ["x"]"#,
                #"ChatPromptTemplate end x of ["x"]"#,
                "Model start x", "Model stream +1", "JsonOutputParser start", "JsonOutputParser stream 1",
                "RunnableSequence stream 1", "Model stream +2", "JsonOutputParser stream 12",
                "RunnableSequence stream 12",
                "Model end +12 of x", "JsonOutputParser end 12 of +12", #"RunnableSequence end 12 of ["x"]"#,
            ]
        )
        #expect(
            log.all.filter { if case .start = $0.phase { true } else { false } }.map(\.kind) == [
                .chain, .prompt, .chatModel, .parser,
            ]
        )
    }

    @Test("events of a parser that is invoked, and of one that fails")
    func invokeEvents() async throws {
        let log = EventLog()
        _ = try await CommaListOutputParser().ainvoke(.ai("a,b"), config: RunConfig().observed(by: log))
        #expect(
            log.lines == [
                "CommaSeparatedListOutputParser start a,b", #"CommaSeparatedListOutputParser end ["a","b"] of a,b"#,
            ]
        )
        let failed = EventLog()
        await #expect(throws: RunError.self) {
            try await JSONOutputParser().ainvoke(.ai("no"), config: RunConfig().observed(by: failed))
        }
        #expect(failed.lines.count == 2 && failed.lines[1].hasPrefix("JsonOutputParser error"))
    }

    @Test("names are LangChain's")
    func names() {
        #expect(
            [
                StringOutputParser().name, JSONOutputParser().name, CommaListOutputParser().name,
                NumberedListOutputParser().name, MarkdownListOutputParser().name,
            ] == [
                "StrOutputParser", "JsonOutputParser", "CommaSeparatedListOutputParser", "NumberedListOutputParser",
                "MarkdownListOutputParser",
            ]
        )
    }
}
