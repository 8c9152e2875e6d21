import Runnable
import Synchronization
import Testing
import WorkerPool

@Suite(.timeLimit(.minutes(1)))
struct AsyncBatchTests {
    @Test("LS-106 abatch returns results in input order whatever order they complete in")
    func order() async throws {
        let order = Array(0..<100).shuffled()
        let turns = Turns(order)
        let double = AsyncRunnableLambda { (x: Int) in
            await turns.wait(x)
            defer { turns.finish(x) }
            return 2 * x
        }
        #expect(try await double.abatch(Array(0..<100)) == (0..<100).map { 2 * $0 })
    }

    @Test("LS-107 abatchAsCompleted yields index and result in completion order", arguments: [true, false])
    func asCompleted(isStructured: Bool) async throws {
        let order = [1, 2, 0, 3]
        let turns = Turns(order)
        let lambda = AsyncRunnableLambda { (x: Int) in
            await turns.wait(x)
            if x == 2 { throw TestError(2) }
            return 10 * x
        }
        let seen = Locked<[Int]>([])
        func check(_ item: BatchItem<Int>) {
            seen.withLock { $0.append(item.index) }
            #expect(item.index == 2 ? item.result.number == 2 : item.result.output == 10 * item.index)
            turns.finish(item.index)
        }
        let configs = BatchConfig.shared(RunConfig())
        if isStructured {
            try await lambda.abatchAsCompleted(Array(0..<4), configs: configs, returnExceptions: true) { check($0) }
        } else {
            let items = lambda.abatchAsCompleted(Array(0..<4), configs: configs, returnExceptions: true)
            for try await item in items { check(item) }
        }
        #expect(seen.withLock { $0 } == order)
    }

