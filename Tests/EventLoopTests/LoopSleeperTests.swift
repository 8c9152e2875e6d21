import EventLoop
import Testing

@Suite(.timeLimit(.minutes(1)))
struct LoopSleeperTests {
    let loop: EventLoop

    init() throws {
        loop = try EventLoop(name: "sleepers")
        try loop.start()
    }

    @Test("sleepers wake in the order of their times, not of their calls")
    func order() async throws {
        let loop = loop
        let start = MonotonicTime.now + .milliseconds(20)
        let woken = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in [4, 1, 3, 0, 2] {
                group.addTask(executorPreference: loop) {
                    try await loop.sleep(until: start + .milliseconds(5 * number))
                    return number
                }
            }
            var woken: [Int] = []
            for try await number in group { woken.append(number) }
            return woken
        }
        #expect(woken == [0, 1, 2, 3, 4])
        loop.stop()
    }

    @Test("a sleep never ends early", arguments: [0, 1, 999, 1_000_001, 3_000_000])
    func notEarly(nanoseconds: UInt64) async throws {
        let end = MonotonicTime.now + .nanoseconds(Int64(nanoseconds))
        try await loop.sleep(until: end)
        #expect(MonotonicTime.now >= end)
        loop.stop()
    }

    @Test("one sleeper serves many sleeps, on the loop and off it", arguments: [true, false])
    func reuse(prefersLoop: Bool) async throws {
        let sleeper = LoopSleeper(on: loop)
        let task = Task(executorPreference: prefersLoop ? loop : nil) {
            for _ in 0..<50 { try await sleeper.sleep(until: .now) }
        }
        try await task.value
        loop.stop()
    }

    @Test("cancelling ends a sleep at once", arguments: [true, false])
    func cancellation(prefersLoop: Bool) async throws {
        let task = Task(executorPreference: prefersLoop ? loop : nil) {
            try await loop.sleep(until: .distantFuture)
        }
        await Task.yield()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        loop.stop()
    }

    @Test("a cancelled task does not sleep", arguments: [true, false])
    func cancelledBefore(prefersLoop: Bool) async throws {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let task = Task(executorPreference: prefersLoop ? loop : nil) {
            for await _ in gate { break }
            let sleeper = LoopSleeper(on: loop)
            await #expect(throws: CancellationError.self) { try await sleeper.sleep(until: .distantFuture) }
            try await sleeper.sleep(until: .distantFuture)
        }
        task.cancel()
        open.finish()
        await #expect(throws: CancellationError.self) { try await task.value }
        loop.stop()
    }
}
