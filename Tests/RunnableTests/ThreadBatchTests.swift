import Runnable
import Synchronization
import Testing
import WorkerPool

@Suite(.timeLimit(.minutes(1)))
struct ThreadBatchTests {
    @Test("LS-105 batch returns results in input order whatever order they complete in")
    func order() async throws {
        let turns = Turns(Array(0..<8).shuffled())
        let double = RunnableLambda { (x: Int) in
            turns.block(x)
            defer { turns.unblock() }
            return 2 * x
        }
        let outputs = try await onThread {
            try double.batch(Array(0..<8), configs: .shared(RunConfig(maxConcurrency: 8)))
        }
        #expect(outputs == (0..<8).map { 2 * $0 })
    }

    @Test("LS-107 batchAsCompleted yields index and result in completion order")
    func asCompleted() async throws {
        let order = [1, 2, 0, 3]
        let turns = Turns(order)
        let lambda = RunnableLambda { (x: Int) in
            turns.block(x)
            if x == 2 { throw TestError(2) }
            return 10 * x
        }
        let seen = try await onThread {
            var seen: [Int] = []
            try lambda.batchAsCompleted(
                Array(0..<4),
                configs: .shared(RunConfig(maxConcurrency: 4)),
                returnExceptions: true
            ).forEach { item in
                seen.append(item.index)
                #expect(item.index == 2 ? item.result.number == 2 : item.result.output == 10 * item.index)
                turns.unblock()
            }
            return seen
        }
        #expect(seen == order)
    }

    @Test("LS-107 without return_exceptions the first failure ends it")
    func asCompletedFailure() async throws {
        let lambda = RunnableLambda { (x: Int) in
            if x == 1 { throw TestError(1) }
            return x
        }
        let seen = try await onThread {
            var seen: [Int] = []
            #expect(throws: TestError(1)) {
                try lambda.batchAsCompleted(
                    Array(0..<4),
                    configs: .shared(RunConfig(maxConcurrency: 1)),
                    returnExceptions: false
                ).forEach { seen.append($0.index) }
            }
            return seen
        }
        #expect(seen == [0])
    }

    @Test("LS-108 never more than max_concurrency threads at once, and as many", arguments: [1, 2, 3, nil])
    func limit(_ limit: Int?) async throws {
        let expected = limit ?? WorkerPool.defaultThreadCount
        let crowd = ThreadCrowd(parties: expected)
        let lambda = RunnableLambda { (x: Int) in
            crowd.pass()
            return x
        }
        let inputs = Array(0..<6 * expected)
        var configs = Array(repeating: RunConfig(maxConcurrency: 9), count: inputs.count)
        configs[0].maxConcurrency = limit
        let checked = configs
        #expect(try await onThread { try lambda.batch(inputs, configs: .each(checked)) } == inputs)
        #expect(crowd.peak == expected)
    }

    @Test("LS-109 LS-112 nonsense is refused before anything runs")
    func invalid() throws {
        let lambda = RunnableLambda { (x: Int) in
            Issue.record("ran"); return x
        }
        for configs in [
            BatchConfig.shared(RunConfig(maxConcurrency: 0)), .shared(RunConfig(maxConcurrency: -3)),
            .each([RunConfig()]),
        ] {
            let errors = [
                #expect(throws: RunError.self) { try lambda.batch([1, 2], configs: configs) },
                #expect(throws: RunError.self) { try lambda.batchResults([1, 2], configs: configs) },
                #expect(throws: RunError.self) {
                    try lambda.batchAsCompleted([1, 2], configs: configs, returnExceptions: true).collect()
                },
            ]
            #expect(errors.allSatisfy { $0?.code == .callerInvalid })
        }
    }

    @Test("LS-110 the lowest failing index is reported, later items are asked to stop, none is begun")
    func failure() async throws {
        let everyone = ThreadCrowd(parties: 4)
        let secondFailed = Monitor(false)
        let begun = Atomic(0)
        let lambda = RunnableLambda { (x: Int, config: RunConfig) -> Int in
            begun.add(1, ordering: .relaxed)
            everyone.pass()
            switch x {
            case 0:
                secondFailed.wait { $0 ? () : nil }
                #expect(!WorkerPool.isCurrentWorkCancelled)
                return x
            case 1:
                secondFailed.wait { $0 ? () : nil }
                throw TestError(1)
            case 2: throw TestError(2)
            default:
                // Spins until the failure of 2 reaches it; there is nothing to wait on for code that only polls.
                while (try? config.checkpoint()) != nil {}
                secondFailed.withLock { $0 = true }
                secondFailed.broadcast()
                throw CancellationError()
            }
        }
        await #expect(throws: TestError(1)) {
            try await onThread { try lambda.batch(Array(0..<9), configs: .shared(RunConfig(maxConcurrency: 4))) }
        }
        let count = begun.load(ordering: .relaxed)
        #expect(count == 4)
    }

    @Test("LS-110 with return_exceptions every failure takes its slot")
    func returnExceptions() async throws {
        let lambda = RunnableLambda { (x: Int) in
            if x > 0 { throw TestError(x) }
            return x
        }
        let results = try await onThread { try lambda.batchResults([0, 1, 2]) }
        #expect(results.map(\.output) == [0, nil, nil])
        #expect(results.map(\.number) == [nil, 1, 2])
    }

    @Test("LS-111 an empty batch is empty, a single item runs on the calling thread")
    func small() async throws {
        let lambda = RunnableLambda { (_: Int) in threadNumber() }
        let isInline = try await onThread {
            #expect(try lambda.batch([]).isEmpty)
            return try lambda.batch([1]) == [threadNumber()]
        }
        #expect(isInline)
    }

    @Test("a batch inside a batch on a thread of a pool of one does not lock up")
    func nested() async throws {
        let inner = RunnableLambda { (x: Int) in x }
        let outer = RunnableLambda { (x: Int) in try inner.batch([x, x + 1, x + 2]).reduce(0, +) }
        #expect(try await onThread { try outer.batch([1, 2, 3, 4]) } == [6, 9, 12, 15])
    }

    @Test("LS-140 cancelling the task that waits for a batch on the pool ends the batch")
    func cancelled() async throws {
        let isRunning = Gate()
        let begun = Atomic(0)
        let lambda = RunnableLambda { (x: Int, config: RunConfig) -> Int in
            begun.add(1, ordering: .relaxed)
            isRunning.open()
            while true { try config.checkpoint() }
        }
        let task = Task {
            try await onThread { try lambda.batch(Array(0..<5), configs: .shared(RunConfig(maxConcurrency: 1))) }
        }
        await isRunning.wait()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let count = begun.load(ordering: .relaxed)
        #expect(count == 1)
    }

    @Test("native async batches block the caller")
    func bridged() async throws {
        let lambda = AsyncRunnableLambda { (x: Int) in x + 1 }
        let outputs = try await onThread { try lambda.batch([1, 2, 3]) }
        #expect(outputs == [2, 3, 4])
        let items = try await onThread {
            try lambda.batchAsCompleted([1, 2], configs: .shared(RunConfig()), returnExceptions: false).collect()
        }
        #expect(Set(items.map(\.index)) == [0, 1])
    }
}
