import Runnable
import Testing

struct StreamEventTests {
    private let root = RunID(high: 1, low: 1)

    private func event(
        _ phase: RunEvent.Phase,
        _ kind: RunKind,
        isRoot: Bool = false,
        metadata: Value.Object = [:]
    ) async -> StreamEvent? {
        let log = EventLog()
        var config = RunConfig(runID: root, metadata: metadata).observed(by: log)
        if !isRoot { config = config.child() }
        let scope = RunScope("n", kind, config)
        switch phase {
        case .start(let input): scope.start(input)
        case .stream(let chunk): scope.stream(chunk)
        case .end(let output, let input): scope.end(output, input: input)
        case .error(let error): scope.fail(error)
        case .custom(let name, let data): config.report(name, data)
        }
        return log.all.first.flatMap { StreamEvent($0) }
    }

    @Test("names are made of kind and phase", arguments: RunKind.allCases)
    func names(_ kind: RunKind) async {
        #expect(await event(.start(input: 1), kind)?.event == "on_\(kind.rawValue)_start")
        #expect(await event(.end(output: 1, input: 1), kind)?.event == "on_\(kind.rawValue)_end")
        let isStreamed = ![RunKind.prompt, .tool, .retriever].contains(kind)
        #expect(await event(.stream(chunk: 1), kind)?.event == (isStreamed ? "on_\(kind.rawValue)_stream" : nil))
        #expect((await event(.error(TestError(1)), kind) != nil) == (kind == .tool))
    }

    @Test("start says the input if it is known, the end of the root does not repeat it")
    func chainData() async {
        #expect(await event(.start(input: nil), .chain)?.data == [:])
        #expect(await event(.start(input: 1), .chain)?.data == ["input": 1])
        #expect(await event(.start(input: ["v": 1]), .prompt)?.data == ["input": ["v": 1]])
        #expect(await event(.end(output: 2, input: 1), .chain)?.data == ["output": 2, "input": 1])
        #expect(await event(.end(output: 2, input: 1), .chain, isRoot: true)?.data == ["output": 2])
        #expect(await event(.end(output: nil, input: nil), .chain)?.data == ["output": nil])
        #expect(await event(.start(input: "q"), .retriever)?.data == ["input": ["query": "q"]])
    }

    @Test("a text model shows prompts and generations")
    func textModel() async {
        let generation: RunValue = ["text": "t", "generation_info": nil, "type": "Generation"]
        #expect(await event(.start(input: "p"), .llm)?.data == ["input": ["prompts": ["p"]]])
        #expect(await event(.stream(chunk: "t"), .llm)?.data == ["chunk": generation])
        #expect(await event(.stream(chunk: "t"), .llm, isRoot: true)?.data == ["chunk": "t"])
        let output: RunValue = ["generations": [[generation]], "llm_output": nil]
        #expect(await event(.end(output: "t", input: "p"), .llm, isRoot: true)?.data == ["output": output])
    }

    @Test("LS-80 metadata keys that begin with two underscores stay here")
    func hiddenMetadata() async {
        let shown = await event(.start(input: nil), .chain, metadata: ["__secret": 1, "_a": 2, "b": 3])
        #expect(shown?.metadata == ["_a": 2, "b": 3])
    }

    @Test("LS-94 a tool's failure says nothing of an error that is not for callers")
    func toolFailure() async {
        let error: RunValue = ["status_code": 500, "message": "Internal error."]
        #expect(await event(.error(TestError(1)), .tool)?.data == ["error": error, "tool_call_id": nil])
    }
}
