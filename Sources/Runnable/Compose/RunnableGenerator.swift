/// A function from a stream to a stream as a runnable.
///
/// - Streams: as the function does: it gets the pieces of the input as they come, and what it streams passes as it comes.
/// - Blocks: nothing of it should; the blocking methods wait for the asynchronous ones.
/// - Cancels: dropping the iterator drops that of the function's stream, which drops that of its input. Retries nothing.
///
/// Calls of other runnables in the function and in what its stream computes, made without a config, belong to its run.
///
/// `ainvoke` adds the chunks up (of chunks that cannot be added the last counts). None are null for a ``RunValue`` output, and else an error,
/// `internal`.
public struct RunnableGenerator<Input: Sendable, InputChunk: Sendable, Output: Sendable, Chunk: Sendable>: AsyncRunnable
{
    /// What runs of it are called. Default `RunnableGenerator`, LangChain's name.
    public let name: String
    private let function: @Sendable (RunStream<InputChunk>, RunConfig) -> RunStream<Chunk>

    /// A runnable of a function that gets its run's config, too.
    public init(
        name: String = "RunnableGenerator",
        transforming function: @escaping @Sendable (RunStream<InputChunk>, RunConfig) -> RunStream<Chunk>
    ) {
        self.name = name
        self.function = function
    }

    /// The sum of what the function streams.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        try await RunScope(name, .chain, config).run(input) { config in
            try config.checkpoint()
            let sum = PieceSum<Chunk>.make()
            for try await chunk in output(of: input, config) { sum.add(chunk) }
            if let whole = try sum.whole(as: Output.self) { return whole }
            if let null = RunValue.null as? Output { return null }
            throw RunError(.internal, detail: "\(name) made nothing")
        }
    }

    /// What the function streams for the input as one piece.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> {
        RunScope(name, .chain, config).streaming(input) { output(of: input, $0) }
    }

    /// What the function streams.
    public func atransform(_ input: RunStream<InputChunk>, config: RunConfig) -> RunStream<Chunk> {
        RunScope(name, .chain, config).transforming(input) { output(of: $0, $1) }
    }

    private func output(of input: Input, _ config: RunConfig) -> RunStream<Chunk> {
        output(of: PieceFitting.fit(RunStream.elements([input]), to: InputChunk.self), config)
    }

    private func output(of input: RunStream<InputChunk>, _ config: RunConfig) -> RunStream<Chunk> {
        RunStream {
            let config = config.withRunID()
            return CurrentRunSource(config) { function(input, config) }
        }
    }
}

extension RunnableGenerator where Input == InputChunk, Output == Chunk {
    /// A runnable of a function whose pieces have the types of the wholes.
    public init(
        name: String = "RunnableGenerator",
        _ function: @escaping @Sendable (RunStream<InputChunk>) -> RunStream<Chunk>
    ) {
        self.init(name: name) { input, _ in function(input) }
    }
}

/// A stream whose elements are computed with a config as the surrounding run's.
private final class CurrentRunSource<Element: Sendable>: RunSource {
    private let config: RunConfig
    private var iterator: RunStream<Element>.Iterator

    init(_ config: RunConfig, _ makeStream: () -> RunStream<Element>) {
        self.config = config
        iterator = config.asCurrent { makeStream() }.makeAsyncIterator()
    }

    func next() async throws -> Element? {
        try await config.asCurrent { try await iterator.next() }
    }

    func cancel() { iterator.cancel() }
}
