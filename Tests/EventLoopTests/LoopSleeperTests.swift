import EventLoop
import Testing

@Suite(.timeLimit(.minutes(1))) struct LoopSleeperTests {
    @Test func sleepEndsNotBeforeItsTime() async throws {
        let fixture = try LoopFixture()
        let loop = fixture.loop
        for _ in 0..<3 {
            let target = MonotonicTime.now + .milliseconds(2)
            try await loop.sleep(until: target)
            #expect(MonotonicTime.now >= target)
        }
        let task = Task(executorPreference: loop) {
            try await loop.sleep(for: .milliseconds(1))
            return loop.isCurrent
        }
        #expect(try await task.value)
    }

    @Test func aCancelledTaskWakes() async throws {
        let fixture = try LoopFixture()
        let loop = fixture.loop
        for preference in [loop, nil] {
            let started = Events<Bool>()
            let task = Task(executorPreference: preference) {
                started.add(true)
                try await loop.sleep(for: .seconds(3600))
            }
            _ = await started.next(1)
            task.cancel()
            let result = await task.result
            #expect(throws: CancellationError.self) { try result.get() }
        }
    }

    @Test func aSleeperSleepsAgainAndAgain() async throws {
        let fixture = try LoopFixture()
        let loop = fixture.loop
        let task = Task(executorPreference: loop) {
            let sleeper = LoopSleeper(on: loop)
            for _ in 0..<5 { try await sleeper.sleep(until: .now + .milliseconds(1)) }
            try await sleeper.sleep(until: .now + .seconds(-1))
            return true
        }
        #expect(try await task.value)
    }
}
