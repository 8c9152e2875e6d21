import Runnable
import Testing
import WorkerPool

@Suite(.timeLimit(.minutes(1)))
struct RunnableParallelTests {
    private let increment = RunnableLambda(name: "inc") { (input: Int) in input + 1 }
    private let double = RunnableLambda(name: "dbl") { (input: Int) in 2 * input }
    private let same = RunnablePassthrough<Int, Int>()

    @Test("LS-118 the examples: keys in order, in all methods, literals recursively")
    func examples() async throws {
        let both = RunnableParallel(("a", increment), ("b", double))
        #expect(try await both.ainvoke(3) == ["a": 4, "b": 6])
        #expect(try await onThread { try both.invoke(3) } == ["a": 4, "b": 6])
        #expect(try await both.ainvoke(3).members?.all.map(\.key) == ["a", "b"])
        let tenfold = RunnableLambda { (input: Int) in 10 * input }
        let inner: RunnableParallel<Int, Int> = ["c": tenfold.valued]
        let nested = increment | ["a": same.valued, "b": inner.valued]
        #expect(try await nested.ainvoke(1) == ["a": 2, "b": ["c": 20]])
        #expect(try sum(try await collect(nested.astream(1))) == ["a": 2, "b": ["c": 20]])
        #expect(both.name == "RunnableParallel<a,b>")
        #expect(try await both.abatch([1, 2]) == [["a": 2, "b": 2], ["a": 3, "b": 4]])
        #expect(try await RunnableParallel<Int, Int>().ainvoke(1) == [:])
        let replaced = both.adding("a", double).adding("c", same)
        #expect(try await replaced.ainvoke(3).members?.all.map(\.key) == ["a", "b", "c"])
        #expect(try await replaced.ainvoke(3) == ["a": 6, "b": 6, "c": 3])
    }

    @Test("LS-118 invoke keeps the order of the keys whatever the branches' order of completion")
    func keyOrder() async throws {
        let turns = Turns([2, 0, 1])
        func branch(_ item: Int) -> AsyncRunnableLambda<Int, Int> {
            AsyncRunnableLambda { _ in
                await turns.wait(item)
                turns.finish(item)
                return item
            }
        }
        let parallel = RunnableParallel(("x", branch(0)), ("y", branch(1)), ("z", branch(2)))
        #expect(try await parallel.ainvoke(0).members?.all.map(\.key) == ["x", "y", "z"])
    }

    @Test("LS-118 chunks are objects of one key, as the branches make them, and add up to what invoke gives")
    func chunks() async throws {
        let modelIsDone = Gate()
        let slow = AsyncRunnableLambda { (_: String) -> String in
            await modelIsDone.wait()
            return "x"
        }
        let model = RunnableGenerator<String, String, String, String> { _ in .elements(["hi", " ", "there"]) }
        let parallel = RunnableParallel(("a", slow), ("b", model))
        var chunks: [RunValue] = []
        for try await chunk in parallel.astream("q") {
            chunks.append(chunk)
            if chunks.count == 3 { modelIsDone.open() }
        }
        #expect(chunks == [["b": "hi"], ["b": " "], ["b": "there"], ["a": "x"]])
        #expect(try sum(chunks) == (try await parallel.ainvoke("q")))
    }

