import Runnable
import WorkerPool

/// What the steps of one configuration share over all loops: permits, answers and retry budgets belong to the process. A reload begins with
/// new ones.
final class SharedSteps: Sendable {
    private struct State {
        var limiters: [String: RateLimiter] = [:]
        var caches: [String: InMemoryRunCache<RunValue>] = [:]
        var calls: [String: SharedCalls<RunValue>] = [:]
        var budgets: [String: RetryBudget] = [:]
    }

    private let state = Locked(State())

    /// The limiter of a step; nil when it has none.
    /// - Parameter clock: what waiters wait with, whatever loop they are on.
    func limiter(_ step: StepSettings, _ clock: any RunClock) -> RateLimiter? {
        guard let settings = step.rateLimit else { return nil }
        return state.withLock { state in
            if let limiter = state.limiters[step.place.text] { return limiter }
            // The loader keeps the numbers in range.
            let limiter = try? RateLimiter(
                callsPerSecond: settings.perSecond,
                burst: settings.burst,
                maximumWaiting: settings.queue,
                clock: clock
            )
            state.limiters[step.place.text] = limiter
            return limiter
        }
    }

    /// The answers that a step remembers; nil when it remembers none.
    func cache(_ step: StepSettings) -> InMemoryRunCache<RunValue>? {
        guard let settings = step.cache else { return nil }
        return state.withLock { state in
            if let cache = state.caches[step.place.text] { return cache }
            let cache = try? InMemoryRunCache<RunValue>(
                maximumSize: settings.size,
                maximumBytes: settings.maxBytes
            )
            state.caches[step.place.text] = cache
            return cache
        }
    }

    /// The calls in progress of a step that remembers answers.
    func calls(_ step: StepSettings) -> SharedCalls<RunValue> {
        state.withLock { state in
            if let calls = state.calls[step.place.text] { return calls }
            let calls = SharedCalls<RunValue>()
            state.calls[step.place.text] = calls
            return calls
        }
    }

    /// What limiters and budgets have at one moment.
    struct Reading: Sendable {
        /// Calls that wait, by step.
        var waiting: [(step: String, count: Int)] = []
        /// Retries that there may be, by route.
        var budgets: [(route: String, count: Int)] = []
    }

    /// Everything as it is now, in the order of the names.
    func reading() -> Reading {
        let (limiters, budgets) = state.withLock { ($0.limiters, $0.budgets) }
        return Reading(
            waiting: limiters.sorted { $0.key < $1.key }.map { ($0.key, $0.value.waiting) },
            budgets: budgets.sorted { $0.key < $1.key }.map { ($0.key, $0.value.available) }
        )
    }

    /// The budget that all retries of a route share: one in five calls, and ten beside them (G10).
    func budget(_ route: RouteSettings) -> RetryBudget {
        state.withLock { state in
            if let budget = state.budgets[route.path] { return budget }
            let budget = RetryBudget()
            state.budgets[route.path] = budget
            return budget
        }
    }
}
