/// Any runnable with the given types. Calls go through one table look-up, so tokens are not boxed on their way.
///
/// A ``ChatModel`` in it reports its runs, which models do not do themselves.
public struct AnyRunnable<Input: Sendable, InputChunk: Sendable, Output: Sendable, Chunk: Sendable>: Runnable {
    private let box: RunnableBox<Input, InputChunk, Output, Chunk>

    /// Wraps a runnable; one that is wrapped already is taken as it is.
    public init<Base: Runnable>(_ base: Base)
    where Base.Input == Input, Base.InputChunk == InputChunk, Base.Output == Output, Base.Chunk == Chunk {
        if let same = base as? Self {
            self = same
        } else if let model = base as? any ChatModel, let traced = Self.traced(model) {
            box = traced
        } else {
            let wrapped: RunnableBox<Base.Input, Base.InputChunk, Base.Output, Base.Chunk> = BaseBox<Base>(base)
            box = wrapped
        }
    }

    private static func traced<Model: ChatModel>(_ model: Model) -> RunnableBox<Input, InputChunk, Output, Chunk>? {
        let observed: AnyObject = BaseBox<ObservedChatModel<Model>>(ObservedChatModel(model))
        return observed as? RunnableBox<Input, InputChunk, Output, Chunk>
    }

    /// The runnable inside.
    public var base: any Runnable { box.base }

    /// The name of the runnable inside.
    public var name: String { box.name }

    /// The kind of the runnable inside.
    public var kind: RunKind { box.kind }

    /// As of the runnable inside.
    public var isImmediate: Bool { box.isImmediate }

    /// The runnable inside as a step of a sequence.
    var sequenceStep: SequenceStep { box.makeStep() }

    /// As the runnable inside does.
    public func invoke(_ input: Input, config: RunConfig) throws -> Output { try box.invoke(input, config) }

    /// As the runnable inside does.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        try await box.ainvoke(input, config)
    }

    /// As the runnable inside does.
    public func stream(_ input: Input, config: RunConfig) -> RunSequence<Chunk> { box.stream(input, config) }

    /// As the runnable inside does.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> { box.astream(input, config) }

    /// As the runnable inside does.
    public func transform(_ input: RunSequence<InputChunk>, config: RunConfig) -> RunSequence<Chunk> {
        box.transform(input, config)
    }

    /// As the runnable inside does.
    public func atransform(_ input: RunStream<InputChunk>, config: RunConfig) -> RunStream<Chunk> {
        box.atransform(input, config)
    }

    /// As the runnable inside does.
    public func batch(_ inputs: [Input], configs: BatchConfig) throws -> [Output] { try box.batch(inputs, configs) }

    /// As the runnable inside does.
    public func batchResults(_ inputs: [Input], configs: BatchConfig) throws -> [Result<Output, any Error>] {
        try box.batchResults(inputs, configs)
    }

    /// As the runnable inside does.
    public func abatch(_ inputs: [Input], configs: BatchConfig) async throws -> [Output] {
        try await box.abatch(inputs, configs)
    }

    /// As the runnable inside does.
    public func abatchResults(_ inputs: [Input], configs: BatchConfig) async throws -> [Result<Output, any Error>] {
        try await box.abatchResults(inputs, configs)
    }

    /// As the runnable inside does.
    public func batchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool
    ) -> RunSequence<BatchItem<Output>> {
        box.batchAsCompleted(inputs, configs, returnExceptions)
    }

    /// As the runnable inside does.
    public func abatchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool
    ) -> RunStream<BatchItem<Output>> {
        box.abatchAsCompleted(inputs, configs, returnExceptions)
    }

    /// As the runnable inside does.
    public func abatchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool,
        forEach body: (BatchItem<Output>) async throws -> Void
    ) async throws {
        try await box.abatchAsCompleted(inputs, configs, returnExceptions, body)
    }
}

extension Runnable {
    /// The type of this runnable when only its types count.
    public typealias Erased = AnyRunnable<Input, InputChunk, Output, Chunk>

    /// This runnable with its own type forgotten.
    public var erased: Erased { AnyRunnable(self) }
}

