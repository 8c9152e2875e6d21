/// What a request asked for, as logs and metrics name it: a closed set.
enum EndpointLabel: Int, Sendable, CaseIterable {
    /// Nothing that is served.
    case none
    case invoke, batch, stream, streamLog, streamEvents
    case inputSchema, outputSchema, configSchema, playground
    case tokenFeedback, feedback, publicTraceLink
    case health, ready, index, openAPI, docs, metrics

    /// The name.
    var name: StaticString {
        switch self {
        case .none: "-"
        case .invoke: "invoke"
        case .batch: "batch"
        case .stream: "stream"
        case .streamLog: "stream_log"
        case .streamEvents: "stream_events"
        case .inputSchema: "input_schema"
        case .outputSchema: "output_schema"
        case .configSchema: "config_schema"
        case .playground: "playground/"
        case .tokenFeedback: "token_feedback"
        case .feedback: "feedback"
        case .publicTraceLink: "public_trace_link"
        case .health: "health"
        case .ready: "ready"
        case .index: "index"
        case .openAPI: "openapi"
        case .docs: "docs"
        case .metrics: "metrics"
        }
    }

    /// Whether it runs something.
    var isRun: Bool { (Self.invoke.rawValue...Self.streamEvents.rawValue).contains(rawValue) }

    /// Whether its answers come piece by piece.
    var isStream: Bool { (Self.stream.rawValue...Self.streamEvents.rawValue).contains(rawValue) }
}
