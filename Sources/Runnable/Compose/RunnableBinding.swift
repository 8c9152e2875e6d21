/// A runnable with something said beforehand: arguments, a config, a name. Made with ``Runnable/bind(_:)``,
/// ``Runnable/withConfig(_:)`` and ``Runnable/named(_:)``.
///
/// What the call says wins over what is bound, and of two bindings the outer one over the inner one. It has no run of its own: events are
/// those of the runnable inside. Streams, blocks, cancels and retries as that does.
public struct RunnableBinding<Input: Sendable, InputChunk: Sendable, Output: Sendable, Chunk: Sendable>: Runnable {
    /// Those of the runnable inside.
    public var configurableSpecs: [ConfigurableField] { base.configurableSpecs }

    private let base: AnyRunnable<Input, InputChunk, Output, Chunk>
    private let arguments: Value.Object
    private let bound: RunConfig?

    /// The bound name, or else the runnable's.
    public var name: String { bound?.runName ?? base.name }

    /// The runnable's.
    public var kind: RunKind { base.kind }

    init(_ base: AnyRunnable<Input, InputChunk, Output, Chunk>, arguments: Value.Object = [:], config: RunConfig? = nil)
    {
        self.base = base
        self.arguments = arguments
        bound = config
    }

    private func merged(_ config: RunConfig) -> RunConfig {
        let config = bound?.merging(config) ?? config
        return arguments.isEmpty ? config : config.withArguments(under: arguments)
    }

    private func merged(_ configs: BatchConfig) -> BatchConfig {
        switch configs {
        case .shared(let config): .shared(merged(config))
        case .each(let configs): .each(configs.map { merged($0) })
        }
    }

    /// As the runnable does, with the config below the call's.
    public func invoke(_ input: Input, config: RunConfig) throws -> Output {
        try base.invoke(input, config: merged(config))
    }

    /// As the runnable does, with the config below the call's.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        try await base.ainvoke(input, config: merged(config))
    }

    /// As the runnable does, with the config below the call's.
    public func stream(_ input: Input, config: RunConfig) -> RunSequence<Chunk> {
        base.stream(input, config: merged(config))
    }

    /// As the runnable does, with the config below the call's.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> {
        base.astream(input, config: merged(config))
    }

    /// As the runnable does, with the config below the call's.
    public func transform(_ input: RunSequence<InputChunk>, config: RunConfig) -> RunSequence<Chunk> {
        base.transform(input, config: merged(config))
    }

    /// As the runnable does, with the config below the call's.
    public func atransform(_ input: RunStream<InputChunk>, config: RunConfig) -> RunStream<Chunk> {
        base.atransform(input, config: merged(config))
    }

    /// As the runnable does, with the config below each call's.
    public func batch(_ inputs: [Input], configs: BatchConfig) throws -> [Output] {
        try base.batch(inputs, configs: merged(configs))
    }

    /// As the runnable does, with the config below each call's.
    public func batchResults(_ inputs: [Input], configs: BatchConfig) throws -> [Result<Output, any Error>] {
        try base.batchResults(inputs, configs: merged(configs))
    }

    /// As the runnable does, with the config below each call's.
    public func abatch(_ inputs: [Input], configs: BatchConfig) async throws -> [Output] {
        try await base.abatch(inputs, configs: merged(configs))
    }

    /// As the runnable does, with the config below each call's.
    public func abatchResults(_ inputs: [Input], configs: BatchConfig) async throws -> [Result<Output, any Error>] {
        try await base.abatchResults(inputs, configs: merged(configs))
    }

    /// As the runnable does, with the config below each call's.
    public func batchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool
    ) -> RunSequence<BatchItem<Output>> {
        base.batchAsCompleted(inputs, configs: merged(configs), returnExceptions: returnExceptions)
    }

    /// As the runnable does, with the config below each call's.
    public func abatchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool
    ) -> RunStream<BatchItem<Output>> {
        base.abatchAsCompleted(inputs, configs: merged(configs), returnExceptions: returnExceptions)
    }

    /// As the runnable does, with the config below each call's.
    public func abatchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool,
        forEach body: (BatchItem<Output>) async throws -> Void
    ) async throws {
        try await base.abatchAsCompleted(
            inputs,
            configs: merged(configs),
            returnExceptions: returnExceptions,
            forEach: body
        )
    }
}

extension Runnable {
    /// This runnable with a binding's types.
    public typealias Bound = RunnableBinding<Input, InputChunk, Output, Chunk>

    /// This runnable with arguments that its calls have unless they say otherwise: see ``RunConfig/arguments``.
    public func bind(_ arguments: Value.Object) -> Bound { RunnableBinding(erased, arguments: arguments) }

    /// This runnable with a config below those of its calls, merged as ``RunConfig/merging(_:)`` does. A second one adds to the first.
    public func withConfig(_ config: RunConfig) -> Bound { RunnableBinding(erased, config: config) }

    /// This runnable with a name for its runs that do not get one from the call.
    public func named(_ name: String) -> Bound { withConfig(RunConfig(runName: name)) }
}
