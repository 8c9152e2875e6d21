import Runnable
import Testing

/// Where work runs: on the executor of whoever asked for it.
@Suite(.timeLimit(.minutes(1)))
struct ExecutorTests {
    @Test("consuming ready elements on an actor enqueues nothing")
    func streamCostsNoHop() async throws {
        let consumer = Consumer()
        let (count, jobs) = try await consumer.consume(.elements(0..<1000))
        #expect(count == 1000)
        #expect(jobs == 0)
    }

    @Test("and nothing either in a task that prefers the actor's executor")
    func streamCostsNoHopWithPreference() async throws {
        let consumer = Consumer(isPreferred: true)
        let (count, jobs) = try await withTaskExecutorPreference(consumer.executor) {
            try await consumer.consume(.elements(0..<1000))
        }
        #expect(count == 1000)
        #expect(jobs == 0)
    }

    @Test("adding up a stream's chunks on an actor enqueues nothing")
    func addingCostsNoHop() async throws {
        #expect(try await Consumer().addUp() == 0)
    }

    @Test("a lambda runs on the caller's executor")
    func lambdaStays() async throws {
        let consumer = Consumer()
        let jobs = try await consumer.callLambda()
        #expect(jobs == 0)
    }

    @Test("blocking work on the pool costs the one job of coming back")
    func poolCostsOneJob() async throws {
        let consumer = Consumer()
        let jobs = try await consumer.callPool()
        // None when the work was done before the actor came to wait for it.
        #expect(jobs <= 1)
    }

    @Test("batch outcomes are handed over on the caller's executor")
    func batchBodyStays() async throws {
        let consumer = Consumer()
        #expect(try await consumer.batchOnActor() == 100)
    }

    @Test("items of a batch inherit the executor preference")
    func batchItemsInheritPreference() async throws {
        let executor = CountingExecutor(isPreferred: true)
        let lambda = AsyncRunnableLambda { (_: Int) in executor.isCurrent }
        let answers = try await withTaskExecutorPreference(executor) { try await lambda.abatch(Array(0..<50)) }
        #expect(answers.allSatisfy { $0 })
        let streamed = try await withTaskExecutorPreference(executor) {
            var all: [Bool] = []
            let items = lambda.abatchAsCompleted(
                Array(0..<50),
                configs: .shared(RunConfig()),
                returnExceptions: false
            )
            for try await item in items { all.append(try item.result.get()) }
            return all
        }
        #expect(streamed.count == 50 && streamed.allSatisfy { $0 })
    }
}

private actor Consumer {
    nonisolated let executor: CountingExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(isPreferred: Bool = false) {
        executor = CountingExecutor(isPreferred: isPreferred)
    }

    func consume(_ stream: RunStream<Int>) async throws -> (count: Int, jobs: Int) {
        let before = executor.enqueueCount
        var count = 0
        for try await _ in stream {
            #expect(executor.isCurrent)
            count += 1
        }
        return (count, executor.enqueueCount - before)
    }

    func callLambda() async throws -> Int {
        let executor = executor
        let lambda = AsyncRunnableLambda { (_: Int) in executor.isCurrent }
        let before = executor.enqueueCount
        let stayed = try await lambda.ainvoke(1)
        #expect(stayed)
        return executor.enqueueCount - before
    }

    func addUp() async throws -> Int {
        let before = executor.enqueueCount
        let message = try await Message(adding: .elements(repeatElement(MessageChunk(text: "a"), count: 100)))
        #expect(message.content.text.count == 100)
        return executor.enqueueCount - before
    }

    func callPool() async throws -> Int {
        let before = executor.enqueueCount
        _ = try await RunnableLambda { (x: Int) in x }.ainvoke(1)
        #expect(executor.isCurrent)
        return executor.enqueueCount - before
    }

    func batchOnActor() async throws -> Int {
        let executor = executor
        var count = 0
        try await AsyncRunnableLambda { (x: Int) in x }.abatchAsCompleted(
            Array(0..<100),
            configs: .shared(RunConfig()),
            returnExceptions: false
        ) { _ in
            #expect(executor.isCurrent)
            count += 1
        }
        return count
    }
}
