import Runnable
import Testing
import WorkerPool

/// What holds for any pipeline: pipelines put together at random. A failure names its seed.
@Suite(.timeLimit(.minutes(1)))
struct ComposedPropertyTests {
    /// SplitMix64.
    struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    /// Counts what begins and ends in a pipeline's leaves, and can make them fail or wait.
    final class Leaves: Sendable {
        private struct State {
            var running = 0
            var begun = 0
        }

        private let state = Locked(State())
        let failsOn: Int?
        let waits: Bool
        let hasBegun = Gate()

        init(failsOn: Int? = nil, waits: Bool = false) {
            self.failsOn = failsOn
            self.waits = waits
        }

        var running: Int { state.withLock { $0.running } }

        func pass(_ input: RunValue) async throws {
            state.withLock { state in
                state.running += 1
                state.begun += 1
            }
            defer { state.withLock { $0.running -= 1 } }
            hasBegun.open()
            if waits { try await Gate.waitForCancellation() }
            if let failsOn, input["id"]?.integer == failsOn { throw TestError(failsOn) }
            await Task.yield()
        }
    }

    /// A random pipeline from object to object that keeps the member `id`.
    private static func pipeline(_ random: inout Random, _ leaves: Leaves, depth: Int) -> ValueRunnable {
        let key = "k\(Int.random(in: 0..<4, using: &random))"
        switch depth > 0 ? Int.random(in: 0..<8, using: &random) : Int.random(in: 0..<2, using: &random) {
        case 0: return leaf(key, leaves)
        case 1: return RunnablePassthrough<RunValue, RunValue>().erased
        case 2, 3:
            return (pipeline(&random, leaves, depth: depth - 1) | pipeline(&random, leaves, depth: depth - 1)).erased
        case 4:
            let branches = RunnableParallel<RunValue, RunValue>()
                .adding("id", RunnablePick("id"))
                .adding("a", pipeline(&random, leaves, depth: depth - 1))
                .adding("b", pipeline(&random, leaves, depth: depth - 1))
            return branches.erased
        case 5: return RunnableAssign(key, pipeline(&random, leaves, depth: depth - 1)).erased
        case 6: return (leaf(key, leaves) | RunnablePick(["id", key])).erased
        default:
            let modulus = Int.random(in: 1..<4, using: &random)
            return RunnableBranch(
                .when({ ($0["id"]?.integer ?? 0) % modulus == 0 }, pipeline(&random, leaves, depth: depth - 1)),
                default: pipeline(&random, leaves, depth: depth - 1)
            ).erased
        }
    }

    /// Adds a member of text in two pieces, after the pieces of the input.
    private static func leaf(_ key: String, _ leaves: Leaves) -> ValueRunnable {
        AsyncRunnableLambda(name: "leaf") { (input: RunValue) -> RunValue in
            try await leaves.pass(input)
            var members = input.members ?? RunValue.Members()
            members[key] = .string("made of \(members.all.count)")
            return RunValue(members)
        }.erased
    }

    private static func pieces(of input: RunValue) -> [RunValue] {
        (input.members?.all ?? []).map { RunValue($0.key, $0.value) }
    }

    @Test("LS-118 the chunks of any pipeline add up to what invoke gives, and all methods agree", arguments: 0..<60)
    func sums(seed: UInt64) async throws {
        var random = Random(state: seed)
        let leaves = Leaves()
        let pipeline = Self.pipeline(&random, leaves, depth: 3)
        let input: RunValue = ["id": 3, "text": "abc"]
        let whole = try await pipeline.ainvoke(input)
        #expect(whole["id"] == 3)
        #expect(try sum(try await collect(pipeline.astream(input))) == whole)
        #expect(try sum(try await collect(pipeline.atransform(.elements(Self.pieces(of: input))))) == whole)
        let (invoked, streamed) = try await onThread {
            (try pipeline.invoke(input), try pipeline.stream(input).collect())
        }
        #expect(invoked == whole)
        #expect(try sum(streamed) == whole)
        #expect(leaves.running == 0)
    }

    @Test("LS-105 LS-106 LS-110 batches of any pipeline keep order, membership and failures", arguments: 0..<40)
    func batches(seed: UInt64) async throws {
        var random = Random(state: seed)
        let leaves = Leaves(failsOn: 5)
        let pipeline = Self.pipeline(&random, leaves, depth: 3)
        let inputs = (0..<9).map { RunValue("id", .value(.integer($0))) }
        let config = RunConfig(maxConcurrency: Int.random(in: 1..<5, using: &random))
        let results = try await pipeline.abatchResults(inputs, configs: .shared(config))
        #expect(results.count == 9)
        for (index, result) in results.enumerated() {
            if case .success(let output) = result { #expect(output["id"]?.integer == index) }
            if result.number != nil { #expect(index == 5 && result.number == 5) }
        }
        let blocking = try await onThread { try pipeline.batchResults(inputs, configs: .shared(config)) }
        #expect(blocking.map(\.output) == results.map(\.output))
        if results[5].number != nil {
            await #expect(throws: TestError(5)) { try await pipeline.abatch(inputs, configs: .shared(config)) }
        }
        #expect(leaves.running == 0)
    }

    @Test("LS-140 cancelling any pipeline leaves nothing running, and every run has one end", arguments: 0..<40)
    func cancellation(seed: UInt64) async throws {
        var random = Random(state: seed)
        let leaves = Leaves(waits: true)
        let first = Self.leaf("first", leaves)
        let inner = RunnableParallel(("id", RunnablePick("id")), ("a", first)).erased
        let pipeline = inner | Self.pipeline(&random, Leaves(), depth: 2)
        let log = EventLog()
        let config = RunConfig().observed(by: log)
        let streams = Bool.random(using: &random)
        let task = Task {
            if streams {
                _ = try await collect(pipeline.astream(["id": 1], config: config))
            } else {
                _ = try await pipeline.abatch([["id": 1], ["id": 2]], configs: .shared(config))
            }
        }
        await leaves.hasBegun.wait()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        // A stream whose reader is cancelled between two pieces is told to stop, and does so a moment after the reader.
        while leaves.running > 0 || log.openRuns > 0 { await Task.yield() }
        expectComplete(log)
    }

    @Test("LS-138 every run of any pipeline that is watched has one start and one end", arguments: 0..<40)
    func observed(seed: UInt64) async throws {
        var random = Random(state: seed)
        let pipeline = Self.pipeline(&random, Leaves(), depth: 3).named("root")
        let (invoked, streamed, blocking) = (EventLog(), EventLog(), EventLog())
        let input: RunValue = ["id": 3]
        let whole = try await pipeline.ainvoke(input, config: RunConfig().observed(by: invoked))
        let chunks = try await collect(pipeline.astream(input, config: RunConfig().observed(by: streamed)))
        _ = try await onThread { try pipeline.invoke(input, config: RunConfig().observed(by: blocking)) }
        #expect(try sum(chunks) == whole)
        for log in [invoked, streamed, blocking] { expectComplete(log) }
        let names = { (log: EventLog) in Set(log.all.map(\.name)) }
        #expect(names(invoked) == names(streamed) && names(invoked) == names(blocking))
    }
}
