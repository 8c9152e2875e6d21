import WorkerPool

/// Calls in progress that others may wait for who would make the same call.
///
/// A call runs in a task of its own, which prefers the executor of the task that began it. Who waits and is cancelled leaves at once;
/// when the last one is, the call is cancelled and that one leaves when it has ended.
public final class SharedCalls<Output: Sendable>: Sendable {
    /// None in progress.
    public init() {}

    /// How a call ended, and whether it was the waiter's own.
    typealias Outcome = (result: Result<Output, any Error>, isOwn: Bool)

    private typealias Waiter = UnsafeContinuation<Outcome, Never>

    /// Touched with the lock held only.
    private final class Call: @unchecked Sendable {
        let deadline: ContinuousClock.Instant?
        /// The waiter who began it.
        let owner: Int
        var waiters: [Int: Waiter] = [:]
        var task: Task<Void, Never>?
        var isAbandoned = false

        init(_ owner: Int, _ deadline: ContinuousClock.Instant?) {
            self.owner = owner
            self.deadline = deadline
        }
    }

    private struct State {
        var calls: [RunCacheKey: Call] = [:]
        var waiting: [Int: (key: RunCacheKey, call: Call)] = [:]
        var lastNumber = 0
    }

    private let state = Locked(State())

    /// How many wait for the call with a key; 0 when it is not in progress.
    func waiters(for key: RunCacheKey) -> Int { state.withLock { $0.calls[key]?.waiters.count ?? 0 } }

    /// The outcome of the call with a key: of the one in progress if that has no later deadline, else of `work`.
    func outcome(
        for key: RunCacheKey,
        deadline: ContinuousClock.Instant?,
        isolation: isolated (any Actor)? = #isolation,
        _ work: @escaping @Sendable () async throws -> Output
    ) async -> Outcome {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        let executor = withUnsafeCurrentTask { $0?.unownedTaskExecutor?.asTaskExecutor() }
        return await withTaskCancellationHandler {
            _ = isolation  // a closure given to the standard library stays on the actor only if it captures it
            return await withUnsafeContinuation { (waiter: Waiter) in
                let (isCancelled, begun) = enter(waiter, number, key, deadline)
                if isCancelled { waiter.resume(returning: Self.cancelled) }
                guard let begun else { return }
                let task = Task(executorPreference: executor) {
                    let result: Result<Output, any Error>
                    do { result = .success(try await work()) } catch { result = .failure(error) }
                    self.finish(key, begun, result)
                }
                let isAbandoned = state.withLock { _ in
                    begun.task = task
                    return begun.isAbandoned
                }
                if isAbandoned { task.cancel() }
            }
        } onCancel: {
            leave(number)
        }
    }

    private func enter(
        _ waiter: Waiter,
        _ number: Int,
        _ key: RunCacheKey,
        _ deadline: ContinuousClock.Instant?
    ) -> (isCancelled: Bool, begun: Call?) {
        state.withLock { state in
            if Task.isCancelled { return (true, nil) }
            if let call = state.calls[key], RunConfig.earlier(deadline, call.deadline) == call.deadline {
                call.waiters[number] = waiter
                state.waiting[number] = (key, call)
                return (false, nil)
            }
            let call = Call(number, deadline)
            call.waiters[number] = waiter
            state.waiting[number] = (key, call)
            // Of two calls at once, which differ in their deadlines, others wait for the first.
            if state.calls[key] == nil { state.calls[key] = call }
            return (false, call)
        }
    }

    private func leave(_ number: Int) {
        let (waiter, task) = state.withLock { state -> (Waiter?, Task<Void, Never>?) in
            guard let (key, call) = state.waiting.removeValue(forKey: number) else { return (nil, nil) }
            if call.waiters.count > 1 { return (call.waiters.removeValue(forKey: number), nil) }
            call.isAbandoned = true
            if state.calls[key] === call { state.calls[key] = nil }
            return (nil, call.task)
        }
        waiter?.resume(returning: Self.cancelled)
        task?.cancel()
    }

    private func finish(_ key: RunCacheKey, _ call: Call, _ result: Result<Output, any Error>) {
        let (waiters, isAbandoned) = state.withLock { state -> ([Int: Waiter], Bool) in
            if state.calls[key] === call { state.calls[key] = nil }
            for number in call.waiters.keys { state.waiting[number] = nil }
            defer { call.waiters = [:] }
            return (call.waiters, call.isAbandoned)
        }
        for (number, waiter) in waiters {
            waiter.resume(returning: isAbandoned ? Self.cancelled : (result, number == call.owner))
        }
    }

    private static var cancelled: Outcome { (.failure(CancellationError()), true) }
}