/// What an ``AnyRunnable`` calls.
class RunnableBox<Input: Sendable, InputChunk: Sendable, Output: Sendable, Chunk: Sendable>: @unchecked Sendable {
    // @unchecked: an abstract class without state; the only subclass has one immutable Sendable property
    var base: any Runnable { abstract() }
    var name: String { abstract() }
    var kind: RunKind { abstract() }
    var isImmediate: Bool { abstract() }
    func makeStep() -> SequenceStep { abstract() }
    func invoke(_ input: Input, _ config: RunConfig) throws -> Output { abstract() }
    func ainvoke(_ input: Input, _ config: RunConfig) async throws -> Output { abstract() }
    func stream(_ input: Input, _ config: RunConfig) -> RunSequence<Chunk> { abstract() }
    func astream(_ input: Input, _ config: RunConfig) -> RunStream<Chunk> { abstract() }
    func transform(_ input: RunSequence<InputChunk>, _ config: RunConfig) -> RunSequence<Chunk> { abstract() }
    func atransform(_ input: RunStream<InputChunk>, _ config: RunConfig) -> RunStream<Chunk> { abstract() }
    func batch(_ inputs: [Input], _ configs: BatchConfig) throws -> [Output] { abstract() }
    func batchResults(_ inputs: [Input], _ configs: BatchConfig) throws -> [Result<Output, any Error>] { abstract() }
    func abatch(_ inputs: [Input], _ configs: BatchConfig) async throws -> [Output] { abstract() }
    func abatchResults(_ inputs: [Input], _ configs: BatchConfig) async throws -> [Result<Output, any Error>] {
        abstract()
    }
    func batchAsCompleted(
        _ inputs: [Input],
        _ configs: BatchConfig,
        _ returnExceptions: Bool
    ) -> RunSequence<BatchItem<Output>> { abstract() }
    func abatchAsCompleted(
        _ inputs: [Input],
        _ configs: BatchConfig,
        _ returnExceptions: Bool
    ) -> RunStream<BatchItem<Output>> { abstract() }
    func abatchAsCompleted(
        _ inputs: [Input],
        _ configs: BatchConfig,
        _ returnExceptions: Bool,
        _ body: (BatchItem<Output>) async throws -> Void
    ) async throws { abstract() }

    private func abstract() -> Never { preconditionFailure("a subclass must implement this") }
}

private final class BaseBox<Base: Runnable>: RunnableBox<Base.Input, Base.InputChunk, Base.Output, Base.Chunk>,
    @unchecked Sendable  // @unchecked: as its superclass
{
    private let wrapped: Base

    init(_ base: Base) { wrapped = base }

    override var base: any Runnable { wrapped }
    override var name: String { wrapped.name }
    override var kind: RunKind { wrapped.kind }
    override var isImmediate: Bool { wrapped.isImmediate }
    override func makeStep() -> SequenceStep { SequenceStep(wrapped) }

    override func invoke(_ input: Base.Input, _ config: RunConfig) throws -> Base.Output {
        try wrapped.invoke(input, config: config)
    }

    override func ainvoke(_ input: Base.Input, _ config: RunConfig) async throws -> Base.Output {
        try await wrapped.ainvoke(input, config: config)
    }

    override func stream(_ input: Base.Input, _ config: RunConfig) -> RunSequence<Base.Chunk> {
        wrapped.stream(input, config: config)
    }

    override func astream(_ input: Base.Input, _ config: RunConfig) -> RunStream<Base.Chunk> {
        wrapped.astream(input, config: config)
    }

    override func transform(_ input: RunSequence<Base.InputChunk>, _ config: RunConfig) -> RunSequence<Base.Chunk> {
        wrapped.transform(input, config: config)
    }

    override func atransform(_ input: RunStream<Base.InputChunk>, _ config: RunConfig) -> RunStream<Base.Chunk> {
        wrapped.atransform(input, config: config)
    }

    override func batch(_ inputs: [Base.Input], _ configs: BatchConfig) throws -> [Base.Output] {
        try wrapped.batch(inputs, configs: configs)
    }

    override func batchResults(
        _ inputs: [Base.Input],
        _ configs: BatchConfig
    ) throws -> [Result<Base.Output, any Error>] {
        try wrapped.batchResults(inputs, configs: configs)
    }

    override func abatch(_ inputs: [Base.Input], _ configs: BatchConfig) async throws -> [Base.Output] {
        try await wrapped.abatch(inputs, configs: configs)
    }

    override func abatchResults(
        _ inputs: [Base.Input],
        _ configs: BatchConfig
    ) async throws -> [Result<Base.Output, any Error>] {
        try await wrapped.abatchResults(inputs, configs: configs)
    }

    override func batchAsCompleted(
        _ inputs: [Base.Input],
        _ configs: BatchConfig,
        _ returnExceptions: Bool
    ) -> RunSequence<BatchItem<Base.Output>> {
        wrapped.batchAsCompleted(inputs, configs: configs, returnExceptions: returnExceptions)
    }

    override func abatchAsCompleted(
        _ inputs: [Base.Input],
        _ configs: BatchConfig,
        _ returnExceptions: Bool
    ) -> RunStream<BatchItem<Base.Output>> {
        wrapped.abatchAsCompleted(inputs, configs: configs, returnExceptions: returnExceptions)
    }

    override func abatchAsCompleted(
        _ inputs: [Base.Input],
        _ configs: BatchConfig,
        _ returnExceptions: Bool,
        _ body: (BatchItem<Base.Output>) async throws -> Void
    ) async throws {
        try await wrapped.abatchAsCompleted(inputs, configs: configs, returnExceptions: returnExceptions, forEach: body)
    }
}
