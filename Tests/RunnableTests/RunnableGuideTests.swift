import Runnable
import Testing

/// The code of `docs/runnable.md`, as it stands there.
@Suite(.timeLimit(.minutes(1)))
struct RunnableGuideTests {
    private let model = AnswerModel(["It", " flows", " slowly", "."])
    private let input: RunValue = ["language": "French", "question": "Where is the river?"]

    private func makeChain() throws -> RunnableSequence<RunValue, RunValue, String, String> {
        let prompt = try ChatPromptTemplate(messages: [
            (role: "system", template: "Answer in {language}."), (role: "human", template: "{question}"),
        ])
        let chain = prompt | model | StringOutputParser()
        return chain
    }

    @Test("a chain is called")
    func calling() async throws {
        let chain = try makeChain()
        let answer = try await chain.ainvoke(["language": "French", "question": "Where is the river?"])
        #expect(answer == "It flows slowly.")
    }

    @Test("a chain streams, and is stopped")
    func streaming() async throws {
        let chain = try makeChain()
        var text = ""
        for try await piece in chain.astream(input) {
            text += piece
            if text.count > 10 { break }  // drops the iterator, which ends the model's call
        }
        #expect(text == "It flows slowly")
    }

    @Test("limits go with the config")
    func limits() async throws {
        let chain = try makeChain()
        let config = RunConfig(tags: ["nightly"], deadline: .now - .seconds(30))
        await #expect(throws: RunError.self) { try await (chain | WordCount()).ainvoke(input, config: config) }
    }

    struct WordCount: Runnable {
        func invoke(_ input: String, config: RunConfig) throws -> Int { input.split(separator: " ").count }
    }

    struct Backwards: AsyncRunnable {
        func ainvoke(_ input: String, config: RunConfig) async throws -> String { String(input.reversed()) }
    }

    @Test("types and functions of one's own are steps")
    func ownTypes() async throws {
        let chain = try makeChain()
        let count = try await (chain | WordCount()).ainvoke(input)
        let loud = try await (chain | Backwards() | { (text: String) in text.uppercased() }).ainvoke(input)
        #expect(count == 3 && loud == ".YLWOLS SWOLF TI")
    }

    @Test("blocking methods are for threads that may block")
    func blocking() async throws {
        let chain = try makeChain()
        let input = input
        let (answer, pieces) = try await onThread {
            let answer = try chain.invoke(input)
            var pieces: [String] = []
            try chain.stream(input).forEach { piece in pieces.append(piece) }
            return (answer, pieces)
        }
        #expect(answer == "It flows slowly." && pieces.joined() == answer)
    }

    @Test("batches keep the order of their inputs, or tell as they complete")
    func batches() async throws {
        let chain = try makeChain()
        let inputs: [RunValue] = [input, "no object", input]
        let four = BatchConfig.shared(RunConfig(maxConcurrency: 4))
        let results = try await chain.abatchResults(inputs, configs: four)
        var done: Set<Int> = []
        try await chain.abatchAsCompleted(inputs, configs: four, returnExceptions: true) { item in
            done.insert(item.index)
        }
        #expect(results.map { (try? $0.get()) != nil } == [true, false, true] && done == [0, 1, 2])
        await #expect(throws: RunError.self) { try await chain.abatch(inputs, configs: four) }
    }

    @Test("JSON streams as far as it is known")
    func json() async throws {
        let prompt = try ChatPromptTemplate("Describe {what} as JSON")
        let model = AnswerModel([#"{"name": "El"#, #"be", "km": 10"#, "94}"])
        var shown: [String] = []
        for try await known in (prompt | model | JSONOutputParser()).astream("the Elbe") {
            shown.append(known.value.jsonText)
        }
        #expect(shown == [#"{"name":"El"}"#, #"{"name":"Elbe","km":10}"#, #"{"name":"Elbe","km":1094}"#])
    }

    @Test("runnables side by side, one of several, and picked keys")
    func composing() async throws {
        let chain = try makeChain()
        let both = RunnableParallel(("answer", chain), ("words", chain | WordCount()))
        #expect(try await both.ainvoke(input) == ["answer": "It flows slowly.", "words": 3])
        let words = both | RunnablePick("words")
        #expect(try await words.ainvoke(input) == 3)
        let isFrench = { @Sendable (input: RunValue) in input["language"] == "French" }
        let branch = RunnableBranch(.when(isFrench, chain), default: chain | Backwards())
        #expect(try await branch.ainvoke(input) == "It flows slowly.")
    }

    @Test("what happens in a run can be watched")
    func events() async throws {
        let chain = try makeChain()
        var models: [String] = []
        let filter = RunEventFilter(includeTypes: ["chat_model"])
        for try await event in chain.astreamEvents(input, config: RunConfig(), filter: filter) {
            models.append(StreamEvent(event)?.event ?? "")
        }
        #expect(models.first == "on_chat_model_start" && models.last == "on_chat_model_end" && models.count == 6)
    }
}