    @Test("LS-119 a branch that fails cancels the others, which are awaited", arguments: [true, false])
    func failure(streams: Bool) async throws {
        let othersRun = Crowd(parties: 3)
        let ended = Notes()
        func waiting(_ name: String) -> AsyncRunnableLambda<Int, Int> {
            AsyncRunnableLambda { _ in
                await othersRun.gather()
                defer { ended.add(name) }
                try await Gate.waitForCancellation()
                return 0
            }
        }
        let failing = AsyncRunnableLambda { (_: Int) -> Int in
            await othersRun.gather()
            throw TestError(7)
        }
        let parallel = RunnableParallel(("a", waiting("a")), ("b", failing), ("c", waiting("c")))
        await #expect(throws: TestError(7)) {
            if streams { _ = try await collect(parallel.astream(1)) } else { _ = try await parallel.ainvoke(1) }
        }
        #expect(ended.all.sorted() == ["a", "c"])
    }

    @Test("LS-119 in invoke, too: the other threads are asked to stop and awaited")
    func blockingFailure() async throws {
        let crowd = ThreadCrowd(parties: 2)
        let ended = Notes()
        let waiting = RunnableLambda { (_: Int, config: RunConfig) -> Int in
            crowd.pass()
            defer { ended.add("a") }
            while true { try config.checkpoint() }
        }
        let failing = RunnableLambda { (_: Int) -> Int in
            crowd.pass()
            throw TestError(7)
        }
        let parallel = RunnableParallel(("a", waiting), ("b", failing))
        await #expect(throws: TestError(7)) { try await onThread { try parallel.invoke(1) } }
        #expect(ended.all == ["a"])
    }

    @Test("LS-110 LS-119 of several errors that of the first key is thrown")
    func lowestKey() async throws {
        let turns = Turns([1, 0])
        func failing(_ item: Int) -> AsyncRunnableLambda<Int, Int> {
            AsyncRunnableLambda { _ in
                await turns.wait(item)
                turns.finish(item)
                throw TestError(item)
            }
        }
        let parallel = RunnableParallel(("a", failing(0)), ("b", failing(1)))
        await #expect(throws: TestError(0)) { try await parallel.ainvoke(1) }
    }

    @Test("LS-108 never more than max_concurrency branches at once, and as many", arguments: [1, 2, 3])
    func limit(limit: Int) async throws {
        let config = RunConfig(maxConcurrency: limit)
        for method in 0..<3 {
            let crowd = Crowd(parties: limit)
            let branch = AsyncRunnableLambda { (input: Int) in
                crowd.enter()
                await crowd.gather()
                crowd.leave()
                return input
            }
            let parallel = (0..<6).reduce(into: RunnableParallel<Int, Int>()) { $0 = $0.adding("\($1)", branch) }
            let output: RunValue
            switch method {
            case 0: output = try await parallel.ainvoke(1, config: config)
            case 1: output = try sum(try await collect(parallel.astream(1, config: config)))
            default: output = try sum(try await collect(parallel.atransform(.elements([1]), config: config)))
            }
            #expect(output.members?.all.count == 6)
            #expect(crowd.peak == limit)
        }
    }

    @Test("LS-108 in invoke, too", arguments: [1, 2])
    func blockingLimit(limit: Int) async throws {
        let crowd = ThreadCrowd(parties: limit)
        let branch = RunnableLambda { (input: Int) in
            crowd.pass()
            return input
        }
        let parallel = RunnableParallel(("a", branch), ("b", branch), ("c", branch), ("d", branch))
        _ = try await onThread { try parallel.invoke(1, config: RunConfig(maxConcurrency: limit)) }
        #expect(crowd.peak == limit)
    }

    @Test("LS-109 max_concurrency below 1 is refused before anything runs", arguments: [0, -1])
    func refused(limit: Int) async throws {
        let ran = Notes()
        let branch = RunnableLambda { (_: Int) in
            ran.add("ran")
            return 0
        }
        let parallel = RunnableParallel(("a", branch), ("b", branch))
        let config = RunConfig(maxConcurrency: limit)
        for method in 0..<4 {
            let error = await #expect(throws: RunError.self) {
                switch method {
                case 0: _ = try await parallel.ainvoke(1, config: config)
                case 1: _ = try await collect(parallel.astream(1, config: config))
                case 2: _ = try await collect(parallel.atransform(.elements([1]), config: config))
                default: _ = try await onThread { try parallel.invoke(1, config: config) }
                }
            }
            #expect(error?.code == .callerInvalid)
        }
        #expect(ran.all.isEmpty)
    }

    @Test("LS-115 LS-116 pieces of the input reach all branches as they come, and none is pulled far ahead")
    func tee() async throws {
        let tap = Tap()
        let parallel = RunnableParallel(("a", same), ("b", same))
        var iterator = parallel.atransform(tap.stream()).makeAsyncIterator()
        for _ in 0..<10 {
            _ = try await iterator.next()
        }
        // 10 were taken, each branch may hold one more and have pulled another; in the worst case all 10 were one branch's.
        #expect(tap.pulled <= 13)
        iterator.cancel()
        await tap.isCancelled.wait()
        #expect(tap.cancelled == 1)
    }

    @Test("LS-116 a branch that does not read holds the others back at a bounded distance until it ends")
    func boundedLag() async throws {
        let tap = Tap()
        let isHeldBack = Gate()
        let input = tap.stream(100).mapElements { piece in
            if piece == 15 { isHeldBack.open() }
            return piece
        }
        let deaf = RunnableGenerator<Int, Int, Int, Int> { _ in
            .one {
                await isHeldBack.wait()
                for _ in 0..<1000 { await Task.yield() }  // the other branch could go on now, if it were let
                return tap.pulled
            }
        }
        let adding = AsyncRunnableLambda { (sum: Int) in sum }
        let chunks = try await collect(RunnableParallel(("a", adding), ("b", deaf)).atransform(input))
        #expect(chunks == [["b": 16], ["a": 4950]])
    }

    @Test("branches that max_concurrency keeps waiting get the whole input later")
    func limitedTee() async throws {
        let tap = Tap()
        let parallel = RunnableParallel(("a", same), ("b", same), ("c", same))
        let chunks = try await collect(
            parallel.atransform(tap.stream(100), config: RunConfig(maxConcurrency: 1))
        )
        #expect(chunks == ["a", "b", "c"].flatMap { key in (0..<100).map { RunValue(key, .value(.integer($0))) } })
        #expect(tap.pulled == 100)
    }

    @Test("an error of the input reaches all branches, once")
    func failingInput() async throws {
        let parallel = RunnableParallel(("a", same), ("b", same))
        await #expect(throws: TestError(3)) { _ = try await collect(parallel.atransform(.failing(TestError(3)))) }
        #expect(try await collect(parallel.atransform(.elements([]))).isEmpty)
    }

    @Test("LS-117 dropping the iterator cancels all branches")
    func drop() async throws {
        let taps = (Tap(), Tap())
        let parallel = RunnableParallel(
            ("a", RunnableGenerator<Int, Int, Int, Int> { _ in taps.0.stream() }),
            ("b", RunnableGenerator<Int, Int, Int, Int> { _ in taps.1.stream() })
        )
        var keys: Set<String> = []
        for try await chunk in parallel.astream(1) {
            keys.insert(chunk.members?.all[0].key ?? "")
            if keys.count == 2 { break }
        }
        await taps.0.isCancelled.wait()
        await taps.1.isCancelled.wait()
        #expect(taps.0.cancelled == 1 && taps.1.cancelled == 1)
    }

    @Test("LS-140 cancelling an ainvoke cancels all children; every run has one start and one end or error")
    func cancelling() async throws {
        let allRun = Crowd(parties: 4)
        let branch = AsyncRunnableLambda(name: "w") { (input: Int) in
            allRun.enter()
            await allRun.gather()
            defer { allRun.leave() }
            try await Gate.waitForCancellation()
            return input
        }
        let pair = RunnableParallel(("a", branch), ("b", branch))
        let nested = RunnableParallel(("p", increment | pair), ("q", increment | pair))
        let log = EventLog()
        let task = Task { try await nested.ainvoke(1, config: RunConfig().observed(by: log)) }
        while allRun.entered < 4 { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(allRun.inside == 0)
        expectComplete(log)
        #expect(log.lines.filter { $0.hasPrefix("w error") }.count == 4)
    }

    @Test("LS-114 the example of 4.2: names, tags and metadata of a sequence with a parallel")
    func events() async throws {
        let log = EventLog()
        let config = RunConfig(runName: "RN", tags: ["u"], metadata: ["m": 1]).observed(by: log)
        let sequence = increment.named("s1") | RunnableParallel(("k", double.named("s2")))
        #expect(try await sequence.ainvoke(1, config: config) == ["k": 4])
        let starts = log.all.filter { if case .start = $0.phase { true } else { false } }
        #expect(starts.map(\.name) == ["RN", "s1", "RunnableParallel<k>", "s2"])
        #expect(starts.map(\.tags) == [["u"], ["seq:step:1", "u"], ["seq:step:2", "u"], ["map:key:k", "u"]])
        #expect(starts.allSatisfy { $0.metadata == ["m": 1] })
        #expect(starts[3].parentIDs == [starts[0].runID, starts[2].runID])
        #expect(Set(starts.map(\.runID)).count == 4)
        expectComplete(log)
    }

    @Test("branches inherit the executor preference of who iterates")
    func executor() async throws {
        let executor = CountingExecutor(isPreferred: true)
        let here = AsyncRunnableLambda { (_: Int) in executor.isCurrent }
        let parallel = RunnableParallel(("a", here), ("b", here))
        let (whole, chunks) = try await withTaskExecutorPreference(executor) {
            (try await parallel.ainvoke(1), try await collect(parallel.astream(1)))
        }
        #expect(whole == ["a": true, "b": true])
        #expect(try sum(chunks) == whole)
    }
}

/// Every run in the log has exactly one start, first, and one end or error, last.
func expectComplete(_ log: EventLog) {
    for (_, events) in Dictionary(grouping: log.all, by: \.runID) {
        var starts = 0
        var ends = 0
        for event in events {
            switch event.phase {
            case .start: starts += 1
            case .end, .error: ends += 1
            default: break
            }
        }
        #expect(starts == 1 && ends == 1, "\(events.map(\.name)) \(log.lines)")
    }
}