    @Test("LS-107 without return_exceptions the first failure ends it, and the rest is cancelled and awaited")
    func asCompletedFailure() async throws {
        let crowd = Crowd(parties: 3)
        let lambda = AsyncRunnableLambda { (x: Int) in
            crowd.enter()
            defer { crowd.leave() }
            await crowd.gather()
            if x != 1 { try await Gate.waitForCancellation() }
            throw TestError(1)
        }
        await #expect(throws: TestError(1)) {
            for try await _ in lambda.abatchAsCompleted(
                [0, 1, 2],
                configs: .shared(RunConfig()),
                returnExceptions: false
            ) {}
        }
        #expect(crowd.inside == 0 && crowd.entered == 3)
    }

    @Test("LS-108 never more than max_concurrency at once, of the first config", arguments: [1, 2, 3])
    func limit(_ limit: Int) async throws {
        let crowd = Crowd(parties: limit)
        let lambda = AsyncRunnableLambda { (x: Int) in
            crowd.enter()
            defer { crowd.leave() }
            await crowd.gather()
            return x
        }
        var configs = Array(repeating: RunConfig(), count: 6)
        configs[0].maxConcurrency = limit
        configs[1].maxConcurrency = 9
        #expect(try await lambda.abatch(Array(0..<6), configs: .each(configs)) == Array(0..<6))
        #expect(try await lambda.abatchResults(Array(0..<6), configs: .each(configs)).count == 6)
        #expect(crowd.peak == limit)
    }

    @Test("LS-108 without max_concurrency abatch runs all at once")
    func noLimit() async throws {
        let crowd = Crowd(parties: 40)
        let lambda = AsyncRunnableLambda { (x: Int) in
            crowd.enter()
            defer { crowd.leave() }
            await crowd.gather()
            return x
        }
        _ = try await lambda.abatch(Array(0..<40))
        #expect(crowd.peak == 40)
    }

    @Test("10,000 inputs under max_concurrency 1,000 keep 1,000 children alive")
    func slidingWindow() async throws {
        let crowd = Crowd(parties: 1000)
        let lambda = AsyncRunnableLambda { (x: Int) in
            crowd.enter()
            defer { crowd.leave() }
            await crowd.gather()
            return x
        }
        let outputs = try await lambda.abatch(
            Array(0..<10_000),
            configs: .shared(RunConfig(maxConcurrency: 1000))
        )
        #expect(outputs == Array(0..<10_000))
        #expect(crowd.peak == 1000)
    }

    @Test("LS-109 max_concurrency below 1 is refused before anything runs", arguments: [0, -1])
    func invalidLimit(_ limit: Int) async throws {
        let lambda = AsyncRunnableLambda { (x: Int) in
            Issue.record("ran"); return x
        }
        let configs = BatchConfig.shared(RunConfig(maxConcurrency: limit))
        await expectInvalid { _ = try await lambda.abatch([1, 2], configs: configs) }
        await expectInvalid { _ = try await lambda.abatchResults([1, 2], configs: configs) }
        await expectInvalid {
            for try await _ in lambda.abatchAsCompleted([1, 2], configs: configs, returnExceptions: true) {}
        }
    }

    @Test("LS-112 a config list of another length is refused before anything runs")
    func configMismatch() async throws {
        let lambda = AsyncRunnableLambda { (x: Int) in
            Issue.record("ran"); return x
        }
        await expectInvalid { _ = try await lambda.abatch([1, 2], configs: .each([RunConfig()])) }
    }

    private func expectInvalid(_ body: () async throws -> Void) async {
        let error = await #expect(throws: RunError.self) { try await body() }
        #expect(error?.code == .callerInvalid && error?.status == 422)
    }

    @Test("LS-110 the lowest failing index is reported; later siblings are cancelled, all are awaited")
    func failure() async throws {
        let everyone = Crowd(parties: 6)
        let cancelled = Crowd(parties: 3)
        let zeroCompleted = Atomic(false)
        let lambda = AsyncRunnableLambda { (x: Int) in
            everyone.enter()
            defer { everyone.leave() }
            await everyone.gather()
            switch x {
            case 0:
                // Ends last, undisturbed, though 1 and 3 have failed.
                await cancelled.gather()
                zeroCompleted.store(!Task.isCancelled, ordering: .relaxed)
                return x
            case 1, 3: throw TestError(x)
            case 2, 4, 5:
                try? await Gate.waitForCancellation()
                if x > 2 { await cancelled.gather() }
                throw CancellationError()
            default:
                Issue.record("begun after a failure")
                return x
            }
        }
        await #expect(throws: TestError(1)) {
            try await lambda.abatch(Array(0..<10), configs: .shared(RunConfig(maxConcurrency: 6)))
        }
        #expect(everyone.inside == 0 && everyone.entered == 6)
        let isUndisturbed = zeroCompleted.load(ordering: .relaxed)
        #expect(isUndisturbed)
    }

    @Test("LS-110 a failure with a lower index that comes later wins over an earlier one")
    func lowestIndexWins() async throws {
        let laterWasCancelled = Gate()
        let everyone = Crowd(parties: 3)
        let lambda = AsyncRunnableLambda { (x: Int) -> Int in
            await everyone.gather()
            switch x {
            case 0:
                await laterWasCancelled.wait()
                throw TestError(0)
            case 1: throw TestError(1)
            default:
                try? await Gate.waitForCancellation()
                laterWasCancelled.open()
                throw CancellationError()
            }
        }
        await #expect(throws: TestError(0)) { try await lambda.abatch([0, 1, 2]) }
    }

    @Test("LS-110 with return_exceptions every failure takes its slot")
    func returnExceptions() async throws {
        let lambda = AsyncRunnableLambda { (x: Int) in
            if x > 0 { throw TestError(x) }
            return x
        }
        let results = try await lambda.abatchResults([0, 1, 2, 0])
        #expect(results.map(\.output) == [0, nil, nil, 0])
        #expect(results.map(\.number) == [nil, 1, 2, nil])
    }

    @Test("a cancellation is no result, also with return_exceptions")
    func cancellationPropagates() async throws {
        let lambda = AsyncRunnableLambda { (x: Int) -> Int in
            if x == 1 { throw CancellationError() }
            try await Gate.waitForCancellation()
            return x
        }
        await #expect(throws: CancellationError.self) { try await lambda.abatchResults([0, 1, 2]) }
    }

    @Test("LS-111 empty and single-element batches")
    func small() async throws {
        let lambda = AsyncRunnableLambda { (x: Int) in x + 1 }
        #expect(try await lambda.abatch([]) == [])
        #expect(try await lambda.abatch([1]) == [2])
        #expect(try await lambda.abatchResults([]).isEmpty)
        for try await _ in lambda.abatchAsCompleted([], configs: .each([]), returnExceptions: false) {
            Issue.record("an element of nothing")
        }
    }

    @Test("LS-140 cancelling the caller cancels all items, begins no more and awaits them")
    func cancelCaller() async throws {
        let crowd = Crowd(parties: 5)
        let allRun = Gate()
        let lambda = AsyncRunnableLambda { (x: Int) -> Int in
            crowd.enter()
            defer { crowd.leave() }
            if crowd.entered == 5 { allRun.open() }
            try await Gate.waitForCancellation()
            return x
        }
        let task = Task { try await lambda.abatch(Array(0..<20), configs: .shared(RunConfig(maxConcurrency: 5))) }
        await allRun.wait()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(crowd.inside == 0 && crowd.entered == 5)
    }

    @Test("LS-140 dropping the iterator of abatchAsCompleted cancels what runs")
    func dropCancels() async throws {
        let cancelled = Gate()
        let lambda = AsyncRunnableLambda { (x: Int) -> Int in
            if x == 0 { return x }
            defer { cancelled.open() }
            try await Gate.waitForCancellation()
            return x
        }
        for try await item in lambda.abatchAsCompleted(
            [0, 1],
            configs: .shared(RunConfig()),
            returnExceptions: true
        ) {
            #expect(item.index == 0)
            break
        }
        await cancelled.wait()
    }

    @Test("a deadline that passed fails the items that have not begun")
    func deadline() async throws {
        let lambda = AsyncRunnableLambda { (x: Int) in
            Issue.record("ran"); return x
        }
        let config = RunConfig(deadline: .now - .seconds(1))
        let results = try await lambda.abatchResults([1, 2], configs: .shared(config))
        for result in results {
            guard case .failure(let error as RunError) = result else {
                Issue.record("no timeout")
                continue
            }
            #expect(error.code == .timeoutTotal && error.status == 504)
        }
    }

    @Test("a shared run id goes to the first item only")
    func runIDs() async throws {
        let id = RunID.random()
        let lambda = AsyncRunnableLambda { (_: Int, config: RunConfig) in config.runID }
        let ids = try await lambda.abatch([1, 2, 3], configs: .shared(RunConfig(runID: id)))
        #expect(ids[0] == id)
        #expect(Set(ids).count == 3 && !ids.contains(nil))
    }
}
