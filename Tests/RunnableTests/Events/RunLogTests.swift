import Runnable
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RunLogTests {
    /// 2026-11-22T12:46:10.203999 UTC.
    private let now: @Sendable () -> Duration = { .microseconds(1_795_351_570_203_999) }

    private func operations<R: Runnable>(
        _ runnable: R,
        _ input: R.Input,
        config: RunConfig = RunConfig(runName: "R"),
        filter: RunEventFilter = .all
    ) async throws -> [RunLogOperation] {
        var all: [RunLogOperation] = []
        for try await batch in runnable.astreamLog(input, config: config, filter: filter, now: now) {
            #expect(!batch.isEmpty)
            all += batch
        }
        return all
    }

    private func document(_ operations: [RunLogOperation]) throws -> RunValue {
        var document = RunValue.null
        for operation in operations { try document.apply(operation) }
        return document
    }

    @Test("LS-86 all changes applied give the output of invoke")
    func finalOutput() async throws {
        let length = RunnableLambda(name: "len") { (message: Message) in
            Value.object(["n": .integer(message.content.text.count)])
        }
        let chain =
            RunnableLambda(name: "P") { (text: String) in ChatPrompt(text) } | ScriptedModel("hi", " you") | length
        let document = try document(try await operations(chain, "x"))
        #expect(document["final_output"] == .value(try await chain.ainvoke("x")))
        #expect(document["final_output"] == ["n": 6])
        #expect(document["streamed_output"] == [["n": 6]])
        let entry = try #require(document["logs"]?["len"])
        #expect(entry["final_output"] == ["n": 6] && entry["tags"] == ["seq:step:3"] && entry["type"] == "chain")
    }

    @Test("LS-86 an output in pieces grows: text is replaced, objects change key by key, lists at their end")
    func growingOutput() async throws {
        func changes(_ pieces: [RunValue]) async throws -> [String] {
            let runnable = ScriptedStream { _ in .elements(pieces) }
            let all = try await operations(runnable, 1)
            #expect(try document(all)["streamed_output"] == RunValue(pieces))
            return all.filter { $0.path.hasPrefix("/final_output") }.map {
                "\($0.kind) \($0.path.dropFirst("/final_output".count)) \($0.value.json.jsonText)"
            }
        }
        #expect(try await changes(["a", "", "b"]) == ["replace  \"a\"", "replace  \"ab\""])
        #expect(
            try await changes([["b": "x"], ["a/~": 1], ["b": "y"]])
                == ["replace  {\"b\":\"x\"}", "add /a~1~0 1", "replace /b \"xy\""]
        )
        #expect(try await changes([[1], [2, 3]]) == ["replace  [1]", "add /- 2", "add /- 3"])
        #expect(try await changes([true, false]) == ["replace  true", "replace  false"])
        #expect(try await changes([nil, 1]) == ["replace  1"])
    }

    @Test("LS-86 the changes of a long output are not told with every piece, and the document has all of it in the end")
    func longOutput() async throws {
        let word = String(repeating: "x", count: 9) + " "
        for piece in [RunValue.string(word), ["a": .string(word)]] {
            let pieces = Array(repeating: piece, count: 1500)
            let all = try await operations(ScriptedStream { _ in .elements(pieces) }, 1)
            let lengths = all.filter { $0.path.hasPrefix("/final_output") }
                .map { ($0.value["a"] ?? $0.value).json.string?.utf8.count ?? 0 }
            // The first 8 KiB come as on LangServe.
            #expect(lengths.prefix(800) == (1...800).map { $0 * 10 }[...])
            // Told with every piece it would be 11 MB.
            #expect(lengths.reduce(0, +) < 6_000_000)
            #expect(lengths.last == 15_000)
            let document = try document(all)
            let output = document["final_output"]
            #expect((output?["a"] ?? output) == .string(String(repeating: word, count: 1500)))
            #expect(document["streamed_output"] == RunValue(pieces))
        }
    }

    @Test("LS-87 the root comes first and whole, whatever the filter says")
    func root() async throws {
        let config = RunConfig(runID: RunID("8637aaa0-0000-4000-8000-000000000000"), runName: "/chain")
        let lambda = RunnableLambda(name: "a") { (x: Int) in x }
        let all = try await operations(
            lambda | lambda,
            1,
            config: config,
            filter: RunEventFilter(includeNames: [])
        )
        #expect(
            all.first
                == RunLogOperation(
                    .replace,
                    "",
                    [
                        "id": "8637aaa0-0000-4000-8000-000000000000", "streamed_output": [], "final_output": nil,
                        "logs": [:], "name": "/chain", "type": "chain",
                    ]
                )
        )
        #expect(all.dropFirst().map(\.path) == ["/streamed_output/-", "/final_output"])
    }

    @Test("LS-88 a name that comes again gets a number")
    func duplicates() async throws {
        let lambda = RunnableLambda { (x: Int) in x + 1 }
        let document = try document(try await operations(lambda | lambda | lambda, 1))
        #expect(
            document["logs"]?.members?.all.map(\.key)
                == ["RunnableLambda", "RunnableLambda:2", "RunnableLambda:3"]
        )
        #expect(document["logs"]?["RunnableLambda:2"]?["final_output"] == ["output": 3])
        #expect(document["logs"]?["RunnableLambda:2"]?["end_time"] == "2026-11-22T12:46:10.203+00:00")
    }

    @Test("a chat model is an llm here, with its pieces as text too and an LLMResult at its end")
    func model() async throws {
        let chain = RunnableLambda(name: "a/b") { (text: String) in ChatPrompt(text) } | ScriptedModel("hi", " you")
        let all = try await operations(chain, "x", filter: RunEventFilter(excludeTypes: ["chat_model"]))
        let document = try document(all)
        #expect(document["logs"]?["a/b"] != nil)
        let entry = try #require(document["logs"]?["Words"])
        #expect(entry["type"] == "llm" && entry["streamed_output_str"] == ["hi", " you"])
        #expect(entry["start_time"] == "2026-11-22T12:46:10.203+00:00")
        let sum = RunValue.chunk(MessageChunk(text: "hi you"))
        let generation: RunValue = [
            "text": "hi you", "generation_info": nil, "type": "ChatGenerationChunk", "message": sum,
        ]
        #expect(
            entry["final_output"]
                == .init([
                    "generations": .list([.list([generation])]), "llm_output": nil, "run": nil, "type": "LLMResult",
                ])
        )
        #expect(document["final_output"] == sum)
    }

    @Test("a failed run below ends without an output, and the failure is thrown")
    func failure() async throws {
        let failing = RunnableLambda(name: "f") { (_: Int) -> Int in throw TestError(1) }
        let ok = RunnableLambda(name: "g") { (x: Int) in x }
        let (batches, error) = await outcome((ok | failing).astreamLog(1, config: RunConfig(), now: now))
        #expect(error as? TestError == TestError(1))
        let entry = try document(batches.flatMap { $0 })["logs"]?["f"]
        #expect(entry?["final_output"] == .null && entry?["end_time"] == "2026-11-22T12:46:10.203+00:00")
    }

    @Test(
        "times are ISO 8601 with milliseconds, also around leap days and before the epoch",
        arguments: [
            (0, "1970-01-01T00:00:00.000+00:00"), (951_782_399_999, "2000-02-28T23:59:59.999+00:00"),
            (951_782_400_000, "2000-02-29T00:00:00.000+00:00"), (951_868_800_000, "2000-03-01T00:00:00.000+00:00"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000+00:00"), (1_735_689_599_000, "2024-12-31T23:59:59.000+00:00"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000+00:00"), (4_107_542_400_000, "2100-03-01T00:00:00.000+00:00"),
            (-1, "1969-12-31T23:59:59.999+00:00"),
        ]
    )
    func times(_ milliseconds: Int, _ text: String) async throws {
        let lambda = RunnableLambda(name: "a") { (x: Int) in x }
        let time: @Sendable () -> Duration = { .milliseconds(milliseconds) }
        let (batches, _) = await outcome((lambda | lambda).astreamLog(1, config: RunConfig(), now: time))
        #expect(batches.count > 1 && batches[1][0].value["start_time"] == .string(text))
    }
}

private struct PatchError: Error {}

extension RunValue {
    /// As JSON; nothing else is expected.
    fileprivate var json: JSONValue {
        if case .value(let value) = self { value } else { .null }
    }

    /// As much of RFC 6902 as run logs use.
    fileprivate mutating func apply(_ operation: RunLogOperation) throws {
        let parts = operation.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
            String($0).replacing("~1", with: "/").replacing("~0", with: "~")
        }
        self = try changed(operation.kind, parts[...], operation.value)
    }

    private func changed(
        _ kind: RunLogOperation.Kind,
        _ path: ArraySlice<String>,
        _ value: RunValue
    ) throws -> RunValue {
        guard let key = path.first else { return value }
        if var members {
            if path.count == 1 {
                if kind == .replace, members[key] == nil { throw PatchError() }
                members[key] = value
            } else {
                guard let member = members[key] else { throw PatchError() }
                members[key] = try member.changed(kind, path.dropFirst(), value)
            }
            return RunValue(members)
        }
        guard let elements, kind == .add, path == ["-"] else { throw PatchError() }
        return RunValue(elements + [value])
    }
}
