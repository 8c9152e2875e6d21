/// A model or a pipeline mounted at a path.
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

    /// What is served below a route's path; the raw values are the last segments of the paths.
    public enum EndpointName: String, Sendable, CaseIterable {
        case invoke, batch, stream
        case streamLog = "stream_log"
        case streamEvents = "stream_events"
        case inputSchema = "input_schema"
        case outputSchema = "output_schema"
        case configSchema = "config_schema"
        case playground
        case tokenFeedback = "token_feedback"
        case feedback
        case publicTraceLink = "public_trace_link"

        /// All but those that LangServe only serves when asked to.
        public static let standard = Set(allCases).subtracting([.feedback, .publicTraceLink])
    }

    /// `/`, or `/` and segments without a slash at the end. The endpoints are below it.
    public var path: String
    /// The name of its model; resolves in a loaded configuration. Empty for a pipeline.
    public var model: String
    /// What it runs instead of one model.
    public var pipeline: [StepSettings]?
    /// What callers of a model's route get; a pipeline gives what its last step makes. Default `message`.
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

    /// What is served below the path. Default: all but `feedback` and `public_trace_link`, as on LangServe.
    public var endpoints = EndpointName.standard

    /// A route with every other default.
    public init(path: String, model: String, output: Output = .message) {
        self.path = path
        self.model = model
        self.output = output
    }
}
