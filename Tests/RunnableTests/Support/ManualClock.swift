import Runnable
import WorkerPool

/// A clock that goes when the test says so, or by itself to where somebody wants to sleep to.
final class ManualClock: RunClock {
    private struct Sleeper {
        let number: Int
        let instant: ContinuousClock.Instant
        let continuation: UnsafeContinuation<Void, any Error>
    }

    private struct State {
        var now: ContinuousClock.Instant
        var sleepers: [Sleeper] = []
        var last = 0
        var sleeps: [Duration] = []
        var expected: [(count: Int, gate: Gate)] = []
    }

    /// Where it began.
    let start: ContinuousClock.Instant
    private let goesItself: Bool
    private let state: Locked<State>

    /// - Parameter goesItself: whether sleeping sets the clock to the end of the sleep, which then is over.
    init(goesItself: Bool = false) {
        start = .now + .seconds(3600)  // so that nothing that looks at the real clock finds a deadline passed
        self.goesItself = goesItself
        state = Locked(State(now: start))
    }

    var now: ContinuousClock.Instant { state.withLock { $0.now } }

    /// The time since the start.
    var elapsed: Duration { now - start }

    /// How long the sleeps were to be that were begun so far.
    var sleeps: [Duration] { state.withLock { $0.sleeps } }

    func sleep(until instant: ContinuousClock.Instant) async throws {
        let number = state.withLock { state in
            state.last += 1
            state.sleeps.append(instant - state.now)
            if goesItself { state.now = max(state.now, instant) }
            return state.last
        }
        try await wait(number, instant)
    }

    private func wait(
        _ number: Int,
        _ instant: ContinuousClock.Instant,
        isolation: isolated (any Actor)? = #isolation
    ) async throws {
        try await withTaskCancellationHandler {
            _ = isolation
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                let (result, gates) = state.withLock { state -> (Result<Void, any Error>?, [Gate]) in
                    if Task.isCancelled { return (.failure(CancellationError()), []) }
                    if instant <= state.now { return (.success(()), []) }
                    state.sleepers.append(Sleeper(number: number, instant: instant, continuation: continuation))
                    let count = state.sleepers.count
                    let gates = state.expected.filter { $0.count <= count }.map(\.gate)
                    state.expected.removeAll { $0.count <= count }
                    return (nil, gates)
                }
                if let result { continuation.resume(with: result) }
                for gate in gates { gate.open() }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let place = state.sleepers.firstIndex(where: { $0.number == number }) else { return nil }
                return state.sleepers.remove(at: place)
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Returns when as many sleep.
    func sleepers(_ count: Int) async {
        let gate = Gate()
        let isThere = state.withLock { state in
            if state.sleepers.count < count { state.expected.append((count, gate)) }
            return state.sleepers.count >= count
        }
        if !isThere { await gate.wait() }
    }

    /// Sets the clock on and wakes who slept until then.
    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now += duration
            let due = state.sleepers.filter { $0.instant <= state.now }
            state.sleepers.removeAll { $0.instant <= state.now }
            return due
        }
        for sleeper in due { sleeper.continuation.resume() }
    }
}

/// Counts calls by their input.
final class CallCounts: Sendable {
    private let counts = Locked<[Int: Int]>([:])

    /// Counts a call; how many there were of this input.
    func note(_ input: Int) -> Int {
        counts.withLock {
            $0[input, default: 0] += 1
            return $0[input] ?? 0
        }
    }

    var all: [Int: Int] { counts.withLock { $0 } }
}
