import Runnable
import Testing
import WorkerPool

@Suite(.timeLimit(.minutes(1)))
struct RunnableCachedTests {
    /// Says which call it was.
    private func counting(_ counts: CallCounts) -> AsyncRunnableLambda<String, String> {
        AsyncRunnableLambda { (_: String) in "r\(counts.note(0))" }
    }

    private func cache<Output>(_ size: Int = 100) throws -> InMemoryRunCache<Output> {
        try InMemoryRunCache(maximumSize: size)
    }

    @Test("LS-131 what was asked before is not asked again, unless stop words or other parameters differ")
    func keys() async throws {
        let counts = CallCounts()
        let kept: InMemoryRunCache<String> = try cache()
        let runnable = counting(counts).cached(in: kept)
        #expect(try await runnable.ainvoke("a") == "r1")
        #expect(try await runnable.ainvoke("a") == "r1")
        #expect(try await runnable.ainvoke("b") == "r2")
        let stop = RunConfig(configurable: ["stop": ["x"]])
        #expect(try await runnable.ainvoke("a", config: stop) == "r3")
        #expect(try await runnable.ainvoke("a", config: stop) == "r3")
        let warmer = counting(counts).cached(in: kept, parameters: ["temperature": 1])
        #expect(try await warmer.ainvoke("a") == "r4")
        let other = counting(counts).cached(in: kept, as: "other")
        #expect(try await other.ainvoke("a") == "r5")
        #expect(try await onThread { try runnable.invoke("a") } == "r1")
    }

    @Test("LS-131 ids of messages do not count, all else of them does")
    func prompts() async throws {
        let counts = CallCounts()
        let model = ScriptedModel { _ in
            var chunk = MessageChunk(text: "r\(counts.note(0))", id: "answer")
            chunk.usage = UsageMetadata(inputTokens: 1, outputTokens: 2)
            return .elements([chunk])
        }
        let cached = model.cached(in: try cache())
        var message = Message.human("q")
        let first = try await cached.ainvoke(ChatPrompt(messages: [message]))
        message.id = "1"
        #expect(try await cached.ainvoke(ChatPrompt(messages: [message])) == first)
        #expect(first.id == "answer" && first.usage?.totalTokens == 3)
        message.name = "n"
        #expect(try await cached.ainvoke(ChatPrompt(messages: [message])).content.text == "r2")
        message.role = .system
        #expect(try await cached.ainvoke(ChatPrompt(messages: [message])).content.text == "r3")
    }

    @Test("LS-131 streams go past the cache, but for a runnable that does not really stream")
    func streams() async throws {
        let counts = CallCounts()
        let runnable = counting(counts).cached(in: try cache())
        #expect(try await runnable.ainvoke("a") == "r1")
        #expect(await outcome(runnable.astream("a")).elements == ["r2"])
        #expect(await outcome(runnable.atransform(.elements(["a"]))).elements == ["r3"])
        #expect(try await runnable.ainvoke("a") == "r1")
        let whole = counting(counts).cached(in: try cache(), streams: .whole)
        #expect(await outcome(whole.astream("a")).elements == ["r4"])
        #expect(await outcome(whole.astream("a")).elements == ["r4"])
        #expect(await outcome(whole.atransform(.elements(["a"]))).elements == ["r4"])
        let model = ScriptedModel("a", "b").cached(in: try cache(), streams: .whole)
        let pieces = await outcome(model.astream(ChatPrompt("x"))).elements
        #expect(pieces.map(\.content.text) == ["ab"] && pieces.map(\.isLast) == [true])
    }

    @Test("LS-131 what was stored first goes first, used or not")
    func eviction() async throws {
        let counts = CallCounts()
        let kept: InMemoryRunCache<String> = try cache(2)
        let runnable = counting(counts).cached(in: kept)
        for input in ["a", "b", "a", "c"] { _ = try await runnable.ainvoke(input) }
        #expect(kept.count == 2)
        #expect(try await runnable.ainvoke("b") == "r2")
        #expect(try await runnable.ainvoke("a") == "r4")
        #expect(throws: RunError.self) { try InMemoryRunCache<Int>(maximumSize: 0) }
    }

    @Test("no more bytes are kept than allowed")
    func bytes() async throws {
        let kept = try InMemoryRunCache<String>(maximumSize: 1000, maximumBytes: 10) { $1.utf8.count }
        func store(_ text: String, _ key: String) async {
            await kept.store(text, for: RunCacheKey(key, runnable: ""))
        }
        func keys() async -> [String] {
            var there: [String] = []
            for key in ["a", "b", "c", "d"] where await kept.output(for: RunCacheKey(key, runnable: "")) != nil {
                there.append(key)
            }
            return there
        }
        await store("1234", "a")
        await store("1234", "b")
        #expect(await keys() == ["a", "b"])
        await store("12345678901", "c")
        #expect(await keys() == ["a", "b"])
        await store("123", "c")
        #expect(await keys() == ["b", "c"])
        await store("1234567890", "d")
        #expect(await keys() == ["d"])
        for number in 0..<1000 { await store("1", "\(number)") }
        #expect(kept.count == 10)
        #expect(RunCacheSize.of(ChatPrompt(String(repeating: "x", count: 1000))) > 1000)
    }

