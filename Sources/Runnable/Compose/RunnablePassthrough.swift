/// Hands on its input as it is. `RunnablePassthrough<RunValue, RunValue>()` for a pipeline made at run time.
///
/// - Streams: every piece passes unchanged, when it is asked for.
/// - Blocks: nothing. Cancels: dropping the iterator drops that of the input. Retries nothing.
public struct RunnablePassthrough<Whole: Sendable, Piece: Sendable>: AsyncRunnable {
    /// What it takes.
    public typealias Input = Whole
    /// What it can take its input in.
    public typealias InputChunk = Piece
    /// What it makes.
    public typealias Output = Whole
    /// What it streams.
    public typealias Chunk = Piece

    /// `RunnablePassthrough`, LangChain's name.
    public var name: String { "RunnablePassthrough" }

    /// A passthrough.
    public init() {}

    /// The input.
    public func invoke(_ input: Whole, config: RunConfig) throws -> Whole {
        try RunScope(name, .chain, config).run(input) { _ in input }
    }

    /// The input.
    public func ainvoke(_ input: Whole, config: RunConfig) async throws -> Whole {
        try RunScope(name, .chain, config).run(input) { _ in input }
    }

    /// The input as one piece.
    public func astream(_ input: Whole, config: RunConfig) -> RunStream<Piece> {
        RunScope(name, .chain, config).streaming(input) { _ in
            PieceFitting.fit(RunStream.elements([input]), to: Piece.self)
        }
    }

    /// The pieces of the input.
    public func atransform(_ input: RunStream<Piece>, config: RunConfig) -> RunStream<Piece> {
        RunScope(name, .chain, config).transforming(input) { input, _ in input }
    }
}
