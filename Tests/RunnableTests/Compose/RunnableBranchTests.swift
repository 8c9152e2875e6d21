import Runnable
import Testing

/// Branch, router and each.
@Suite(.timeLimit(.minutes(1)))
struct RunnableBranchTests {
    private let branch = RunnableBranch(
        .when(
            { if case .value(.string) = $0 { true } else { false } },
            valueLambda("upper") { input in
                guard case .value(.string(let text)) = input else { throw TestError(1) }
                return .string(text.uppercased())
            }
        ),
        .when({ $0.integer != nil }, valueLambda("inc") { .value(.integer(($0.integer ?? 0) + 1)) }),
        default: valueLambda("bye") { _ in "bye" }
    )

    @Test("LS-122 branch: the first condition that holds, else the default")
    func examples() async throws {
        #expect(try await branch.abatch(["a", 3, nil]) == ["A", 4, "bye"])
        #expect(try await onThread { try branch.batch(["a", 3, nil]) } == ["A", 4, "bye"])
        #expect(try await onThread { try branch.invoke("a") } == "A")
        #expect(try await collect(branch.astream(3)) == [4])
    }

    @Test("LS-122 conditions after the one that holds are not asked, and are runnables of truth values, too")
    func order() async throws {
        let asked = Notes()
        func condition(_ name: String, _ answer: RunValue) -> ValueRunnable {
            valueLambda(name) { _ in
                asked.add(name)
                return answer
            }
        }
        let branch = try RunnableBranch(
            arms: [
                .when(condition("zero", 0), valueLambda("a") { _ in "a" }),
                .when(condition("empty", ""), valueLambda("b") { _ in "b" }),
                .when(condition("list", [0]), valueLambda("c") { _ in "c" }),
                .when(condition("late", true), valueLambda("d") { _ in "d" }),
            ],
            default: valueLambda("e") { _ in "e" }
        )
        #expect(try await branch.ainvoke(nil) == "c")
        #expect(asked.all == ["zero", "empty", "list"])
        #expect(throws: RunError.self) { try RunnableBranch(arms: [], default: valueG) }
        let typed = RunnableBranch(
            .when(AsyncRunnableLambda { (x: Int) in x > 1 }, RunnableLambda { (x: Int) in -x }),
            default: RunnablePassthrough<Int, Int>()
        )
        #expect(try await typed.abatch([1, 2]) == [1, -2])
    }

    @Test("LS-115 LS-122 branch streams what the taken arm streams, from the whole input")
    func stream() async throws {
        let shouting = RunnableBranch(.when({ !$0.isEmpty }, makeU()), default: makeG())
        #expect(try await collect((makeG() | shouting).astream("x")) == ["ABC"])
        #expect(try await collect(shouting.astream("")) == ["a", "b", "c"])
        let tap = Tap()
        let endless = RunnableBranch(
            .when({ (_: Int) in true }, RunnableGenerator<Int, Int, Int, Int> { _ in tap.stream() }),
            default: RunnablePassthrough<Int, Int>()
        )
        for try await _ in endless.astream(1) { break }
        #expect(tap.pulled == 1 && tap.cancelled == 1)
    }

