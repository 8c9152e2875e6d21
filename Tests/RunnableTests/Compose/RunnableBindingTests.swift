import Runnable
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RunnableBindingTests {
    private let arguments = AsyncRunnableLambda(name: "args") { (_: Int, config: RunConfig) in config.arguments }
    private let config = AsyncRunnableLambda(name: "conf") { (_: Int, config: RunConfig) in config }

    @Test("LS-122 bind: bound arguments are defaults, later binds and call arguments win")
    func bind() async throws {
        let bound = arguments.bind(["a": 1]).bind(["b": 2, "a": 3])
        #expect(try await bound.ainvoke(0) == ["a": 3, "b": 2])
        let call = RunConfig().with(["b": 4, "c": 5])
        #expect(try await bound.ainvoke(0, config: call) == ["a": 3, "b": 4, "c": 5])
        #expect(try await onThread { try bound.invoke(0, config: call) } == ["a": 3, "b": 4, "c": 5])
        #expect(try await bound.abatch([0, 1], configs: .each([call, RunConfig()])).map(\.count) == [3, 2])
        #expect(try await collect(bound.astream(0)) == [["a": 3, "b": 2]])
        #expect(try await collect(bound.atransform(.elements([0]))) == [["a": 3, "b": 2]])
        #expect(try await arguments.ainvoke(0) == [:])
    }

    @Test("LS-122 arguments are for the bound runnable alone, of a sequence for its first step")
    func arguments() async throws {
        let inner = arguments
        let outer = AsyncRunnableLambda { (x: Int) in try await inner.ainvoke(x) }
        #expect(try await outer.bind(["a": 1]).ainvoke(0) == [:])
        let both = AsyncRunnableLambda { (x: Int, config: RunConfig) in config.arguments.isEmpty ? -1 : x }
        #expect(try await (both | inner).bind(["a": 1]).ainvoke(5) == [:])
        #expect(try await (both | RunnablePassthrough<Int, Int>()).bind(["a": 1]).ainvoke(5) == 5)
        #expect(try await collect((both | RunnablePassthrough<Int, Int>()).bind(["a": 1]).astream(5)) == [5])
        let branch = RunnableBranch(.when({ $0 == 0 }, inner), default: inner)
        #expect(try await branch.bind(["a": 1]).abatch([0, 1]) == [["a": 1], ["a": 1]])
        #expect(try await inner.map().bind(["a": 1]).ainvoke([0, 1]) == [["a": 1], ["a": 1]])
        let left = RunConfig().with(["a": 1, "b": 1])
        let right = RunConfig().with(["b": 2])
        #expect(left.merging(right).arguments == ["a": 1, "b": 2])
        #expect(left.child().arguments.isEmpty)
    }

    @Test("LS-122 with_config: below the call's; tags unite, the call's name wins; a second one merges")
    func withConfig() async throws {
        let bound = config.withConfig(RunConfig(runName: "WN", tags: ["b", "a"], metadata: ["m": 1, "n": 1]))
        let called = try await bound.ainvoke(0, config: RunConfig(tags: ["c"], metadata: ["n": 2]))
        #expect(called.tags == ["a", "b", "c"] && called.metadata == ["m": 1, "n": 2] && called.runName == "WN")
        #expect(try await bound.ainvoke(0, config: RunConfig(runName: "CN")).runName == "CN")
        let twice = config.withConfig(RunConfig(tags: ["b"])).withConfig(RunConfig(tags: ["a"], maxConcurrency: 2))
        #expect(try await twice.ainvoke(0).tags == ["a", "b"])
        #expect(try await twice.ainvoke(0).maxConcurrency == 2)
        #expect(bound.name == "WN" && config.bind(["a": 1]).name == "conf")
    }

    @Test("LS-122 bindings have no run of their own; a name is that of the runnable's run")
    func events() async throws {
        let log = EventLog()
        let increment = RunnableLambda(name: "inc") { (input: Int) in input + 1 }
        let named = increment.bind(["a": 1]).named("x")
        _ = try await named.ainvoke(1, config: RunConfig().observed(by: log))
        #expect(log.lines == ["x start 1", "x end 2 of 1"])
        let second = EventLog()
        let chain = (increment | increment).named("inner") | increment
        _ = try await chain.ainvoke(1, config: RunConfig(runName: "R").observed(by: second))
        let starts = second.all.filter { if case .start = $0.phase { true } else { false } }
        #expect(starts.map(\.name) == ["R", "inner", "inc", "inc", "inc"])
        #expect(starts.map(\.tags) == [[], ["seq:step:1"], ["seq:step:1"], ["seq:step:2"], ["seq:step:2"]])
    }

    @Test("a bound model is still reported as a model")
    func model() async throws {
        struct Model: ChatModel {
            func ainvoke(_ input: ChatPrompt, config: RunConfig) async throws -> Message { .ai("hi") }
        }
        let log = EventLog()
        _ = try await Model().bind(["stop": ["x"]]).ainvoke(ChatPrompt("?"), config: RunConfig().observed(by: log))
        #expect(log.all.map(\.kind) == [.chatModel, .chatModel, .chatModel])
    }
}

extension RunConfig {
    /// The config with arguments.
    fileprivate func with(_ arguments: Value.Object) -> RunConfig {
        var copy = self
        copy.arguments = arguments
        return copy
    }
}
