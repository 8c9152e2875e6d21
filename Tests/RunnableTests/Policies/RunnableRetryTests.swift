import Runnable
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RunnableRetryTests {
    /// Fails as long as `failures` says for the number of the call, counted from 1.
    private func failing(
        _ counts: CallCounts,
        _ error: @escaping @Sendable (Int, Int) -> (any Error)?
    ) -> AsyncRunnableLambda<Int, Int> {
        AsyncRunnableLambda(name: "F") { (input: Int) in
            let number = counts.note(input)
            if let error = error(input, number) { throw error }
            return 10 * input
        }
    }

    @Test("LS-123 a call that fails twice succeeds at the third attempt", arguments: [0, 0.5, 1])
    func waits(_ random: Double) async throws {
        let (counts, clock) = (CallCounts(), ManualClock(goesItself: true))
        let flaky = failing(counts) { _, number in number < 3 ? TestError(number) : nil }
        let policy = RetryPolicy(waits: RetryWaits(random: { random }), clock: clock)
        #expect(try await flaky.withRetry(policy).ainvoke(4) == 40)
        #expect(clock.sleeps == [.seconds(1 + random), .seconds(2 + random)])
        #expect(counts.all == [4: 3])
    }

    @Test("LS-123 the last error is thrown as it is, after as many attempts as allowed", arguments: [1, 3])
    func givesUp(_ attempts: Int) async throws {
        let (counts, clock) = (CallCounts(), ManualClock(goesItself: true))
        let broken = failing(counts) { _, number in TestError(number) }
        let retry = broken.withRetry(RetryPolicy(attempts: attempts, clock: clock))
        await #expect(throws: TestError(attempts)) { try await retry.ainvoke(1) }
        #expect(counts.all == [1: attempts])
    }

    @Test("LS-123 no waits without jitter, and exact ones with an initial wait alone")
    func otherWaits() async throws {
        let (counts, clock) = (CallCounts(), ManualClock(goesItself: true))
        let broken = failing(counts) { _, number in TestError(number) }
        _ = await #expect(throws: TestError.self) {
            try await broken.withRetry(RetryPolicy(waits: nil, clock: clock)).ainvoke(1)
        }
        #expect(clock.sleeps.isEmpty && counts.all == [1: 3])
        let waits = RetryWaits(initial: .milliseconds(100), jitter: .zero)
        _ = await #expect(throws: TestError.self) {
            try await broken.withRetry(RetryPolicy(waits: waits, clock: clock)).ainvoke(2)
        }
        #expect(clock.sleeps == [.milliseconds(100), .milliseconds(200)])
        #expect(RetryWaits(maximum: .seconds(3), random: { 1 }).wait(after: 5) == .seconds(3))
        #expect(RetryWaits(random: { 1 }).wait(after: 1000) == .seconds(31_536_000))
    }

    @Test("LS-123 what is not to be retried is not: other errors, refusals, cancellations")
    func predicate() async throws {
        let clock = ManualClock(goesItself: true)
        func calls(_ error: any Error, _ policy: RetryPolicy) async -> Int? {
            let counts = CallCounts()
            _ = try? await failing(counts) { _, _ in error }.withRetry(policy).ainvoke(1)
            return counts.all[1]
        }
        let standard = RetryPolicy(clock: clock)
        #expect(await calls(TestError(1), standard) == 3)
        #expect(await calls(RunError(.upstream5xx), standard) == 3)
        #expect(await calls(RunError(.upstreamAuth), standard) == 1)
        #expect(await calls(CancellationError(), standard) == 1)
        let onlyFirst = RetryPolicy(isRetryable: { ($0 as? TestError)?.number == 1 }, clock: clock)
        #expect(await calls(TestError(2), onlyFirst) == 1)
        #expect(await calls(CancellationError(), RetryPolicy(isRetryable: { _ in true }, clock: clock)) == 1)
    }

    @Test("an error's retry-after is the least wait, also where there are none")
    func retryAfter() async throws {
        let (counts, clock) = (CallCounts(), ManualClock(goesItself: true))
        let limited = failing(counts) { _, number in
            number < 2 ? RunError(.upstreamRate, retryAfter: .seconds(7)) : nil
        }
        _ = try await limited.withRetry(RetryPolicy(waits: nil, clock: clock)).ainvoke(1)
        _ = try await limited.withRetry(RetryPolicy(clock: clock)).ainvoke(2)
        #expect(clock.sleeps == [.seconds(7), .seconds(7)])
    }

    @Test("no wait begins that would not end before the deadline")
    func deadline() async throws {
        let (counts, clock) = (CallCounts(), ManualClock(goesItself: true))
        let broken = failing(counts) { _, number in TestError(number) }
        let waits = RetryWaits(initial: .seconds(10), jitter: .zero)
        let config = RunConfig(deadline: clock.now + .seconds(25))
        await #expect(throws: TestError(2)) {
            try await broken.withRetry(RetryPolicy(waits: waits, clock: clock)).ainvoke(1, config: config)
        }
        #expect(clock.sleeps == [.seconds(10)])
    }

    @Test("LS-124 a batch makes the failed calls again, each for itself")
    func batch() async throws {
        let clock = ManualClock(goesItself: true)
        @Sendable func flaky(_ counts: CallCounts) -> RunnableRetry<AsyncRunnableLambda<Int, Int>> {
            failing(counts) { input, number in
                input == 1 && number < 3 || input == 2 ? TestError(input) : nil
            }.withRetry(RetryPolicy(clock: clock))
        }
        let counts = CallCounts()
        let results = try await flaky(counts).abatchResults([0, 1, 2, 3])
        #expect(results.map(\.output) == [0, 10, nil, 30] && results[2].number == 2)
        #expect(counts.all == [0: 1, 1: 3, 2: 3, 3: 1])
        await #expect(throws: TestError(2)) { try await flaky(CallCounts()).abatch([0, 1, 2, 3]) }
        let blocking = try await onThread { try flaky(CallCounts()).batchResults([0, 1, 2, 3]) }
        #expect(blocking.map(\.output) == [0, 10, nil, 30])
    }

    @Test("LS-125 an input whose error is not retried leaves the others alone")
    func batchWithRefusal() async throws {
        let counts = CallCounts()
        let refused = failing(counts) { input, _ in input == 0 ? RunError(.callerInvalid) : nil }
        let results = try await refused.withRetry().abatchResults([0, 1, 2])
        #expect(results.map(\.output) == [nil, 10, 20] && counts.all[0] == 1)
    }

    @Test("LS-123 streams and transforms are not retried")
    func streams() async throws {
        let counts = CallCounts()
        let broken = ScriptedStream { input in
            pulled { place in
                if place == 1 { throw TestError(counts.note(input)) }
                return place
            }
        }
        let (elements, error) = await outcome(broken.withRetry().astream(1, config: RunConfig()))
        #expect(elements == [0] && error as? TestError == TestError(1))
        let (transformed, _) = await outcome(broken.withRetry().atransform(.elements([2]), config: RunConfig()))
        #expect(transformed == [0] && counts.all == [1: 1, 2: 1])
    }

    @Test("a blocking call waits and retries where it was made")
    func blocking() async throws {
        let (counts, clock) = (CallCounts(), ManualClock(goesItself: true))
        let flaky = RunnableLambda { (input: Int) in
            if counts.note(input) < 3 { throw TestError(1) }
            return threadNumber()
        }
        let retry = flaky.withRetry(RetryPolicy(waits: RetryWaits(random: { 0 }), clock: clock))
        #expect(try await onThread { try retry.invoke(1) == threadNumber() })
        #expect(clock.sleeps == [.seconds(1), .seconds(2)])
    }

    @Test("attempts are runs below the retry's own, tagged from the second on")
    func events() async throws {
        let (counts, clock) = (CallCounts(), ManualClock(goesItself: true))
        let flaky = failing(counts) { _, number in number < 3 ? TestError(number) : nil }
        let log = EventLog()
        let config = RunConfig(runName: "R").observed(by: log)
        _ = try await flaky.withRetry(RetryPolicy(clock: clock)).ainvoke(1, config: config)
        let starts = log.all.filter { if case .start = $0.phase { true } else { false } }
        #expect(starts.map(\.name) == ["R", "F", "F", "F"])
        #expect(starts.map(\.tags) == [[], [], ["retry:attempt:2"], ["retry:attempt:3"]])
        #expect(log.lines.last == "R end 10 of 1")
    }

    @Test("cancelling ends a wait")
    func cancellation() async throws {
        let (counts, clock) = (CallCounts(), ManualClock())
        let broken = failing(counts) { _, number in TestError(number) }
        let task = Task { try await broken.withRetry(RetryPolicy(clock: clock)).ainvoke(1) }
        await clock.sleepers(1)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(counts.all == [1: 1])
    }

    @Test("a budget allows a share of the calls and a few more")
    func budget() async throws {
        let budget = RetryBudget(ratio: 0.25, reserve: 2)
        let clock = ManualClock(goesItself: true)
        let counts = CallCounts()
        let broken = failing(counts) { _, number in TestError(number) }
        let retry = broken.withRetry(RetryPolicy(attempts: 2, budget: budget, clock: clock))
        for _ in 0..<12 { _ = try? await retry.ainvoke(1) }
        #expect(counts.all[1] == 12 + 2 + 2)  // a quarter of the calls, but the first deposits found the reserve full
        for _ in 0..<100 { budget.noteCall() }
        #expect(budget.available == 2)
        #expect(budget.takeRetry() && budget.takeRetry() && !budget.takeRetry())
    }
}
