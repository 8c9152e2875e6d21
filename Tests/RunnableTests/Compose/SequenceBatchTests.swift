import Runnable
import Testing
import WorkerPool

@Suite(.timeLimit(.minutes(1)))
struct SequenceBatchTests {
    @Test("LS-105 LS-106 batches of a sequence are in input order whatever order the inputs complete in")
    func order() async throws {
        let turns = Turns([2, 0, 1])
        let first = AsyncRunnableLambda { (input: Int) in
            await turns.wait(input)
            return input
        }
        let second = AsyncRunnableLambda { (input: Int) in
            turns.finish(input)
            return 10 * input
        }
        #expect(try await (first | second).abatch([0, 1, 2]) == [0, 10, 20])
        let double = RunnableLambda { (input: Int) in 2 * input }
        #expect(try await onThread { try (double | double).batch(Array(0..<10)) } == (0..<10).map { 4 * $0 })
    }

    @Test("LS-107 a sequence's outcomes come in completion order: no input waits for another between steps")
    func completionOrder() async throws {
        let othersAreDone = Gate()
        let first = AsyncRunnableLambda { (input: Int) in
            if input == 0 { await othersAreDone.wait() }
            return input
        }
        let second = AsyncRunnableLambda { (input: Int) in 10 * input }
        var items: [String] = []
        let batch = (first | second).abatchAsCompleted([0, 1], configs: .shared(RunConfig()), returnExceptions: false)
        for try await item in batch {
            items.append("\(item.index):\(try item.result.get())")
            othersAreDone.open()
        }
        #expect(items == ["1:10", "0:0"])
    }

    @Test("LS-108 a sequence's batch never has more than max_concurrency inputs in a step", arguments: [1, 2])
    func limit(limit: Int) async throws {
        let crowd = Crowd(parties: limit)
        let step = AsyncRunnableLambda { (input: Int) in
            crowd.enter()
            await crowd.gather()
            crowd.leave()
            return input
        }
        let outputs = try await (step | step).abatch(
            Array(0..<4),
            configs: .shared(RunConfig(maxConcurrency: limit))
        )
        #expect(outputs == [0, 1, 2, 3] && crowd.peak == limit)
    }

    @Test("LS-109 LS-112 a sequence's batch refuses nonsense before anything runs")
    func refused() async throws {
        let ran = Notes()
        let step = RunnableLambda { (input: Int) in
            ran.add("ran")
            return input
        }
        let sequence = step | step
        for configs in [BatchConfig.shared(RunConfig(maxConcurrency: 0)), .each([RunConfig()])] {
            await #expect(throws: RunError.self) { try await sequence.abatch([1, 2], configs: configs) }
            await #expect(throws: RunError.self) {
                try await onThread { try sequence.batch([1, 2], configs: configs) }
            }
        }
        #expect(ran.all.isEmpty)
    }

    @Test("LS-110 failed inputs take their slot and are not seen by later steps; LS-111 nothing for nothing")
    func failures() async throws {
        let seen = Notes()
        let first = RunnableLambda { (input: Int) in
            if input == 1 { throw TestError(1) }
            return input
        }
        let second = RunnableLambda { (input: Int) in
            seen.add("\(input)")
            return 10 * input
        }
        let results = try await (first | second).abatchResults([0, 1, 2])
        #expect(results.map(\.output) == [0, nil, 20] && results[1].number == 1)
        #expect(seen.all.sorted() == ["0", "2"])
        await #expect(throws: TestError(1)) { try await (first | second).abatch([0, 1, 2]) }
        #expect(try await (first | second).abatch([]).isEmpty)
        #expect(try await (first | second).abatch([3]) == [30])
    }

    @Test("pipelines made at run time: a list of steps, at least two")
    func runTimeSteps() async throws {
        let sequence = try RunnableValueSequence([valueG, RunnableValueSequence([valueG, valueG]).erased])
        #expect(try await collect(sequence.astream("x")) == ["a", "b", "c"])
        #expect(throws: RunError.self) { try RunnableValueSequence([valueG]) }
        let log = EventLog()
        _ = try await sequence.ainvoke("x", config: RunConfig().observed(by: log))
        let tags = log.all.compactMap { if case .start = $0.phase { $0.tags } else { nil } }
        #expect(tags == [[], ["seq:step:1"], ["seq:step:2"], ["seq:step:3"]])
    }
}

/// Blocking methods that wait, on threads of a pool, for what needs threads.
@Suite(.timeLimit(.minutes(1)))
struct FullPoolTests {
    private enum Method: CaseIterable { case invoke, stream, transform, batch, batchAsCompleted, parallel, nested }

    private func call(_ method: Method, _ input: Int) throws -> Int {
        let blocking = RunnableLambda { (x: Int) in x + 1 }
        let native = AsyncRunnableLambda { (x: Int) in try await blocking.ainvoke(x) }
        switch method {
        case .invoke: return try native.invoke(input)
        case .stream: return try (blocking | blocking).stream(input).collect()[0] - 1
        case .transform: return try (blocking | blocking).transform(RunSequence.of([input])).collect()[0] - 1
        case .batch: return try (native | native).batch([input, input])[1] - 1
        case .batchAsCompleted:
            let items = native.batchAsCompleted([input], configs: .shared(RunConfig()), returnExceptions: false)
            return try items.collect()[0].result.get()
        case .parallel:
            let parallel = RunnableParallel(("a", native), ("b", blocking | blocking))
            return try parallel.invoke(input)["a"]?.integer ?? -1
        case .nested:
            let inner = RunnableLambda { (x: Int) in try native.invoke(x) }
            return try AsyncRunnableLambda { (x: Int) in try await inner.ainvoke(x) }.invoke(input)
        }
    }

    @Test("a pool full of lambdas that wait for runnables that need threads does not lock up")
    func fullPool() async throws {
        for method in Method.allCases {
            let pool = WorkerPool(name: "full", maximumThreads: 3)
            let crowd = ThreadCrowd(parties: 3)
            let lambda = RunnableLambda { (x: Int) -> Int in
                crowd.pass()  // until all threads of the pool are taken
                return try call(method, x)
            }
            let outputs = try await WorkerPool.$substitute.withValue(pool) { try await lambda.abatch([0, 1, 2]) }
            #expect(outputs == [1, 2, 3], "\(method)")
        }
    }
}
