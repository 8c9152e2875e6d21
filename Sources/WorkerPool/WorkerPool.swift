import Glibc

/// A bounded pool of threads for work that blocks: name resolution, files, code that knows nothing of `async`.
///
/// Threads start when work waits and none is free, up to ``maximumThreads``, and leave after 10 seconds without work. Work
/// begins in the order it came. Signals are blocked on the threads. A pool that is dropped finishes the work it has.
public final class WorkerPool: Sendable {
    /// The process's pool: at most min(32, cores + 4) threads, the size of LangChain's default executor.
    public static let shared = WorkerPool(name: "worker", maximumThreads: defaultThreadCount)

    /// min(32, cores + 4), where cores are those online.
    public static var defaultThreadCount: Int { min(32, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) + 4) }

    /// Whether the task that waits for the work on this thread was cancelled. False outside of ``run(_:)``'s work.
    ///
    /// Long work asks this between its parts.
    public static var isCurrentWorkCancelled: Bool { current?.isCancelled ?? false }

    @TaskLocal package static var current: WorkCancellation?

    /// Takes the place of ``shared`` for blocking runnables: a test's own pool.
    @TaskLocal package static var substitute: WorkerPool?

    /// The name of the threads, cut to 15 bytes by the system.
    public var name: String { queue.name }
    /// The most threads at once.
    public var maximumThreads: Int { queue.maximumThreads }
    /// How much work was taken since the pool was made.
    public var acceptedCount: Int { queue.acceptedCount }
    /// How many threads there are now.
    public var threadCount: Int { queue.threadCount }

    private let queue: WorkQueue

    /// A pool without threads yet.
    /// - Parameters:
    ///   - name: the name of the threads.
    ///   - maximumThreads: the most threads at once, at least 1.
    ///   - maximumQueued: how much work may wait for a thread.
    public init(name: String, maximumThreads: Int, maximumQueued: Int = 10_000) {
        precondition(maximumThreads >= 1 && maximumQueued >= 0)
        queue = WorkQueue(name: name, maximumThreads: maximumThreads, maximumQueued: maximumQueued)
    }

    deinit { queue.finish() }

    /// Runs `work` on a thread of the pool and returns its result on the caller's executor.
    ///
    /// Cancelling the task takes the work out of the queue; work that has begun is awaited, and can see the
    /// cancellation in ``isCurrentWorkCancelled``.
    /// - Throws: what `work` throws; `CancellationError` when the task was cancelled before the work began; ``WorkerPoolError``.
    public func run<T: Sendable>(
        isolation: isolated (any Actor)? = #isolation,
        _ work: @escaping @Sendable () throws -> T
    ) async throws -> T {
        try Task.checkCancellation()
        let cancellation = WorkCancellation()
        let item = WorkItem()
        return try await withTaskCancellationHandler {
            _ = isolation  // a closure given to the standard library stays on the actor only if it captures it
            return try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<T, any Error>) in
                item.prepare(
                    run: {
                        let result = Result { try Self.$current.withValue(cancellation) { try work() } }
                        continuation.resume(with: result)
                    },
                    abandon: { continuation.resume(throwing: $0) }
                )
                queue.add(item)
            }
        } onCancel: {
            cancellation.cancel()
            queue.remove(item)
        }
    }

    /// Runs `work` on a thread of the pool some time later. It cannot be cancelled.
    public func submit(_ work: @escaping @Sendable () -> Void) throws(WorkerPoolError) {
        let item = WorkItem()
        item.prepare(run: work, abandon: nil)
        if let error = queue.tryAdd(item) { throw error }
    }
}
