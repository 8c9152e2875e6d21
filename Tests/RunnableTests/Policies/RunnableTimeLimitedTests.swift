import Runnable
import Testing
import WorkerPool

@Suite(.timeLimit(.minutes(1)))
struct RunnableTimeLimitedTests {
    @Test("work that ends in time is given, with the limit as its deadline")
    func inTime() async throws {
        let clock = ManualClock()
        let deadline = AsyncRunnableLambda { (_: Int, config: RunConfig) in config.deadline == clock.now + .seconds(5) }
        #expect(try await deadline.withTimeout(.seconds(5), clock: clock).ainvoke(1))
        #expect(await outcome(deadline.withTimeout(.seconds(5), clock: clock).astream(1)).elements == [true])
        #expect(try await onThread { try deadline.withTimeout(.seconds(5), clock: clock).invoke(1) })
        let earlier = RunConfig(deadline: clock.now + .seconds(5))
        #expect(try await deadline.withTimeout(.seconds(9), clock: clock).ainvoke(1, config: earlier))
    }

    @Test("work that takes longer is cancelled, awaited, and a timeout")
    func tooLate() async throws {
        let clock = ManualClock()
        let hasEnded = Locked(false)
        let slow = AsyncRunnableLambda { (_: Int) -> Int in
            defer { hasEnded.withLock { $0 = true } }
            try await Gate.waitForCancellation()
            return 1
        }
        let task = Task { try await slow.withTimeout(.seconds(5), clock: clock).ainvoke(1) }
        await clock.sleepers(1)
        clock.advance(by: .seconds(5))
        let error = await #expect(throws: RunError.self) { try await task.value }
        #expect(error?.code == .timeoutTotal && hasEnded.withLock { $0 })
    }

    @Test("a blocking call is made on the calling thread, and cancelled as the pool's work is")
    func blocking() async throws {
        let clock = ManualClock()
        let stop = Monitor(false)
        let slow = RunnableLambda { (_: Int) in
            let work = try #require(WorkerPool.current)
            work.withHandler {
                stop.withLock { $0 = true }
                stop.broadcast()
            } _: {
                stop.wait { $0 ? () : nil }
            }
            return threadNumber()
        }
        let task = Task { try await onThread { try slow.withTimeout(.seconds(5), clock: clock).invoke(1) } }
        await clock.sleepers(1)
        clock.advance(by: .seconds(5))
        let error = await #expect(throws: RunError.self) { try await task.value }
        #expect(error?.code == .timeoutTotal)
        let number = RunnableLambda { (_: Int) in threadNumber() }.withTimeout(.seconds(5), clock: clock)
        #expect(try await onThread { try number.invoke(1) == threadNumber() })
    }

    @Test("an error of the work is thrown as it is, and a cancellation of the caller is one")
    func otherEnds() async throws {
        let clock = ManualClock()
        let broken = AsyncRunnableLambda { (_: Int) -> Int in throw TestError(1) }
        await #expect(throws: TestError(1)) {
            try await broken.withTimeout(.seconds(5), clock: clock).ainvoke(1)
        }
        let slow = AsyncRunnableLambda { (_: Int) -> Int in
            try await Gate.waitForCancellation()
            return 1
        }
        let task = Task { try await slow.withTimeout(.seconds(5), clock: clock).ainvoke(1) }
        await clock.sleepers(1)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("a stream is limited as a whole, its pieces until then are given")
    func stream() async throws {
        let clock = ManualClock()
        let slow = ScriptedStream { _ in
            pulled { place in
                if place == 2 { try await Gate.waitForCancellation() }
                return place
            }
        }
        var iterator = slow.withTimeout(.seconds(5), clock: clock).astream(1).makeAsyncIterator()
        #expect(try await iterator.next() == 0)
        await clock.sleepers(1)
        clock.advance(by: .seconds(4))
        #expect(try await iterator.next() == 1)
        clock.advance(by: .seconds(1))
        do {
            _ = try await iterator.next()
            Issue.record("no timeout")
        } catch {
            #expect((error as? RunError)?.code == .timeoutTotal)
        }
    }

    @Test("dropping a limited stream ends its work")
    func dropping() async throws {
        let cancelled = Gate()
        let endless = ScriptedStream<Int> { _ in RunStream { CancelNoting(cancelled) } }
        var iterator: RunStream<Int>.Iterator? = endless.withTimeout(.seconds(5), clock: ManualClock()).astream(1)
            .makeAsyncIterator()
        #expect(try await iterator?.next() == 1)
        iterator = nil
        await cancelled.wait()
    }
}
