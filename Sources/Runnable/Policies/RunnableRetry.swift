/// A runnable that is called again when it failed. Made with ``Runnable/withRetry(_:)``.
///
/// - Retries: whole calls, each input of a batch on its own; each as a run of its own below this one, tagged `retry:attempt:N` from
///   the second on. When no call is left the last error is thrown as it is. No call and no wait begins that the run's deadline leaves
///   no time for.
/// - Streams: as the runnable inside does, and is transparent then: streams and transforms are never retried.
/// - Blocks: `invoke` calls and waits on the calling thread.
/// - Cancels: cancelling ends the call or the wait in progress; a cancellation is never retried.
public struct RunnableRetry<Base: Runnable>: AsyncRunnable {
    /// What the runnable inside takes.
    public typealias Input = Base.Input
    /// What the runnable inside takes in pieces.
    public typealias InputChunk = Base.InputChunk
    /// What the runnable inside makes.
    public typealias Output = Base.Output
    /// What the runnable inside streams.
    public typealias Chunk = Base.Chunk

    let base: Base.Erased
    let policy: RetryPolicy

    /// The name of the runnable inside, as in LangChain.
    public var name: String { base.name }

    /// Those of the runnable inside.
    public var configurableSpecs: [ConfigurableField] { base.configurableSpecs }

    /// Calls on the calling thread until a call succeeds or none is left.
    public func invoke(_ input: Input, config: RunConfig) throws -> Output {
        policy.budget?.noteCall()
        return try RunScope(name, .chain, config).run(input) { config in
            var number = 1
            while true {
                do {
                    return try base.invoke(input, config: config.child(step: .retryAttempt(number)))
                } catch {
                    guard let time = policy.nextCall(after: error, call: number, deadline: config.deadline) else {
                        throw error
                    }
                    try policy.clock.block(until: time)
                    if policy.clock.isPast(config.deadline) { throw error }
                }
                number += 1
            }
        }
    }

    /// Calls until a call succeeds or none is left.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        policy.budget?.noteCall()
        return try await RunScope(name, .chain, config).run(input) { config in
            var number = 1
            while true {
                do {
                    return try await base.ainvoke(input, config: config.child(step: .retryAttempt(number)))
                } catch {
                    guard let time = policy.nextCall(after: error, call: number, deadline: config.deadline) else {
                        throw error
                    }
                    if time > policy.clock.now { try await policy.clock.sleep(until: time) }
                    if policy.clock.isPast(config.deadline) { throw error }
                }
                number += 1
            }
        }
    }

    /// As the runnable inside, without retries.
    public func stream(_ input: Input, config: RunConfig) -> RunSequence<Chunk> { base.stream(input, config: config) }

    /// As the runnable inside, without retries.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> { base.astream(input, config: config) }

    /// As the runnable inside, without retries.
    public func transform(_ input: RunSequence<InputChunk>, config: RunConfig) -> RunSequence<Chunk> {
        base.transform(input, config: config)
    }

    /// As the runnable inside, without retries.
    public func atransform(_ input: RunStream<InputChunk>, config: RunConfig) -> RunStream<Chunk> {
        base.atransform(input, config: config)
    }
}

extension Runnable {
    /// This, called again when it failed. See ``RunnableRetry``.
    public func withRetry(_ policy: RetryPolicy = RetryPolicy()) -> RunnableRetry<Self> {
        RunnableRetry(base: erased, policy: policy)
    }
}
