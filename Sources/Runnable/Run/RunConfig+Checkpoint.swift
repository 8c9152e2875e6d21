import WorkerPool

extension RunConfig {
    /// Throws when this run should not go on: `CancellationError` when it was cancelled, ``RunError`` `timeout_total` when its
    /// deadline passed.
    ///
    /// For work on a thread of the pool, which has no task of its own, the cancellation is that of the task that
    /// waits for it. Long blocking work should call this between its parts.
    public func checkpoint() throws {
        if Task.isCancelled || WorkerPool.isCurrentWorkCancelled { throw CancellationError() }
        if let deadline, deadline <= .now {
            let wait = waitingSince.map { (ContinuousClock.now - $0).components }
            let milliseconds = wait.map { $0.seconds * 1000 + $0.attoseconds / 1_000_000_000_000_000 }
            let spent = milliseconds.map { " after \($0) ms: waiting for its turn \($0) ms" }
            throw RunError(
                .timeoutTotal,
                "timeout_total" + (spent ?? ": the request's time was up before this work began"),
                detail: "the deadline passed before the work began or went on"
            )
        }
    }
}
