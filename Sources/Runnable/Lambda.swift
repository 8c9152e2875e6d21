/// A blocking function as a runnable. Calls of other runnables inside it, made without a config, belong to its run.
public struct RunnableLambda<Input: Sendable, Output: Sendable>: Runnable {
    /// What runs of it are called. Default `RunnableLambda`, LangChain's name.
    public let name: String
    private let function: @Sendable (Input, RunConfig) throws -> Output

    /// A runnable of a function that takes the input alone.
    public init(name: String = "RunnableLambda", _ function: @escaping @Sendable (Input) throws -> Output) {
        self.init(name: name) { input, _ in try function(input) }
    }

    /// A runnable of a function that takes the input and its run's config.
    public init(name: String = "RunnableLambda", _ function: @escaping @Sendable (Input, RunConfig) throws -> Output) {
        self.name = name
        self.function = function
    }

    /// Calls the function on the calling thread.
    public func invoke(_ input: Input, config: RunConfig) throws -> Output {
        try RunScope(name, .chain, config).run(input) { try body.invoke(input, config: $0) }
    }

    /// One piece: what the function returns, called on the thread pool.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Output> {
        let body = body
        return RunScope(name, .chain, config).streaming(input) { body.astream(input, config: $0) }
    }

    /// One piece: what the function makes of the whole input, called on the thread pool.
    public func atransform(_ input: RunStream<Input>, config: RunConfig) -> RunStream<Output> {
        let body = body
        return RunScope(name, .chain, config).transforming(input) { body.atransform($0, config: $1) }
    }

    private var body: Body { Body(function: function) }

    /// The function alone, reporting nothing.
    private struct Body: Runnable {
        let function: @Sendable (Input, RunConfig) throws -> Output

        func invoke(_ input: Input, config: RunConfig) throws -> Output {
            let config = config.withRunID()
            return try config.asCurrent { try function(input, config) }
        }
    }
}

/// An asynchronous function as a runnable. Calls of other runnables inside it, made without a config, belong to its run.
public struct AsyncRunnableLambda<Input: Sendable, Output: Sendable>: AsyncRunnable {
    /// What runs of it are called. Default `RunnableLambda`, LangChain's name.
    public let name: String
    private let function: @Sendable (Input, RunConfig) async throws -> Output

    /// A runnable of a function that takes the input alone.
    public init(name: String = "RunnableLambda", _ function: @escaping @Sendable (Input) async throws -> Output) {
        self.init(name: name) { input, _ in try await function(input) }
    }

    /// A runnable of a function that takes the input and its run's config.
    public init(
        name: String = "RunnableLambda",
        _ function: @escaping @Sendable (Input, RunConfig) async throws -> Output
    ) {
        self.name = name
        self.function = function
    }

    /// Calls the function on the caller's executor, unless the run is cancelled or its deadline passed.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        try await RunScope(name, .chain, config).run(input) { try await body.ainvoke(input, config: $0) }
    }

    /// One piece: what the function returns.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Output> {
        let body = body
        return RunScope(name, .chain, config).streaming(input) { body.astream(input, config: $0) }
    }

    /// One piece: what the function makes of the whole input.
    public func atransform(_ input: RunStream<Input>, config: RunConfig) -> RunStream<Output> {
        let body = body
        return RunScope(name, .chain, config).transforming(input) { body.atransform($0, config: $1) }
    }

    private var body: Body { Body(function: function) }

    /// The function alone, reporting nothing.
    private struct Body: AsyncRunnable {
        let function: @Sendable (Input, RunConfig) async throws -> Output

        func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
            try config.checkpoint()
            let config = config.withRunID()
            return try await config.asCurrent { try await function(input, config) }
        }
    }
}
