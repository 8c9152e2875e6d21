import Runnable
import Testing

/// Passthrough, assign and pick.
@Suite(.timeLimit(.minutes(1)))
struct RunnableValueStepsTests {
    private let pieces: [RunValue] = [["t": "ab"], ["t": "cd", "u": 1]]
    private let length = valueLambda("n") { input in
        guard case .value(.string(let text))? = input["t"] else { throw TestError(1) }
        return .value(.integer(text.utf8.count))
    }

    private func plusOne(_ key: String) -> ValueRunnable {
        valueLambda("inc") { .value(.integer(($0[key]?.integer ?? 0) + 1)) }
    }

    /// All methods give the same.
    private func expect(
        _ runnable: some Runnable<RunValue, RunValue>,
        _ input: RunValue,
        gives output: RunValue
    ) async throws {
        #expect(try await runnable.ainvoke(input) == output)
        #expect(try await onThread { try runnable.invoke(input) } == output)
        #expect(try await runnable.abatch([input, input]) == [output, output])
    }

    @Test("LS-115 a passthrough hands on value and chunks unchanged")
    func passthrough() async throws {
        let passthrough = RunnablePassthrough<String, String>()
        #expect(try await collect((makeG() | passthrough).astream("x")) == ["a", "b", "c"])
        #expect(try await passthrough.ainvoke("x") == "x")
        #expect(try await collect(passthrough.astream("x")) == ["x"])
        #expect(
            try await onThread { (try passthrough.invoke("x"), try passthrough.stream("x").collect()) } == ("x", ["x"])
        )
        let messages = RunnablePassthrough<Message, MessageChunk>()
        #expect(try await collect(messages.astream(.ai("hi"))).map(\.content.text) == ["hi"])
    }

    @Test("LS-121 assign: computed keys are added and win; the input must be an object")
    func assign() async throws {
        try await expect(RunnableAssign("b", plusOne("a")), ["a": 1], gives: ["a": 1, "b": 2])
        try await expect(RunnableAssign("a", plusOne("a")), ["a": 1, "z": 0], gives: ["a": 2, "z": 0])
        let two = RunnableAssign(RunnableParallel(("b", plusOne("a")), ("c", RunnablePick("a"))))
        try await expect(two, ["a": 1], gives: ["a": 1, "b": 2, "c": 1])
        #expect(two.name == "RunnableAssign<b,c>")
        for method in 0..<3 {
            let error = await #expect(throws: RunError.self) {
                switch method {
                case 0: _ = try await two.ainvoke("text")
                case 1: _ = try await collect(two.astream("text"))
                default: _ = try await onThread { try two.invoke("text") }
                }
            }
            #expect(error?.code == .callerInvalid && error?.status == 422)
        }
    }

    @Test("LS-121 assign streams the input without the computed keys first, and no empty remainder")
    func assignStream() async throws {
        let x = RunnableAssign("x", valueLambda("x") { _ in 2 })
        #expect(try await collect(x.astream(["a": 1, "x": 0])) == [["a": 1], ["x": 2]])
        #expect(try await collect(x.astream(["x": 0])) == [["x": 2]])
        let n = RunnableAssign("n", length)
        #expect(try await collect(n.atransform(.elements(pieces))) == pieces + [["n": 4]])
        #expect(try await collect(n.atransform(.elements([]))).isEmpty)
        let streaming = RunnableAssign("g", valueG)
        #expect(try await collect(streaming.astream(["a": 1])) == [["a": 1], ["g": "a"], ["g": "b"], ["g": "c"]])
    }

    @Test("LS-116 LS-117 assign pulls pieces when they are asked for, and dropping it drops the input")
    func assignIsLazy() async throws {
        let tap = Tap()
        let objects = tap.stream().mapElements { RunValue("a", .value(.integer($0))) }
        var iterator = RunnableAssign("n", length).atransform(objects).makeAsyncIterator()
        #expect(try await iterator.next() == ["a": 0])
        #expect(try await iterator.next() == ["a": 1])
        #expect(tap.pulled == 2)
        iterator.cancel()
        #expect(tap.cancelled == 1)
    }

    @Test("LS-121 pick: one key, or those there are")
    func pick() async throws {
        try await expect(RunnablePick("a"), ["a": 1], gives: 1)
        try await expect(RunnablePick("z"), ["a": 1], gives: nil)
        try await expect(RunnablePick(["a", "z"]), ["a": 1, "b": 2], gives: ["a": 1])
        try await expect(RunnablePick(["z"]), ["a": 1], gives: nil)
        #expect(RunnablePick(["a", "z"]).name == "RunnablePick<a,z>")
        let error = await #expect(throws: RunError.self) { try await RunnablePick("a").ainvoke([1]) }
        #expect(error?.code == .callerInvalid)
    }

    @Test("LS-121 pick streams what it finds and skips nulls")
    func pickStream() async throws {
        #expect(try await collect(RunnablePick("t").atransform(.elements(pieces))) == ["ab", "cd"])
        #expect(try await collect(RunnablePick("u").atransform(.elements(pieces))) == [1])
        #expect(try await collect(RunnablePick(["u"]).atransform(.elements(pieces))) == [["u": 1]])
        #expect(try await collect(RunnablePick("z").astream(["a": 1])).isEmpty)
        let tap = Tap()
        let objects = tap.stream().mapElements { RunValue("a", .value(.integer($0))) }
        for try await _ in RunnablePick("a").atransform(objects) { break }
        #expect(tap.pulled == 1 && tap.cancelled == 1)
    }

    @Test("assign and pick hold messages, too")
    func messages() async throws {
        let answer = AsyncRunnableLambda { (_: RunValue) in Message.ai("yes") }
        let chain = RunnablePassthrough<RunValue, RunValue>().assigning("m", answer).picking("m")
        #expect(try await chain.ainvoke(["q": "?"]) == .message(.ai("yes")))
    }
}

extension RunValue {
    /// The whole number, if it is one.
    var integer: Int? {
        if case .value(let value) = self { value.integer } else { nil }
    }
}
