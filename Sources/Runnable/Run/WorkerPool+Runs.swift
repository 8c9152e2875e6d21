import WorkerPool

extension WorkerPool {
    /// Runs what a runnable does on a thread as part of the surrounding run: on the process's pool, or the one that takes its place.
    /// - Throws: what `work` throws; `CancellationError`; ``RunError`` `policy_queue` when the pool's queue is full.
    static func runBlocking<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        let (surrounding, substitute) = (RunConfig.current, substitute)
        do {
            return try await (substitute ?? .shared).run {
                try $substitute.withValue(substitute) {
                    try RunConfig.$current.withValue(surrounding) { try work() }
                }
            }
        } catch let error as WorkerPoolError {
            throw RunError(.policyQueue, detail: "worker pool: \(error)", source: .gateway)
        }
    }

    /// Calls `body`; on a thread of a pool, with a pool of its own for the blocking work of the tasks that `body` starts.
    ///
    /// A pool's thread that waits for tasks keeps its place meanwhile. Were their blocking work to wait for a place in the same pool,
    /// as many such threads as it has would wait for ever. The pool made here starts threads when they are needed, and those
    /// that wait in turn have one of their own again.
    static func withPoolForWaiting<R>(_ body: () throws -> R) rethrows -> R {
        guard current != nil else { return try body() }
        let pool = WorkerPool(name: "nested", maximumThreads: defaultThreadCount)
        return try $substitute.withValue(pool, operation: body)
    }
}
