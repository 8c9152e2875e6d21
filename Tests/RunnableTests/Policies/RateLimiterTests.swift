import Runnable
import Testing
import WorkerPool

@Suite(.timeLimit(.minutes(1)))
struct RateLimiterTests {
    @Test("LS-130 the bucket starts empty: four calls at 10 a second begin after 0.1, 0.2, 0.3 and 0.4 s")
    func steady() async throws {
        let clock = ManualClock(goesItself: true)
        let limiter = try RateLimiter(callsPerSecond: 10, clock: clock)
        var times: [Duration] = []
        for _ in 0..<4 {
            try await limiter.acquire()
            times.append(clock.elapsed)
        }
        #expect(times == [.milliseconds(100), .milliseconds(200), .milliseconds(300), .milliseconds(400)])
    }

    @Test("LS-130 after a rest as many as the bucket holds begin at once")
    func burst() async throws {
        let clock = ManualClock(goesItself: true)
        let limiter = try RateLimiter(callsPerSecond: 20, burst: 3, clock: clock)
        clock.advance(by: .milliseconds(500))
        var times: [Duration] = []
        for _ in 0..<5 {
            try await limiter.acquire()
            times.append(clock.elapsed - .milliseconds(500))
        }
        #expect(times == [.zero, .zero, .zero, .milliseconds(50), .milliseconds(100)])
    }

    @Test("LS-130 without waiting: no on a new limiter, later yes once and then no")
    func nonBlocking() throws {
        let clock = ManualClock()
        let limiter = try RateLimiter(callsPerSecond: 10, clock: clock)
        #expect(!limiter.tryAcquire())
        clock.advance(by: .milliseconds(150))
        #expect(limiter.tryAcquire())
        #expect(!limiter.tryAcquire())
        clock.advance(by: .milliseconds(50))  // what was over from before had no room
        #expect(!limiter.tryAcquire())
        clock.advance(by: .milliseconds(50))
        #expect(limiter.tryAcquire())
    }

    @Test("LS-130 a bucket that could never admit anybody is refused")
    func invalid() {
        #expect(throws: RunError.self) { try RateLimiter(callsPerSecond: 1, burst: 0) }
        #expect(throws: RunError.self) { try RateLimiter(callsPerSecond: 0) }
        #expect(throws: RunError.self) { try RateLimiter(callsPerSecond: .nan) }
        #expect(throws: RunError.self) { try RateLimiter(callsPerSecond: 1, maximumWaiting: 0) }
    }

    /// Starts calls one after the other, so that they wait in this order, and notes when each was admitted.
    private func waiters(
        _ count: Int,
        _ limiter: RateLimiter,
        _ admitted: Locked<[Int]>
    ) async -> [Task<Void, any Error>] {
        var tasks: [Task<Void, any Error>] = []
        for number in 0..<count {
            let before = limiter.waiting
            tasks.append(
                Task {
                    try await limiter.acquire()
                    admitted.withLock { $0.append(number) }
                }
            )
            while limiter.waiting == before { await Task.yield() }
        }
        return tasks
    }

    @Test("LS-130 who waits is served in order, each when the token is there")
    func order() async throws {
        let clock = ManualClock()
        let limiter = try RateLimiter(callsPerSecond: 1, clock: clock)
        let admitted = Locked<[Int]>([])
        let tasks = await waiters(3, limiter, admitted)
        for number in 0..<3 {
            await clock.sleepers(1)
            #expect(admitted.withLock { $0 } == Array(0..<number))
            clock.advance(by: .seconds(1))
            try await tasks[number].value
        }
        #expect(admitted.withLock { $0 } == [0, 1, 2])
        #expect(clock.sleeps == [.seconds(1), .seconds(1), .seconds(1)])
    }

    @Test("LS-130 a cancelled call leaves its place, the first as well as a later one")
    func cancellation() async throws {
        let clock = ManualClock()
        let limiter = try RateLimiter(callsPerSecond: 1, clock: clock)
        let admitted = Locked<[Int]>([])
        let tasks = await waiters(4, limiter, admitted)
        await clock.sleepers(1)
        for cancelled in [0, 2] {
            tasks[cancelled].cancel()
            await #expect(throws: CancellationError.self) { try await tasks[cancelled].value }
        }
        #expect(limiter.waiting == 2)
        for next in [1, 3] {
            await clock.sleepers(1)
            clock.advance(by: .seconds(1))
            try await tasks[next].value
        }
        #expect(admitted.withLock { $0 } == [1, 3] && clock.elapsed == .seconds(2))
    }

    @Test("a full queue and a deadline that is too near refuse at once, with the wait there would have been")
    func refusals() async throws {
        let clock = ManualClock()
        let limiter = try RateLimiter(callsPerSecond: 1, maximumWaiting: 2, clock: clock)
        let tasks = await waiters(1, limiter, Locked([]))
        let late = await #expect(throws: RunError.self) {
            try await limiter.acquire(before: clock.now + .seconds(2))
        }
        #expect(late?.code == .policyRate && late?.retryAfter == .seconds(2))
        let others = await waiters(1, limiter, Locked([]))
        let full = await #expect(throws: RunError.self) { try await limiter.acquire() }
        #expect(full?.code == .policyQueue && full?.retryAfter == .seconds(3))
        for task in tasks + others { task.cancel() }
    }

    @Test("LS-130 a batch of three takes three tokens, a stream one before its first piece")
    func runnables() async throws {
        let clock = ManualClock(goesItself: true)
        let limiter = try RateLimiter(callsPerSecond: 10, clock: clock)
        let echo = AsyncRunnableLambda { (input: Int) in input }.rateLimited(by: limiter)
        #expect(try await echo.abatch([1, 2, 3]) == [1, 2, 3])
        #expect(clock.elapsed == .milliseconds(300))
        let streamed = ScriptedStream { _ in .elements([1, 2]) }.rateLimited(by: limiter)
        #expect(await outcome(streamed.astream(1)).elements == [1, 2])
        #expect(await outcome(streamed.atransform(.elements([1]))).elements == [1, 2])
        #expect(try await onThread { try echo.invoke(1) } == 1)
        #expect(clock.elapsed == .milliseconds(600))
    }

    @Test("LS-130 a cache hit takes no token")
    func cacheHit() async throws {
        let clock = ManualClock(goesItself: true)
        let limiter = try RateLimiter(callsPerSecond: 10, clock: clock)
        let cached = AsyncRunnableLambda { (input: Int) in input }.rateLimited(by: limiter)
            .cached(in: try InMemoryRunCache(maximumSize: 10))
        for _ in 0..<3 { _ = try await cached.ainvoke(1) }
        #expect(clock.elapsed == .milliseconds(100))
    }
}
