import Runnable
import Testing

/// `prompt | model | parser`, whatever pieces the model's answer comes in.
@Suite
struct OutputParserSplitTests {
    private static let texts = [
        "", " ", "a", "hello big world", "a, \"b, c\", d", "a\nb\r\nc, d\n", "1. a\n2. b c\n\n10. d", "- a\n* b\n  - c",
        #"{"a": [1, {"b": "xy"}], "c": true, "d": null, "e": 1.5}"#, "Here:\n```json\n{\"a\": 1}\n``` ok :}", "12",
        "tru",
        "[1, \"\\u00e9\\ud83d\\ude00\"]", "é, 😀\u{301},e", #"{"a":{"b":[{"c":"x"#, "\"abc", "null", "``` [1,2] ```",
    ]

    /// Runs `body` with every way to cut the text.
    private func forEverySplit(
        of text: String,
        _ body: (RunnableSequence<RunValue, RunValue, Message, MessageChunk>, [String]) async throws -> Void
    ) async throws {
        let prompt = try ChatPromptTemplate("{text}")
        for pieces in Pieces.every(of: text) { try await body(prompt | AnswerModel(pieces), pieces) }
    }

    private func sum<Piece: AddableChunk & Sendable>(_ stream: RunStream<Piece>) async throws -> Piece? {
        var sum: Piece?
        for try await piece in stream {
            if sum == nil { sum = piece } else { try sum?.add(piece) }
        }
        return sum
    }

    @Test("LS-133 text: the pieces add up to the whole", arguments: texts)
    func string(_ text: String) async throws {
        try await forEverySplit(of: text) { (model, pieces) async throws in
            let chain = model | StringOutputParser()
            #expect(try await chain.ainvoke("x") == text)
            #expect(try await sum(chain.astream("x")) ?? "" == text, "\(pieces)")
        }
    }

    @Test("LS-133 JSON: the last piece is the whole, and each differs from the one before", arguments: texts)
    func json(_ text: String) async throws {
        let whole = try? JSONOutputParser().invoke(.ai(text))
        try await forEverySplit(of: text) { (model, pieces) async throws in
            let chain = model | JSONOutputParser()
            let steps = try await chain.astream("x").collect()
            #expect(zip(steps, steps.dropFirst()).allSatisfy { $0 != $1 }, "\(pieces)")
            #expect(!steps.contains { $0.value.isNull })
            #expect(try await sum(chain.astream("x"))?.value == (whole?.isNull == true ? nil : whole), "\(pieces)")
            if let whole { #expect(try await chain.ainvoke("x") == whole) }
        }
    }

    @Test("LS-134 lists: the pieces add up to the whole", arguments: texts)
    func lists(_ text: String) async throws {
        func check<Style>(_ parser: OutputParser<ListParsing<Style>, Message, MessageChunk, [String], [String]>)
            async throws
        {
            let whole = try parser.invoke(.ai(text))
            try await forEverySplit(of: text) { (model, pieces) async throws in
                let chain = model | parser
                let lists = try await chain.astream("x").collect()
                #expect(lists.allSatisfy { $0.count == 1 } && lists.flatMap(\.self) == whole, "\(pieces)")
                #expect(try await chain.ainvoke("x") == whole)
            }
        }
        try await check(CommaListOutputParser())
        try await check(NumberedListOutputParser())
        try await check(MarkdownListOutputParser())
    }
}
