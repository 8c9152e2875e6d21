/// A model mounted at a path.
public struct RouteSettings: Sendable, Equatable {
    /// What callers get.
    public enum Output: String, Sendable, CaseIterable {
        /// Strings, as LangChain's LLMs give.
        case text
        /// AIMessage and AIMessageChunk, as its chat models give.
        case message
    }

    /// A key of the caller's run config. `run_name` is missing: LangServe never lets a caller set it.
    public enum ConfigKey: String, Sendable, CaseIterable {
        case configurable
        case maxConcurrency = "max_concurrency"
        case metadata
        case recursionLimit = "recursion_limit"
        case runID = "run_id"
        case tags
    }

    /// `/`, or `/` and segments without a slash at the end. The endpoints are `/invoke`, `/batch` and `/stream` below it.
    public var path: String
    /// The name of its model; resolves in a loaded configuration.
    public var model: String
    /// Default `message`.
    public var output: Output = .message
    /// Items of one batch that run at once, whatever the caller asks for. Default 128.
    public var maxConcurrency = 128
    /// Items of one batch; more are refused. Default 10000.
    public var maxBatch = 10_000
    /// Overrides the model's.
    public var timeouts = TimeoutOverrides()
    /// Keys of the caller's run config that take effect; others are dropped without an error, as LangServe does.
    /// Default `configurable`, which is LangServe's, and `max_concurrency`, which ``maxConcurrency`` bounds.
    public var allowConfig: Set<ConfigKey> = [.configurable, .maxConcurrency]

    /// A route with every other default.
    public init(path: String, model: String, output: Output = .message) {
        self.path = path
        self.model = model
        self.output = output
    }
}
