/// A runnable whose calls wait for their turn at a ``RateLimiter``. Made with ``Runnable/rateLimited(by:)``.
///
/// - Waits: once for each call, also of each input of a batch, and of a stream before its first piece; never beyond the run's deadline.
/// - Streams, blocks and retries as the runnable inside; `invoke` waits on the calling thread. Has no run of its own.
/// - Cancels: cancelling, or dropping a stream's iterator, gives up the place in the queue.
public struct RunnableRateLimited<Base: Runnable>: AsyncRunnable {
    /// What the runnable inside takes.
    public typealias Input = Base.Input
    /// What the runnable inside takes in pieces.
    public typealias InputChunk = Base.InputChunk
    /// What the runnable inside makes.
    public typealias Output = Base.Output
    /// What the runnable inside streams.
    public typealias Chunk = Base.Chunk

    let base: Base.Erased
    let limiter: RateLimiter

    /// The name of the runnable inside.
    public var name: String { base.name }

    /// The kind of the runnable inside.
    public var kind: RunKind { base.kind }

    /// Those of the runnable inside.
    public var configurableSpecs: [ConfigurableField] { base.configurableSpecs }

    /// Waits on the calling thread, then calls.
    public func invoke(_ input: Input, config: RunConfig) throws -> Output {
        if !limiter.tryAcquire() { try BlockingBridge.run { try await limiter.acquire(before: config.deadline) } }
        return try base.invoke(input, config: config)
    }

    /// Waits, then calls.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        try await limiter.acquire(before: config.deadline)
        return try await base.ainvoke(input, config: config)
    }

    /// Waits when the first piece is asked for, then streams.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> {
        RunStream {
            PreparedSource {
                try await limiter.acquire(before: config.deadline)
                return base.astream(input, config: config)
            }
        }
    }

    /// Waits when the first piece is asked for, then streams.
    public func atransform(_ input: RunStream<InputChunk>, config: RunConfig) -> RunStream<Chunk> {
        RunStream {
            PreparedSource {
                try await limiter.acquire(before: config.deadline)
                return base.atransform(input, config: config)
            }
        }
    }
}

extension Runnable {
    /// This, with calls that wait for their turn. See ``RunnableRateLimited``. A limiter can be shared by many runnables.
    public func rateLimited(by limiter: RateLimiter) -> RunnableRateLimited<Self> {
        RunnableRateLimited(base: erased, limiter: limiter)
    }
}
