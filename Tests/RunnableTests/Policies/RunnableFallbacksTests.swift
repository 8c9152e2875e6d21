import Runnable
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RunnableFallbacksTests {
    private func failing(_ number: Int) -> AsyncRunnableLambda<Int, Int> {
        AsyncRunnableLambda { (_: Int) -> Int in throw TestError(number) }
    }

    private let ok = AsyncRunnableLambda { (input: Int) in input + 100 }

    @Test("LS-126 a fallback is called when the one before failed; the first error is thrown when all do")
    func order() async throws {
        #expect(try await failing(1).withFallbacks([failing(2).erased, ok.erased]).ainvoke(1) == 101)
        let allFail = failing(1).withFallbacks([failing(2).erased, failing(3).erased])
        await #expect(throws: TestError(1)) { try await allFail.ainvoke(1) }
        await #expect(throws: TestError(1)) { try await onThread { try allFail.invoke(1) } }
        let (_, error) = await outcome(allFail.astream(1))
        #expect(error as? TestError == TestError(1))
        #expect(try await onThread { try failing(1).withFallbacks([ok.erased]).invoke(1) } == 101)
    }

    @Test("LS-126 an error that is not handled is thrown at once, also a fallback's")
    func handling() async throws {
        let counts = CallCounts()
        let counting = AsyncRunnableLambda { (input: Int) in counts.note(input) }
        let handlesOne: @Sendable (any Error) -> Bool = { ($0 as? TestError)?.number == 1 }
        let first = failing(2).withFallbacks([counting.erased], handling: handlesOne)
        await #expect(throws: TestError(2)) { try await first.ainvoke(1) }
        let second = failing(1).withFallbacks([failing(2).erased, counting.erased], handling: handlesOne)
        await #expect(throws: TestError(2)) { try await second.ainvoke(1) }
        #expect(counts.all.isEmpty)
    }

    @Test("LS-126 the exception key holds the error in a copy of the input")
    func exceptionKey() async throws {
        let broken = AsyncRunnableLambda { (_: RunValue) -> RunValue in throw RunError(.upstreamRate, "slow down") }
        let echo = AsyncRunnableLambda { (input: RunValue) in input }
        let runnable = broken.withFallbacks([echo.erased], exceptionKey: "err")
        let input: RunValue = ["a": 1]
        #expect(try await runnable.ainvoke(input) == ["a": 1, "err": "slow down"])
        #expect(input == ["a": 1])
        let again = broken.withFallbacks([broken.erased, echo.erased], exceptionKey: "a")
        #expect(try await again.ainvoke(input) == ["a": "slow down"])
        let refused = await #expect(throws: RunError.self) {
            try await echo.withFallbacks([], exceptionKey: "err").ainvoke(1)
        }
        #expect(refused?.code == .callerInvalid)
    }

    @Test("LS-127 a stream falls back before its first piece and not after it")
    func streams() async throws {
        let good = ScriptedStream { _ in .elements(["c1", "c2"]) }
        let early = ScriptedStream<String> { _ in .failing(TestError(1)) }
        let late = ScriptedStream { _ in
            pulled { place in
                if place == 1 { throw TestError(1) }
                return "x1"
            }
        }
        let before = await outcome(early.withFallbacks([good.erased]).astream(1))
        #expect(before.elements == ["c1", "c2"] && before.error == nil)
        let after = await outcome(late.withFallbacks([good.erased]).astream(1))
        #expect(after.elements == ["x1"] && after.error as? TestError == TestError(1))
    }

    @Test("LS-127 a stream without any piece falls back, and is an error when nothing is left")
    func emptyStreams() async throws {
        let good = ScriptedStream { _ in .elements(["c1"]) }
        let empty = ScriptedStream<String> { _ in .elements([]) }
        #expect(await outcome(empty.withFallbacks([good.erased]).astream(1)).elements == ["c1"])
        let (elements, error) = await outcome(empty.withFallbacks([empty.erased]).astream(1))
        #expect(elements.isEmpty && (error as? RunError)?.code == .truncated)
        let transformed = await outcome(empty.withFallbacks([good.erased]).atransform(.elements([1])))
        #expect(transformed.elements == ["c1"])
    }

    @Test("LS-128 a batch gives on only what failed, and tells each input's last error")
    func batch() async throws {
        let counts = CallCounts()
        let odd = AsyncRunnableLambda { (input: Int) in
            if input % 2 == 1 { throw TestError(input) }
            return input
        }
        let next = AsyncRunnableLambda { (input: Int) in
            _ = counts.note(input)
            if input == 3 { throw TestError(33) }
            return -input
        }
        let runnable = odd.withFallbacks([next.erased])
        let results = try await runnable.abatchResults([1, 2, 3])
        #expect(results.map(\.output) == [-1, 2, nil] && results[2].number == 33)
        #expect(counts.all == [1: 1, 3: 1])
        let blocking = try await onThread { try runnable.batchResults([1, 2, 3]) }
        #expect(blocking.map(\.number) == [nil, nil, 33])
        await #expect(throws: TestError(33)) { try await runnable.abatch([1, 2, 3]) }
    }

    @Test("nothing is called after a cancellation or the deadline")
    func noFallback() async throws {
        let counts = CallCounts()
        let counting = AsyncRunnableLambda { (input: Int) in counts.note(input) }
        let cancelled = AsyncRunnableLambda { (_: Int) -> Int in throw CancellationError() }
        await #expect(throws: CancellationError.self) {
            try await cancelled.withFallbacks([counting.erased]).ainvoke(1)
        }
        let clock = ManualClock()
        let slow = AsyncRunnableLambda { (_: Int) -> Int in
            clock.advance(by: .seconds(10))
            throw TestError(1)
        }
        let late = slow.withFallbacks([counting.erased], clock: clock)
        let config = RunConfig(deadline: clock.now + .seconds(5))
        await #expect(throws: TestError(1)) { try await late.ainvoke(1, config: config) }
        #expect(await outcome(late.astream(1, config: RunConfig(deadline: clock.now + .seconds(5)))).error is TestError)
        #expect(counts.all.isEmpty)
    }

    @Test("dropping the iterator ends the chosen stream")
    func dropping() async throws {
        let cancelled = Gate()
        let early = ScriptedStream<Int> { _ in .failing(TestError(1)) }
        let endless = ScriptedStream<Int> { _ in RunStream { CancelNoting(cancelled) } }
        var iterator: RunStream<Int>.Iterator? =
            early.withFallbacks([endless.erased]).astream(1).makeAsyncIterator()
        #expect(try await iterator?.next() == 1)
        iterator = nil
        await cancelled.wait()
    }
}

/// Gives 1 for ever, and opens a gate when it is cancelled.
final class CancelNoting: RunSource {
    private let gate: Gate

    init(_ gate: Gate) { self.gate = gate }

    func next() async throws -> Int? { 1 }

    func cancel() { gate.open() }
}
