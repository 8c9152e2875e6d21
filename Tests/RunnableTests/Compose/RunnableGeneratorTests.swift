import Runnable
import Testing

/// Generators, and lambdas that return runnables.
@Suite(.timeLimit(.minutes(1)))
struct RunnableGeneratorTests {
    @Test("LS-115 a generator's chunks are summed by invoke and pass one by one in a stream")
    func generator() async throws {
        #expect(try await makeG().ainvoke("x") == "abc")
        #expect(try await onThread { try makeG().invoke("x") } == "abc")
        #expect(try await collect(makeG().astream("x")) == ["a", "b", "c"])
        #expect(try await onThread { try makeG().stream("x").collect() } == ["a", "b", "c"])
        #expect(try await collect(makeU().atransform(.elements(["x", "y"]))) == ["X", "Y"])
        let none = RunnableGenerator<RunValue, RunValue, RunValue, RunValue> { _ in .elements([]) }
        #expect(try await none.ainvoke(1) == .null)
        let empty = RunnableGenerator<Int, Int, Int, Int> { _ in .elements([]) }
        await #expect(throws: RunError.self) { try await empty.ainvoke(1) }
        let words = RunnableGenerator<String, String, Message, MessageChunk>(transforming: { input, _ in
            input.mapElements { MessageChunk(text: $0) }
        })
        #expect(try await (makeG() | words).ainvoke("x").content.text == "abc")
    }

    @Test("streams of any asynchronous sequence")
    func sequences() async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
        continuation.yield(1)
        continuation.yield(2)
        continuation.finish()
        #expect(try await collect(RunStream(stream).compactMapElements { $0 > 1 ? $0 : nil }) == [2])
    }

    @Test("LS-120 a lambda's returned runnable is invoked on the same input, and streams")
    func returning() async throws {
        let lambda = RunnableChoosing { (_: Int) in RunnableLambda { (y: Int) in y + 1 } }
        #expect(try await lambda.ainvoke(1) == 2)
        #expect(try await onThread { try lambda.invoke(1) } == 2)
        let streaming = RunnableChoosing { (text: String) in text.isEmpty ? makeG() : makeU() }
        #expect(try await collect(streaming.astream("")) == ["a", "b", "c"])
        #expect(try await collect((makeG() | streaming).astream("")) == ["ABC"])
        let log = EventLog()
        _ = try await lambda.named("f").ainvoke(1, config: RunConfig(tags: ["u"]).observed(by: log))
        #expect(log.lines == ["f start 1", "RunnableLambda start 1", "RunnableLambda end 2 of 1", "f end 2 of 1"])
        #expect(log.all[1].parentIDs == [log.all[0].runID] && log.all[1].tags == ["u"])
    }

    private static func selfReturning(_ calls: Notes) -> RunnableChoosing<Int, Int, Int> {
        RunnableChoosing { (_: Int) in
            calls.add("call")
            return selfReturning(calls)
        }
    }

    @Test("LS-120 at recursion limit 3 a lambda that returns itself fails after 4 calls", arguments: [0, 1, 2])
    func recursion(method: Int) async throws {
        let calls = Notes()
        let config = RunConfig(recursionLimit: 3)
        let error = await #expect(throws: RunError.self) {
            switch method {
            case 0: _ = try await Self.selfReturning(calls).ainvoke(1, config: config)
            case 1: _ = try await collect(Self.selfReturning(calls).astream(1, config: config))
            default: _ = try await onThread { try Self.selfReturning(calls).invoke(1, config: config) }
            }
        }
        #expect(error?.code == .callerInvalid)
        #expect(calls.all.count == 4)
    }

    @Test("LS-120 integer chunks into a lambda are added")
    func addedChunks() async throws {
        let same = RunnableLambda { (input: Int) in input }
        #expect(try await collect(same.atransform(.elements([1, 2, 3]))) == [6])
    }

    @Test("LS-139 a call without a config inside the function has the run's tags, metadata and id")
    func inheritance() async throws {
        let seen = AsyncRunnableLambda { (_: Int, config: RunConfig) in config }
        let kept = Notes()
        let choosing = RunnableChoosing { (x: Int, own: RunConfig) in
            let inner = try await seen.ainvoke(x)
            #expect(inner.tags == ["u"] && inner.metadata == ["m": 1])
            #expect(inner.parentRunID == own.runID && own.runID != nil)
            kept.add("seen")
            return RunnablePassthrough<Int, Int>()
        }
        #expect(try await choosing.ainvoke(1, config: RunConfig(tags: ["u"], metadata: ["m": 1])) == 1)
        #expect(kept.all == ["seen"])
    }

    @Test("LS-139 so has a call in a generator's stream")
    func generatorInheritance() async throws {
        let tags = AsyncRunnableLambda { (_: Int, config: RunConfig) in config.tags }
        let ids = AsyncRunnableLambda { (_: Int, config: RunConfig) in config.parentRunID }
        let generator = RunnableGenerator<Int, Int, [String], [String]> { input in
            input.mapElements { piece in
                #expect(try await ids.ainvoke(piece) == RunConfig.current?.runID)
                return try await tags.ainvoke(piece)
            }
        }
        let config = RunConfig(tags: ["u"])
        #expect(try await collect(generator.atransform(.elements([1, 2]), config: config)) == [["u"], ["u"]])
        #expect(try await generator.ainvoke(1, config: config) == ["u"])
        #expect(RunConfig.current == nil)
    }
}