    @Test("LS-122 branch's runs: conditions and the arm are children with their tags")
    func events() async throws {
        let log = EventLog()
        _ = try await branch.ainvoke(3, config: RunConfig(tags: ["u"]).observed(by: log))
        _ = try await collect(branch.astream(nil, config: RunConfig().observed(by: log)))
        let starts = log.all.filter { if case .start = $0.phase { true } else { false } }
        #expect(
            starts.map { "\($0.name) \($0.tags.joined(separator: " "))" } == [
                "RunnableBranch u", "RunnableLambda condition:1 u", "RunnableLambda condition:2 u", "inc branch:2 u",
                "RunnableBranch ", "RunnableLambda condition:1", "RunnableLambda condition:2", "bye branch:default",
            ]
        )
        expectComplete(log)
    }

    private let add = valueLambda("add") { .value(.integer(($0.integer ?? 0) + 1)) }
    private let square = valueLambda("square") { .value(.integer(($0.integer ?? 0) * ($0.integer ?? 0))) }

    @Test("LS-122 router: the key says which; an unknown one is an error, in a batch before anything runs")
    func router() async throws {
        let router = RunnableRouter<RunValue, RunValue, RunValue>(["add": add, "square": square])
        let inputs: [RunValue] = [["key": "add", "input": 1], ["key": "square", "input": 3]]
        #expect(try await router.abatch(inputs) == [2, 9])
        #expect(try await onThread { try router.batch(inputs) } == [2, 9])
        #expect(try await collect(router.astream(inputs[0])) == [2])
        #expect(try await onThread { try router.stream(inputs[1]).collect() } == [9])
        let ran = Notes()
        let noting = RunnableRouter<RunValue, RunValue, RunValue>([
            "note": valueLambda("note") { _ in
                ran.add("ran")
                return nil
            }
        ])
        let bad: [RunValue] = [["key": "note", "input": 1], ["key": "none", "input": 1]]
        for method in 0..<7 {
            let error = await #expect(throws: RunError.self) {
                switch method {
                case 0: _ = try await noting.abatch(bad)
                case 1: _ = try await noting.abatchResults(bad)
                case 2: _ = try await onThread { try noting.batch(bad) }
                case 3: _ = try await onThread { try noting.batchResults(bad) }
                case 4:
                    let items = noting.abatchAsCompleted(bad, configs: .shared(RunConfig()), returnExceptions: true)
                    _ = try await collect(items)
                case 5:
                    let batch = BatchConfig.shared(RunConfig())
                    try await noting.erased.abatchAsCompleted(bad, configs: batch, returnExceptions: true) { _ in }
                default: _ = try await noting.ainvoke("no object")
                }
            }
            #expect(error?.code == .callerInvalid && error?.status == 422)
        }
        #expect(ran.all.isEmpty)
        let typed = RunnableRouter<Routed<Int>, Int, Int>(["same": RunnablePassthrough<Int, Int>().erased])
        #expect(try await typed.ainvoke(Routed("same", 5)) == 5)
    }

    @Test("LS-122 the router has no run of its own")
    func routerEvents() async throws {
        let log = EventLog()
        let router = RunnableRouter<RunValue, RunValue, RunValue>(["add": add])
        _ = try await router.ainvoke(["key": "add", "input": 1], config: RunConfig(tags: ["u"]).observed(by: log))
        #expect(log.lines == ["add start 1", "add end 2 of 1"])
        #expect(log.all[0].tags == ["u"])
    }

    @Test("LS-122 LS-115 map: list in, list out, one chunk")
    func each() async throws {
        let increment = RunnableLambda(name: "inc") { (input: Int) in input + 1 }
        let each = increment.map()
        #expect(try await each.ainvoke([1, 2, 3]) == [2, 3, 4])
        #expect(try await onThread { try each.invoke([1, 2, 3]) } == [2, 3, 4])
        #expect(try await each.ainvoke([]).isEmpty)
        #expect(try await collect(each.astream([1, 2])) == [[2, 3]])
        #expect(try await collect(each.atransform(.elements([[1], [2]]))) == [[2, 3]])
        #expect(try await add.mapValues().ainvoke([1, 2, 3]) == [2, 3, 4])
        await #expect(throws: RunError.self) { try await add.mapValues().ainvoke(1) }
        let log = EventLog()
        _ = try await each.ainvoke([1], config: RunConfig().observed(by: log))
        #expect(
            log.lines == [
                "RunnableEach<inc> start [1]", "inc start 1", "inc end 2 of 1", "RunnableEach<inc> end [2] of [1]",
            ]
        )
    }

    @Test("LS-108 map keeps to max_concurrency", arguments: [1, 2])
    func eachLimit(limit: Int) async throws {
        let crowd = Crowd(parties: limit)
        let each = AsyncRunnableLambda { (input: Int) in
            crowd.enter()
            await crowd.gather()
            crowd.leave()
            return input
        }.map()
        #expect(try await each.ainvoke([0, 1, 2, 3], config: RunConfig(maxConcurrency: limit)) == [0, 1, 2, 3])
        #expect(crowd.peak == limit)
        await #expect(throws: RunError.self) { try await each.ainvoke([1], config: RunConfig(maxConcurrency: 0)) }
    }
}
