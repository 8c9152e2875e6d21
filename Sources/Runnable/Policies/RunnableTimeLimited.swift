import WorkerPool

/// A runnable whose calls may take so long and no longer. Made with ``Runnable/withTimeout(_:clock:)``.
///
/// - Limits: each call, each input of a batch, and a stream as a whole, from when its first piece is asked for to its end. The runnable
///   inside is told the instant as its deadline, and is cancelled when it comes; a call ends when that work has ended, so a blocking
///   function is waited for unless it looks at ``RunConfig/checkpoint()``. The error is ``RunError`` `timeout_total`.
/// - Streams: as the runnable inside, in a task of its own that prefers the executor of the task that iterates, one piece at a time.
/// - Blocks: `invoke` calls on the calling thread; the other blocking methods wait for the asynchronous ones.
/// - Cancels: cancelling, or dropping a stream's iterator, ends the work. Retries nothing. Has no run of its own.
public struct RunnableTimeLimited<Base: Runnable>: AsyncRunnable {
    /// What the runnable inside takes.
    public typealias Input = Base.Input
    /// What the runnable inside takes in pieces.
    public typealias InputChunk = Base.InputChunk
    /// What the runnable inside makes.
    public typealias Output = Base.Output
    /// What the runnable inside streams.
    public typealias Chunk = Base.Chunk

    let base: Base.Erased
    let limit: Duration
    let clock: any RunClock

    /// The name of the runnable inside.
    public var name: String { base.name }

    /// The kind of the runnable inside.
    public var kind: RunKind { base.kind }

    /// Those of the runnable inside.
    public var configurableSpecs: [ConfigurableField] { base.configurableSpecs }

    /// Calls on the calling thread, for as long as it may take.
    public func invoke(_ input: Input, config: RunConfig) throws -> Output {
        let config = config.withDeadline(clock.now + limit)
        guard let deadline = config.deadline else { return try base.invoke(input, config: config) }
        let work = WorkCancellation(parent: WorkerPool.current)
        let isLate = Locked(false)
        let timer = Task { [clock] in
            try await clock.sleep(until: deadline)
            isLate.withLock { $0 = true }
            work.cancel()
        }
        defer { timer.cancel() }
        let result = Result { try WorkerPool.$current.withValue(work) { try base.invoke(input, config: config) } }
        if isLate.withLock({ $0 }) { throw Self.tooLate }
        return try result.get()
    }

    private static var tooLate: RunError { RunError(.timeoutTotal, detail: "the call's time limit passed") }

    /// Calls, for as long as it may take.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        let config = config.withDeadline(clock.now + limit)
        return try await limited(config) { try await base.ainvoke(input, config: config) }
    }

    /// Streams, for as long as it may take.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> {
        limitedStream(config) { base.astream(input, config: $0) }
    }

    /// Streams, for as long as it may take.
    public func atransform(_ input: RunStream<InputChunk>, config: RunConfig) -> RunStream<Chunk> {
        limitedStream(config) { base.atransform(input, config: $0) }
    }

    private func limitedStream(
        _ config: RunConfig,
        _ makeStream: @escaping @Sendable (RunConfig) -> RunStream<Chunk>
    ) -> RunStream<Chunk> {
        RunStream {
            CompletionSource { deliver in
                let config = config.withDeadline(clock.now + limit)
                try await limited(config) {
                    for try await piece in makeStream(config) { try await deliver(piece) }
                }
            }
        }
    }

    private enum Ending<Result: Sendable>: Sendable {
        case done(Swift.Result<Result, any Error>)
        case timeUp
        case timerCancelled
    }

    /// Runs `work` beside a timer. Both have ended when this returns.
    private func limited<Result: Sendable>(
        _ config: RunConfig,
        isolation: isolated (any Actor)? = #isolation,
        _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        guard let deadline = config.deadline else { return try await work() }
        let clock = clock
        let result = await withTaskGroup(of: Ending<Result>.self) { group -> Swift.Result<Result, any Error> in
            _ = isolation  // a closure given to the standard library stays on the actor only if it captures it
            group.addTask {
                do { return .done(.success(try await work())) } catch { return .done(.failure(error)) }
            }
            group.addTask {
                do { try await clock.sleep(until: deadline) } catch { return .timerCancelled }
                return .timeUp
            }
            var isLate = false
            while let ending = await group.next() {
                switch ending {
                case .timerCancelled: break
                case .timeUp:
                    isLate = true
                    group.cancelAll()
                case .done(let result):
                    group.cancelAll()
                    if !isLate { return result }
                    return .failure(Self.tooLate)
                }
            }
            return .failure(CancellationError())
        }
        return try result.get()
    }
}

extension Runnable {
    /// This, cancelled when it takes longer than `limit`. See ``RunnableTimeLimited``.
    public func withTimeout(_ limit: Duration, clock: any RunClock = .system) -> RunnableTimeLimited<Self> {
        RunnableTimeLimited(base: erased, limit: limit, clock: clock)
    }
}
