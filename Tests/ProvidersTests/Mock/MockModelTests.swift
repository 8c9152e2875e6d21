import EventLoop
import Providers
import Runnable
import Testing

@Suite(.timeLimit(.minutes(1)))
struct MockModelTests {
    let loop: EventLoop

    init() throws {
        loop = try EventLoop(name: "model")
        try loop.start()
    }

    private func model(_ script: String) throws -> MockModel {
        MockModel(loop: loop, script: try MockScript(script), name: "mock-1")
    }

    @Test("an answer has text, metadata and usage")
    func invoke() async throws {
        let message = try await model("tokens=3").ainvoke(ChatPrompt("Hi there you"), config: RunConfig())
        #expect(message.content == .text("the river keeps"))
        #expect(message.responseMetadata == ["finish_reason": "stop", "model_name": "mock-1"])
        #expect(message.usage == UsageMetadata(inputTokens: 3, outputTokens: 3))
        loop.stop()
    }

    @Test(
        "a stream's chunks add up to the answer, the last one is marked",
        arguments: [
            "tokens=3", "reply=echo", "tokens=0", "tool=f", "tokens=2,usage=none", "tokens=5,interval=1ms,ttft=1ms",
        ]
    )
    func stream(script: String) async throws {
        let model = try model(script)
        let prompt = ChatPrompt(messages: [.system("Be brief."), .human("Say it again"), .ai("Yes?")])
        var chunks: [MessageChunk] = []
        for try await chunk in model.astream(prompt, config: RunConfig()) { chunks.append(chunk) }
        #expect(chunks.dropLast().allSatisfy { !$0.isLast })
        #expect(chunks.last?.isLast == true)
        let whole = try await model.ainvoke(prompt, config: RunConfig())
        #expect(try await Message(adding: .elements(chunks)) == whole)
        loop.stop()
    }

    @Test("an echo is the last user message's")
    func echo() async throws {
        let prompt = ChatPrompt(messages: [.human("one"), .human("two words"), .ai("three")])
        #expect(try await model("reply=echo").ainvoke(prompt, config: RunConfig()).content.text == "two words")
        loop.stop()
    }

    @Test("statuses become errors, in turn, for whole answers and streams alike")
    func statuses() async throws {
        let model = try model("status=429*1,503*1,400*1,retry-after=7,tokens=1")
        let limited = try await failure { _ = try await model.ainvoke(ChatPrompt("x"), config: RunConfig()) }
        #expect(limited.code == .upstreamRate)
        #expect(limited.retryAfter == .seconds(7))
        #expect(limited.upstreamStatus == 429)
        let busy = try await failure { for try await _ in model.astream(ChatPrompt("x"), config: RunConfig()) {} }
        #expect(busy.code == .upstreamOverload)
        let invalid = try await failure { _ = try await model.ainvoke(ChatPrompt("x"), config: RunConfig()) }
        #expect(invalid.code == .callerInvalid)
        #expect(invalid.status == 400)
        #expect(try await model.ainvoke(ChatPrompt("x"), config: RunConfig()).content.text == "the")
        loop.stop()
    }

    @Test("models of several loops may count together")
    func sharedCounter() async throws {
        let counter = MockCounter()
        let script = try MockScript("status=500*1")
        let first = MockModel(loop: loop, script: script, counter: counter)
        let second = MockModel(loop: loop, script: script, counter: counter)
        await #expect(throws: RunError.self) { try await first.ainvoke(ChatPrompt("x"), config: RunConfig()) }
        _ = try await second.ainvoke(ChatPrompt("x"), config: RunConfig())
        loop.stop()
    }

    @Test(
        "faults that a model without a wire can have",
        arguments: [
            ("truncate=2t", 2, RunError.Code.truncated), ("reset=0t", 0, .truncated),
            ("error-after=1", 1, .upstream5xx),
            ("truncate=head", 0, .upstreamConnect),
        ]
    )
    func faults(script: String, chunks: Int, code: RunError.Code) async throws {
        let model = try model("tokens=4,\(script)")
        var count = 0
        let error = try await failure {
            for try await _ in model.astream(ChatPrompt("x"), config: RunConfig()) { count += 1 }
        }
        #expect(count == chunks)
        #expect(error.code == code)
        #expect(try await failure { _ = try await model.ainvoke(ChatPrompt("x"), config: RunConfig()) }.code == code)
        loop.stop()
    }

    @Test("broken arguments make an invalid tool call")
    func brokenArguments() async throws {
        let message = try await model(#"tool=f,tool-arguments={"a":"#).ainvoke(ChatPrompt("x"), config: RunConfig())
        #expect(message.toolCalls.isEmpty)
        #expect(message.invalidToolCalls.map(\.arguments) == [#"{"a":"#])
        #expect(message.responseMetadata["finish_reason"] == "tool_calls")
        loop.stop()
    }

    @Test(
        "cancelling ends every wait",
        arguments: ["latency=86400s", "ttft=86400s", "stall=head", "stall=1", "interval=86400s"]
    )
    func cancellation(script: String) async throws {
        let model = try model(script)
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        let task = Task(executorPreference: loop) {
            start.finish()
            for try await _ in model.astream(ChatPrompt("x"), config: RunConfig()) {}
        }
        for await _ in started {}
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        loop.stop()
    }

    @Test(
        "the deadline ends every wait",
        arguments: ["latency=86400s", "ttft=86400s", "stall=head", "stall=1", "interval=86400s"]
    )
    func deadline(script: String) async throws {
        let model = try model(script)
        let config = RunConfig(deadline: .now + .milliseconds(5))
        #expect(
            try await failure { _ = try await model.ainvoke(ChatPrompt("x"), config: config) }.code == .timeoutTotal
        )
        let late = RunConfig(deadline: .now - .seconds(1))
        #expect(try await failure { _ = try await model.ainvoke(ChatPrompt("x"), config: late) }.code == .timeoutTotal)
        loop.stop()
    }

    private func failure(_ body: () async throws -> Void) async throws -> RunError {
        do {
            try await body()
        } catch let error as RunError {
            return error
        }
        throw Missing()
    }

    private struct Missing: Error {}
}
