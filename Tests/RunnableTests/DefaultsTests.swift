import Runnable
import Synchronization
import Testing
import WorkerPool

/// What a type gets that brings `invoke` or `ainvoke` alone.
@Suite(.timeLimit(.minutes(1)))
struct DefaultsTests {
    private struct Increment: Runnable {
        func invoke(_ input: Int, config: RunConfig) throws -> Int { input + 1 }
    }

    private struct Echo: AsyncRunnable {
        func ainvoke(_ input: Int, config: RunConfig) async throws -> Int { input }
    }

    private struct Parrot: ChatModel {
        func ainvoke(_ input: ChatPrompt, config: RunConfig) async throws -> Message {
            .ai(input.messages.map(\.content.text).joined(separator: " "))
        }
    }

    private func elements<Element>(_ stream: RunStream<Element>) async throws -> [Element] {
        var all: [Element] = []
        for try await element in stream { all.append(element) }
        return all
    }

    @Test("stream and astream are one chunk")
    func oneChunk() async throws {
        #expect(try Increment().stream(1).collect() == [2])
        #expect(try await elements(Increment().astream(1)) == [2])
        #expect(try await elements(Echo().astream(1)) == [1])
        #expect(try await onThread { try Echo().stream(1).collect() } == [1])
    }

    @Test("async methods of a blocking type run on the pool, those of a native one never do")
    func pool() async throws {
        let pool = WorkerPool(name: "defaults", maximumThreads: 2)
        try await WorkerPool.$substitute.withValue(pool) {
            _ = try await Increment().ainvoke(1)
            #expect(pool.acceptedCount == 1)
            _ = try await elements(Increment().astream(1))
            #expect(pool.acceptedCount == 2)
            #expect(try await Increment().abatch([1, 2, 3]) == [2, 3, 4])
            #expect(pool.acceptedCount == 5)
            _ = try await Echo().ainvoke(1)
            _ = try await elements(Echo().astream(1))
            _ = try await Echo().abatch([1, 2, 3])
            _ = try await elements(
                Echo().abatchAsCompleted([1, 2], configs: .shared(RunConfig()), returnExceptions: true)
            )
            _ = try await onThread { (try Echo().invoke(1), try Echo().stream(1).collect(), try Echo().batch([1, 2])) }
            #expect(pool.acceptedCount == 5)
        }
    }

    @Test("a full pool is policy_queue")
    func fullPool() async throws {
        let pool = WorkerPool(name: "full", maximumThreads: 1, maximumQueued: 0)
        let isRunning = Gate()
        let mayEnd = Monitor(false)
        let blocking = RunnableLambda { (x: Int) in
            isRunning.open()
            mayEnd.wait { $0 ? () : nil }
            return x
        }
        try await WorkerPool.$substitute.withValue(pool) {
            async let first = blocking.ainvoke(1)
            await isRunning.wait()
            let error = await #expect(throws: RunError.self) { try await blocking.ainvoke(2) }
            #expect(error?.code == .policyQueue && error?.source == .gateway)
            mayEnd.withLock { $0 = true }
            mayEnd.broadcast()
            let output = try await first
            #expect(output == 1)
        }
    }

    @Test("nothing begins after the deadline or a cancellation")
    func checkpoint() async throws {
        let late = RunConfig(deadline: .now - .seconds(1))
        let lambda = RunnableLambda { (x: Int) in
            Issue.record("ran"); return x
        }
        let error = await #expect(throws: RunError.self) { try await lambda.ainvoke(1, config: late) }
        #expect(error?.code == .timeoutTotal)
        let isCancelled = Gate()
        let task = Task {
            await isCancelled.wait()
            return try await lambda.ainvoke(1)
        }
        task.cancel()
        isCancelled.open()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("LS-140 cancelling an ainvoke on the pool is seen by the work")
    func poolCancellation() async throws {
        let isRunning = Gate()
        let lambda = RunnableLambda { (x: Int, config: RunConfig) -> Int in
            isRunning.open()
            while true { try config.checkpoint() }
        }
        let task = Task { try await lambda.ainvoke(1) }
        await isRunning.wait()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("LS-140 cancelling reaches a native runnable called by blocking code on the pool")
    func bridgedCancellation() async throws {
        let isRunning = Gate()
        let native = AsyncRunnableLambda { (x: Int) -> Int in
            isRunning.open()
            try await Gate.waitForCancellation()
            return x
        }
        let blocking = RunnableLambda { (x: Int) in try native.invoke(x) }
        let task = Task { try await blocking.ainvoke(1) }
        await isRunning.wait()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("a chat model without a stream streams its message as one final chunk")
    func chatModel() async throws {
        let chunks = try await elements(Parrot().astream(ChatPrompt("hi")))
        #expect(chunks.count == 1 && chunks[0].isLast && chunks[0].content == "hi")
        #expect(Parrot().name == "Parrot")
    }

    @Test("runnables work behind an existential")
    func existential() async throws {
        let runnables: [any Runnable<Int, Int>] = [Increment(), Echo(), AsyncRunnableLambda { (x: Int) in x * 2 }]
        var outputs: [[Int]] = []
        for runnable in runnables { outputs.append(try await runnable.abatch([1, 2])) }
        #expect(outputs == [[2, 3], [1, 2], [2, 4]])
    }
}
