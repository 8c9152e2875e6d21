public import EventLoop
public import HTTP
public import Runnable

/// What the access log says about one request.
///
/// No field holds anything of the prompt or the answer. ``route`` and ``endpoint`` are from closed sets, so that lines can
/// be counted by them; text that came from the caller is escaped when written.
public struct AccessRecord: Sendable {
    /// The name of a request.
    public enum ID: Sendable {
        /// Our own.
        case run(RunID)
        /// The caller's `X-Request-Id`.
        case text(String)
    }

    /// Names the request here, in the answer and upstream.
    public var requestID: ID
    /// The matched route's template, or `-`. Never the path as sent.
    public var route: String
    /// The request's method.
    public var method: HTTPMethod
    /// `invoke`, `batch`, `stream`, `health`, ...; `-` when nothing matched.
    public var endpoint: StaticString
    /// The status sent; 499 when the client left before there was one, 0 when none could be.
    public var status: Int
    /// Bytes of the body that were sent.
    public var bytes: Int = 0
    /// Tokens of the prompt, as the upstream counted them.
    public var inputTokens: Int?
    /// Tokens of the answer, as the upstream counted them.
    public var outputTokens: Int?
    /// From the request's first byte to the first content.
    public var firstToken: Duration?
    /// From the request's first byte to the end of its answer.
    public var total: Duration
    /// The backend's name in the configuration; nil when none was asked.
    public var upstream: String?
    /// How it ended.
    public var outcome: Outcome
    /// The error's class, when there was one.
    public var error: RunError.Code?
    /// The other end of the client's connection.
    public var client: SocketAddress
    /// The trace it belongs to: one that is recorded here, or the caller's.
    public var trace: TraceID?
    /// Inputs of a batch; nil elsewhere.
    public var items: Int?
    /// What the operator should know about the error; redacted when written. Nil or empty: not written.
    public var detail: String?

    /// A record of what every request has; set the rest where it is known.
    public init(
        requestID: ID,
        route: String,
        method: HTTPMethod,
        endpoint: StaticString,
        status: Int,
        total: Duration,
        outcome: Outcome,
        client: SocketAddress
    ) {
        self.requestID = requestID
        self.route = route
        self.method = method
        self.endpoint = endpoint
        self.status = status
        self.total = total
        self.outcome = outcome
        self.client = client
    }
}

extension AccessRecord {
    /// How a request ended. A closed set, so that it can be a metric's label.
    public enum Outcome: String, Sendable, Hashable, CaseIterable {
        /// Answered, whole.
        case ok
        /// The client went away.
        case clientGone = "client_gone"
        /// The request was not valid.
        case clientError = "client_error"
        /// The upstream refused, failed or could not be reached.
        case upstreamError = "upstream_error"
        /// A time limit passed.
        case timeout
        /// The upstream's answer ended early; so did ours.
        case truncated
        /// A limit or a budget of ours.
        case rejected
        /// This program is stopping.
        case shuttingDown = "shutting_down"
        /// An operator ended it.
        case killed
        /// A fault of this program.
        case internalError = "internal_error"

        /// The raw value, for who writes it often.
        var word: StaticString {
            switch self {
            case .ok: "ok"
            case .clientGone: "client_gone"
            case .clientError: "client_error"
            case .upstreamError: "upstream_error"
            case .timeout: "timeout"
            case .truncated: "truncated"
            case .rejected: "rejected"
            case .shuttingDown: "shutting_down"
            case .killed: "killed"
            case .internalError: "internal_error"
            }
        }

        /// The outcome of a request that failed with `code`.
        public init(_ code: RunError.Code) {
            switch code {
            case .callerInvalid, .contextTooLong, .contentFiltered: self = .clientError
            case .upstreamAuth, .upstreamBilling, .upstreamRate, .upstreamOverload, .upstream5xx, .upstreamConnect,
                .upstreamTLS, .upstreamDNS, .upstreamProtocol:
                self = .upstreamError
            case .timeoutConnect, .timeoutTLS, .timeoutHead, .timeoutFirstToken, .timeoutIdle, .timeoutTotal:
                self = .timeout
            case .truncated: self = .truncated
            case .policyRate, .policyConcurrency, .policyQueue, .policyBudget: self = .rejected
            case .clientGone: self = .clientGone
            case .shuttingDown: self = .shuttingDown
            case .killed: self = .killed
            case .internal: self = .internalError
            }
        }
    }
}
