/// A function that looks at the input and returns the runnable for it: LangChain's lambda that returns a runnable.
///
/// - Streams: the returned runnable's stream; the whole input is needed before, as the function gets it.
/// - Blocks: the function must not, it runs on the caller's executor; the blocking methods wait for the asynchronous ones.
/// - Cancels: what is running, the function or the runnable. Retries nothing.
/// - Limits: a returned runnable may return another one, as deep as ``RunConfig/recursionLimit`` says. One deeper is an error,
///   `caller_invalid` (422): a limit of 3 allows 3 of them, and the fourth call of such a function fails.
public struct RunnableChoosing<Input: Sendable, Output: Sendable, Chunk: Sendable>: AsyncRunnable {
    /// What runs of it are called. Default `RunnableLambda`, LangChain's name.
    public let name: String
    private let function: @Sendable (Input, RunConfig) async throws -> WholeInputRunnable<Input, Output, Chunk>

    /// A runnable of a function that takes the input and its run's config. Calls inside it, made without a config, belong to its run.
    public init<R: Runnable>(
        name: String = "RunnableLambda",
        returning function: @escaping @Sendable (Input, RunConfig) async throws -> R
    ) where R.Input == Input, R.Output == Output, R.Chunk == Chunk {
        self.name = name
        self.function = { WholeInputRunnable(try await function($0, $1)) }
    }

    /// A runnable of a function that takes the input alone.
    public init<R: Runnable>(
        name: String = "RunnableLambda",
        returning function: @escaping @Sendable (Input) async throws -> R
    ) where R.Input == Input, R.Output == Output, R.Chunk == Chunk {
        self.init(name: name) { input, _ in try await function(input) }
    }

    /// Calls the function, and what it returns with the same input.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        try await RunScope(name, .chain, config).run(input) { config in
            let (runnable, child) = try await choose(input, config)
            return try await runnable.ainvoke(input, child)
        }
    }

    /// The stream of what the function returns.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> {
        RunScope(name, .chain, config).streaming(input) { config in
            RunStream {
                ChainedSource(OneElement { try await choose(input, config) }) { runnable, child in
                    runnable.astream(input, child)
                }
            }
        }
    }

    private typealias Choice = (runnable: WholeInputRunnable<Input, Output, Chunk>, config: RunConfig)

    private func choose(_ input: Input, _ config: RunConfig) async throws -> Choice {
        try config.checkpoint()
        let config = config.withRunID()
        let runnable = try await config.asCurrent { try await function(input, config) }
        guard config.recursionLimit > 0 else {
            throw RunError(.callerInvalid, "Recursion limit reached when invoking \(name)", status: 422)
        }
        var child = config.child()
        child.recursionLimit -= 1
        return (runnable, child)
    }
}
