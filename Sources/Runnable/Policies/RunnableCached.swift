/// A runnable whose outputs are kept, and given again to calls that are the same. Made with ``Runnable/cached(in:as:parameters:streams:)``.
///
/// - Same: calls with equal inputs (of prompts without the messages' ids), the name of the runnable, the parameters that were told
///   here, the config's ``RunConfig/arguments``, and its ``RunConfig/configurable``.
/// - Shares: calls that are the same at the same time make one, whose outcome, also a failure, all get. It has the config of the one
///   that came first. Only those with no earlier deadline than that one's wait for it; when it ran into its deadline, those with more
///   time call themselves. Cancelling one of them does not disturb the others; cancelling all cancels the call.
/// - Streams: as the runnable inside, past the cache; or, if it does not really stream, as one piece with it. Transforms likewise.
/// - Blocks: the blocking methods wait for the asynchronous ones, except for streams.
/// - Keeps no errors and retries nothing. A hit on a message is the message as it was, with its id and its usage: what it cost then,
///   as ``UsageMetadata`` has no cost to be set to 0.
/// - Reports a hit, when somebody watches, as a run with the name and kind of the runnable inside.
public struct RunnableCached<Base: Runnable>: AsyncRunnable where Base.Input: Hashable {
    /// What the runnable inside takes.
    public typealias Input = Base.Input
    /// What the runnable inside takes in pieces.
    public typealias InputChunk = Base.InputChunk
    /// What the runnable inside makes.
    public typealias Output = Base.Output
    /// What the runnable inside streams.
    public typealias Chunk = Base.Chunk

    let base: Base.Erased
    let cache: any RunCache<Output>
    let identity: String
    let parameters: Value.Object
    let streams: RunnableCacheStreams
    let calls: SharedCalls<Output>
    let countsDeclaredOnly: Bool

    /// The name of the runnable inside.
    public var name: String { base.name }

    /// The kind of the runnable inside.
    public var kind: RunKind { base.kind }

    /// Those of the runnable inside.
    public var configurableSpecs: [ConfigurableField] { base.configurableSpecs }

    /// What a call is recognised by.
    public func key(for input: Input, config: RunConfig) -> RunCacheKey {
        var all = parameters
        if !config.configurable.isEmpty {
            var chosen = config.configurable
            if countsDeclaredOnly {
                chosen = [:]
                for spec in base.configurableSpecs { chosen[spec.id] = config.configurable[spec.id] }
            }
            if !chosen.isEmpty { all["configurable"] = .object(chosen) }
        }
        if config.hasArguments { all["arguments"] = .object(config.arguments) }
        return RunCacheKey(input, runnable: identity, parameters: all)
    }

    /// How many wait for a call in progress that is the same as this one; 0 when there is none.
    public func sharing(_ input: Input, config: RunConfig) -> Int {
        calls.waiters(for: key(for: input, config: config))
    }

    /// What is kept, or else a call.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        let key = key(for: input, config: config)
        if let output = await cache.output(for: key) { return try hit(output, input, config) }
        while true {
            let (result, isOwn) = await calls.outcome(for: key, deadline: config.deadline) { [base, cache] in
                // Who called before may have ended just now.
                if let output = await cache.output(for: key) { return output }
                let output = try await base.ainvoke(input, config: config)
                await cache.store(output, for: key)
                return output
            }
            guard !isOwn, case .failure(let error as RunError) = result, error.code == .timeoutTotal else {
                return try result.get()
            }
            try config.checkpoint()
        }
    }

    private func hit(_ output: Output, _ input: Input, _ config: RunConfig) throws -> Output {
        try RunScope(name, kind, config).run(input) { _ in output }
    }

    /// Past the cache, or one piece with it.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> {
        switch streams {
        case .bypass: base.astream(input, config: config)
        case .whole: PieceFitting.fit(.one { try await ainvoke(input, config: config) }, to: Chunk.self)
        }
    }

    /// Past the cache, or one piece with it.
    public func atransform(_ input: RunStream<InputChunk>, config: RunConfig) -> RunStream<Chunk> {
        switch streams {
        case .bypass: base.atransform(input, config: config)
        case .whole:
            RunStream {
                ChainedSource(SummedSource(input) { try $0.whole(as: Input.self) }) { astream($0, config: config) }
            }
        }
    }
}

/// What a cache does with streams.
public enum RunnableCacheStreams: Sendable, Hashable {
    /// Leaves them to the runnable, which streams.
    case bypass
    /// Gives the whole output as one piece, kept or just made: for runnables that do no better.
    case whole
}

extension Runnable where Input: Hashable {
    /// This, with outputs that are kept. See ``RunnableCached``.
    /// - Parameters:
    ///   - cache: where. It can be shared by many runnables.
    ///   - identity: what tells this runnable from others in the cache. Default its name.
    ///   - parameters: what else the answer depends on, such as a model's name and temperature. What a call sets in its config's
    ///     `configurable` and `arguments` counts by itself.
    ///   - streams: what happens to streams.
    ///   - calls: the calls in progress that may be shared; runnables that are the same may have one together. Default its own.
    ///   - countsDeclaredOnly: whether of the config's `configurable` only that makes calls differ which the runnable declares
    ///     (``Runnable/configurableSpecs``). Default false: code may look at what it does not declare.
    public func cached(
        in cache: any RunCache<Output>,
        as identity: String? = nil,
        parameters: Value.Object = [:],
        streams: RunnableCacheStreams = .bypass,
        sharing calls: SharedCalls<Output>? = nil,
        countsDeclaredOnly: Bool = false
    ) -> RunnableCached<Self> {
        RunnableCached(
            base: erased,
            cache: cache,
            identity: identity ?? name,
            parameters: parameters,
            streams: streams,
            calls: calls ?? SharedCalls(),
            countsDeclaredOnly: countsDeclaredOnly
        )
    }
}