    @Test("errors are not kept")
    func errors() async throws {
        let counts = CallCounts()
        let flaky = AsyncRunnableLambda { (_: Int) in
            if counts.note(0) == 1 { throw TestError(1) }
            return 1
        }
        let cached = flaky.cached(in: try cache())
        await #expect(throws: TestError(1)) { try await cached.ainvoke(0) }
        #expect(try await cached.ainvoke(0) == 1)
    }

    /// A runnable that waits at a gate, with as many calls of its cached form waiting for the one in progress.
    private struct Shared {
        let gate = Gate()
        let counts = CallCounts()
        let isCancelled = Gate()
        let cached: RunnableCached<AsyncRunnableLambda<Int, Int>>

        init() throws {
            let (gate, counts, isCancelled) = (gate, counts, isCancelled)
            let waiting = AsyncRunnableLambda { (_: Int) -> Int in
                let number = counts.note(0)
                try await withTaskCancellationHandler {
                    await gate.wait()
                    try Task.checkCancellation()
                } onCancel: {
                    isCancelled.open()
                    gate.open()
                }
                return number
            }
            cached = waiting.cached(in: try InMemoryRunCache(maximumSize: 10))
        }

        func begin(_ count: Int, _ config: RunConfig = RunConfig()) async -> [Task<Int, any Error>] {
            let there = cached.sharing(0, config: config)
            let tasks = (0..<count).map { _ in Task { try await cached.ainvoke(0, config: config) } }
            while cached.sharing(0, config: config) < there + count { await Task.yield() }
            return tasks
        }
    }

    @Test("LS-132 calls that are the same at the same time make one")
    func singleFlight() async throws {
        let shared = try Shared()
        let tasks = await shared.begin(5)
        shared.gate.open()
        for task in tasks { #expect(try await task.value == 1) }
        #expect(shared.counts.all == [0: 1])
    }

    @Test("LS-132 cancelling one that waits does not disturb the others, not even the one that began")
    func cancellingOne() async throws {
        let shared = try Shared()
        let tasks = await shared.begin(3)
        for cancelled in [0, 2] {
            tasks[cancelled].cancel()
            await #expect(throws: CancellationError.self) { try await tasks[cancelled].value }
        }
        shared.gate.open()
        #expect(try await tasks[1].value == 1)
        #expect(shared.counts.all == [0: 1])
    }

    @Test("LS-132 cancelling all cancels the call")
    func cancellingAll() async throws {
        let shared = try Shared()
        let tasks = await shared.begin(3)
        for task in tasks { task.cancel() }
        for task in tasks { await #expect(throws: CancellationError.self) { try await task.value } }
        await shared.isCancelled.wait()
    }

    @Test("LS-132 a failure is everybody's, and is not kept")
    func sharedFailure() async throws {
        let (gate, counts) = (Gate(), CallCounts())
        let broken = AsyncRunnableLambda { (_: Int) -> Int in
            await gate.wait()
            throw TestError(counts.note(0))
        }
        let cached = broken.cached(in: try cache())
        let tasks = (0..<3).map { _ in Task { try await cached.ainvoke(0) } }
        while cached.sharing(0, config: RunConfig()) < 3 { await Task.yield() }
        gate.open()
        for task in tasks { await #expect(throws: TestError(1)) { try await task.value } }
        await #expect(throws: TestError(2)) { try await cached.ainvoke(0) }
    }

    @Test("who has less time does not wait for who has more, who has more outlives who had less")
    func deadlines() async throws {
        let (gate, counts) = (Gate(), CallCounts())
        let limited = AsyncRunnableLambda { (_: Int, config: RunConfig) -> Bool in
            if counts.note(0) == 1 {
                await gate.wait()
                throw RunError(.timeoutTotal)
            }
            return config.deadline == nil
        }
        let cached = limited.cached(in: try cache())
        let near = RunConfig(deadline: .now + .seconds(3600))
        let first = Task { try await cached.ainvoke(0, config: near) }
        while cached.sharing(0, config: near) < 1 { await Task.yield() }
        let second = Task { try await cached.ainvoke(0) }
        while cached.sharing(0, config: near) < 2 { await Task.yield() }
        let nearer = RunConfig(deadline: .now + .seconds(60))
        #expect(try await cached.ainvoke(0, config: nearer) == false)
        gate.open()
        let error = await #expect(throws: RunError.self) { try await first.value }
        #expect(error?.code == .timeoutTotal)
        // What the third one made is there by now.
        #expect(try await second.value == false)
        #expect(counts.all == [0: 2])
    }

    @Test("a hit is reported as a run")
    func events() async throws {
        let cached = counting(CallCounts()).cached(in: try cache())
        _ = try await cached.ainvoke("a")
        let log = EventLog()
        _ = try await cached.ainvoke("a", config: RunConfig().observed(by: log))
        #expect(log.lines == ["RunnableLambda start \"a\"", "RunnableLambda end \"r1\" of \"a\""])
    }
}
