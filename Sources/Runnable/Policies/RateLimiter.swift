import WorkerPool

/// Lets calls begin at a steady rate: a token bucket, whose waiters are served in the order they came, each at the very instant its
/// token is there.
///
/// The bucket starts empty, as LangChain's does, so the first call waits for one interval. Shared by all threads.
public final class RateLimiter: Sendable {
    private typealias Turn = UnsafeContinuation<Void, any Error>

    private struct State {
        /// The instant at which the bucket was, or will be, empty: all tokens since then are there, as far as they have room.
        var emptyAt: ContinuousClock.Instant
        /// Who waits, in order. The first one sleeps until its token is there; the others wait to become the first one.
        var queue: [(ticket: Int, turn: Turn?)] = []
        var lastTicket = 0
    }

    private let interval: Duration
    private let capacity: Int
    private let maximumWaiting: Int
    private let clock: any RunClock
    private let state: Locked<State>

    /// A limiter with an empty bucket.
    /// - Parameters:
    ///   - callsPerSecond: tokens that come in each second.
    ///   - burst: how many tokens the bucket holds: how many calls may begin at once after a rest. Default 1.
    ///   - maximumWaiting: how many calls may wait. Default 1000.
    ///   - clock: what the waits are waited with.
    /// - Throws: ``RunError`` `caller_invalid` for a rate that is not above 0 or below 10⁹, and a bucket or a queue with room for less
    ///   than one.
    public init(
        callsPerSecond: Double,
        burst: Int = 1,
        maximumWaiting: Int = 1000,
        clock: any RunClock = .system
    ) throws(RunError) {
        guard callsPerSecond > 1e-6, callsPerSecond < 1e9 else {
            throw RunError(.callerInvalid, "a rate limit must be above 0 calls per second")
        }
        guard burst >= 1, maximumWaiting >= 1 else {
            throw RunError(.callerInvalid, "a rate limit must have room for one call at least")
        }
        interval = .seconds(1) / callsPerSecond
        capacity = burst
        self.maximumWaiting = maximumWaiting
        self.clock = clock
        state = Locked(State(emptyAt: clock.now))
    }

    /// How many calls wait now.
    public var waiting: Int { state.withLock { $0.queue.count } }

    /// Takes a token if there is one and nobody waits for it; false otherwise.
    public func tryAcquire() -> Bool {
        let now = clock.now
        return state.withLock { $0.queue.isEmpty && take(&$0, now) }
    }

    /// Waits for a token and takes it, after all who came before.
    /// - Throws: ``RunError`` `policy_queue` when too many wait, `policy_rate` when the token would not be there before `deadline`, both
    ///   at once and with the wait there would have been; `CancellationError` as soon as the task is cancelled, which leaves its
    ///   place to the next.
    public func acquire(before deadline: ContinuousClock.Instant? = nil) async throws {
        guard let (ticket, isFirst) = try enter(deadline) else { return }
        do {
            if !isFirst { try await waitForTurn(ticket) }
            while let due = admit(ticket) { try await clock.sleep(until: due) }
        } catch {
            leave(ticket)
            throw error
        }
    }

    /// A place in the queue, nil when a token could be taken at once.
    private func enter(_ deadline: ContinuousClock.Instant?) throws -> (ticket: Int, isFirst: Bool)? {
        if Task.isCancelled { throw CancellationError() }
        let now = clock.now
        return try state.withLock { state in
            if state.queue.isEmpty, take(&state, now) { return nil }
            let due = state.emptyAt + interval * (state.queue.count + 1)
            guard state.queue.count < maximumWaiting else {
                throw RunError(.policyQueue, detail: "rate limiter", retryAfter: due - now)
            }
            if let deadline, due >= deadline {
                throw RunError(.policyRate, detail: "the wait would outlast the deadline", retryAfter: due - now)
            }
            state.lastTicket += 1
            state.queue.append((state.lastTicket, nil))
            return (state.lastTicket, state.queue.count == 1)
        }
    }

    private func waitForTurn(_ ticket: Int, isolation: isolated (any Actor)? = #isolation) async throws {
        try await withTaskCancellationHandler {
            _ = isolation  // a closure given to the standard library stays on the actor only if it captures it
            try await withUnsafeThrowingContinuation { (turn: Turn) in
                let result = state.withLock { state -> Result<Void, any Error>? in
                    guard let place = state.queue.firstIndex(where: { $0.ticket == ticket }), !Task.isCancelled else {
                        return .failure(CancellationError())
                    }
                    if place == 0 { return .success(()) }
                    state.queue[place].turn = turn
                    return nil
                }
                if let result { turn.resume(with: result) }
            }
        } onCancel: {
            let turn = state.withLock { state -> Turn? in
                guard let place = state.queue.firstIndex(where: { $0.ticket == ticket }) else { return nil }
                return state.queue[place].turn.take()
            }
            turn?.resume(throwing: CancellationError())
        }
    }

    /// Takes a token for the first in the queue, who leaves it; otherwise says when there will be one.
    private func admit(_ ticket: Int) -> ContinuousClock.Instant? {
        let now = clock.now
        let (due, next) = state.withLock { state -> (ContinuousClock.Instant?, Turn?) in
            guard take(&state, now) else { return (state.emptyAt + interval, nil) }
            return (nil, remove(ticket, from: &state))
        }
        next?.resume()
        return due
    }

    private func leave(_ ticket: Int) {
        let next = state.withLock { remove(ticket, from: &$0) }
        next?.resume()
    }

    /// Takes a waiter out; the turn to be resumed of who is the first one now.
    private func remove(_ ticket: Int, from state: inout State) -> Turn? {
        guard let place = state.queue.firstIndex(where: { $0.ticket == ticket }) else { return nil }
        state.queue.remove(at: place)
        guard place == 0, !state.queue.isEmpty else { return nil }
        return state.queue[0].turn.take()
    }

    private func take(_ state: inout State, _ now: ContinuousClock.Instant) -> Bool {
        // What had no room in the bucket is lost.
        let emptyAt = max(state.emptyAt, now - interval * capacity)
        guard emptyAt + interval <= now else { return false }
        state.emptyAt = emptyAt + interval
        return true
    }
}
