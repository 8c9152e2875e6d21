import Runnable
import Testing
import WorkerPool

@Suite(.timeLimit(.minutes(1)))
struct EventStreamTests {
    private let increment = RunnableLambda(name: "L1") { (input: Int) in input + 1 }
    private let double = RunnableLambda(name: "L2") { (input: Int) in 2 * input }
    private let named = RunConfig(runName: "R")

    private func lines(_ events: [RunEvent]) -> [String] {
        let log = EventLog()
        for event in events { log.observe(event) }
        return log.lines
    }

    @Test("LS-138 a sequence's events are delivered in the order of langserve-protocol.md 4.4")
    func order() async throws {
        let (events, error) = await outcome((increment | double).astreamEvents(1, config: named))
        #expect(error == nil)
        #expect(
            lines(events) == [
                "R start 1", "L1 start", "L1 stream 2", "L2 start", "L1 end 2 of 1", "L2 stream 4", "R stream 4",
                "L2 end 4 of 2", "R end 4 of 1",
            ]
        )
    }

    @Test("LS-138 custom events are delivered where they happen")
    func customEvents() async throws {
        let reporting = AsyncRunnableLambda(name: "F") { (input: Int, config: RunConfig) in
            config.report("progress", ["done": 1])
            return input
        }
        let (events, _) = await outcome(reporting.astreamEvents(1, config: RunConfig()))
        #expect(lines(events) == ["F start 1", "custom progress {\"done\":1}", "F stream 1", "F end 1 of 1"])
        let custom = try #require(StreamEvent(events[1]))
        #expect(custom.event == "on_custom_event" && custom.name == "progress" && custom.data == ["done": 1])
    }

    @Test("LS-89 LS-90 the root begins first and ends last, and every start has its end")
    func pairs() async throws {
        let chain = RunnableLambda(name: "P") { (text: String) in ChatPrompt(text) } | ScriptedModel("a", "b")
        let (events, _) = await outcome(chain.astreamEvents("x", config: named))
        let shown = events.compactMap { StreamEvent($0) }
        #expect(shown.first?.event == "on_chain_start" && shown.first?.data == ["input": "x"])
        #expect(shown.last?.event == "on_chain_end" && shown.last?.name == "R")
        #expect(shown.last?.data["input"] == nil && shown.last?.data["output"] != nil)
        let root = try #require(shown.first?.runID)
        for event in shown where event.event.hasSuffix("_start") {
            let ends = shown.filter { $0.runID == event.runID && $0.event.hasSuffix("_end") }
            #expect(ends.count == 1)
            #expect(event.parentIDs == (event.runID == root ? [] : [root]))
        }
    }

    @Test("a model inside a function is heard while the function has nothing to show yet")
    func eventsAsTheyHappen() async throws {
        let gate = Gate()
        let model = ScriptedModel { _ in
            pulled { place in
                if place == 1 { await gate.wait() }
                return place < 2 ? MessageChunk(text: place == 0 ? "a" : "b") : nil
            }
        }
        let function = AsyncRunnableLambda(name: "F") { (text: String) in
            try await model.erased.ainvoke(ChatPrompt(text)).content.text
        }
        var seen: [RunEvent] = []
        for try await event in function.astreamEvents("x", config: RunConfig()) {
            seen.append(event)
            if lines([event]) == ["Words stream +a"] { gate.open() }
        }
        #expect(
            lines(seen) == [
                "F start \"x\"", "Words start x", "Words stream +a", "Words stream +b", "Words end +ab of x",
                "F stream \"ab\"", "F end \"ab\" of \"x\"",
            ]
        )
        #expect(seen[1].parentIDs == [seen[0].runID])
    }

    @Test("LS-93 LS-95 under a filter a model's start keeps its own input, a list of lists of messages")
    func filtered() async throws {
        let chain = RunnableLambda(name: "P") { (text: String) in ChatPrompt(text) } | ScriptedModel("a")
        let filter = RunEventFilter(includeTypes: ["chat_model"])
        let (events, _) = await outcome(chain.astreamEvents("x", config: named, filter: filter))
        let shown = events.compactMap { StreamEvent($0) }
        #expect(shown.map(\.event) == ["on_chat_model_start", "on_chat_model_stream", "on_chat_model_end"])
        let messages: RunValue = ["messages": .list([.list([.message(.human("x"))])])]
        #expect(shown[2].data["input"] == messages)
        let alone = await outcome(ScriptedModel("a").astreamEvents(ChatPrompt("x"), config: RunConfig()))
        #expect(alone.elements.first.flatMap { StreamEvent($0) }?.data == ["input": messages])
    }

    @Test("LS-94 a failing tool is told of, then the error is thrown")
    func failingTool() async throws {
        let tool = AsyncRunnableLambda(name: "F") { (input: Int, config: RunConfig) -> Int in
            try RunScope("T", .tool, config.child()).run(input) { _ in throw RunError(.upstreamRate, "slow down") }
        }
        let (events, error) = await outcome(tool.astreamEvents(1, config: RunConfig()))
        #expect((error as? RunError)?.code == .upstreamRate)
        let shown = events.compactMap { StreamEvent($0, toolInput: 1) }
        #expect(shown.map(\.event) == ["on_chain_start", "on_tool_start", "on_tool_error"])
        #expect(
            shown[2].data == [
                "error": ["status_code": 429, "message": "slow down"], "input": 1, "tool_call_id": nil,
            ]
        )
    }

    @Test("a slow reader makes the run wait, with little unread")
    func backpressure() async throws {
        let executor = CountingExecutor(isPreferred: true)
        let made = Locked(0)
        let runnable = ScriptedStream { _ in
            pulled { place in
                made.withLock { $0 += 1 }
                return place < 500 ? place : nil
            }
        }
        let worst = try await withTaskExecutorPreference(executor) {
            var read = 0
            var worst = 0
            for try await _ in runnable.astreamEvents(1, config: RunConfig()) {
                read += 1
                worst = max(worst, made.withLock { $0 } - read)
            }
            #expect(read == 502)
            return worst
        }
        #expect(worst <= 32)
    }

    @Test("the run prefers the executor of the task that iterates")
    func runsOnReadersExecutor() async throws {
        let executor = CountingExecutor(isPreferred: true)
        let lambda = AsyncRunnableLambda(name: "F") { (_: Int) in executor.isCurrent }
        let events = await withTaskExecutorPreference(executor) {
            await outcome(lambda.astreamEvents(1, config: RunConfig())).elements
        }
        #expect(lines(events).contains("F stream true"))
    }

    @Test("LS-117 dropping the iteration cancels the run")
    func dropping() async throws {
        let cancelled = Gate()
        let waiting = AsyncRunnableLambda(name: "F") { (input: Int) -> Int in
            defer { cancelled.open() }
            try await Gate.waitForCancellation()
            return input
        }
        var events: RunStream<RunEvent>.Iterator? = waiting.astreamEvents(1, config: RunConfig()).makeAsyncIterator()
        #expect(try await events?.next() != nil)
        events = nil
        await cancelled.wait()
    }

    @Test("LS-140 cancelling the task that iterates cancels the run and waits for its end")
    func cancelling() async throws {
        let begun = Gate()
        let ended = Locked(false)
        let waiting = AsyncRunnableLambda(name: "F") { (input: Int) -> Int in
            defer { ended.withLock { $0 = true } }
            begun.open()
            try await Gate.waitForCancellation()
            return input
        }
        let task = Task {
            let result = await outcome(waiting.astreamEvents(1, config: RunConfig()))
            return (result.error is CancellationError, ended.withLock { $0 })
        }
        await begun.wait()
        task.cancel()
        let (isCancelled, hasEnded) = await task.value
        #expect(isCancelled && hasEnded)
    }

    @Test("LS-140 a cancelled run that waits for its reader ends")
    func cancellingWhileFull() async throws {
        let endless = ScriptedStream { _ in pulled { $0 } }
        let hasRead = Gate()
        let task = Task {
            var events = endless.astreamEvents(1, config: RunConfig()).makeAsyncIterator()
            _ = try await events.next()
            hasRead.open()
            try? await Gate.waitForCancellation()
            while try await events.next() != nil {}
        }
        await hasRead.wait()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
