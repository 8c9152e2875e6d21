extension RunError {
    /// What happened. The classes that every dialect's errors are sorted into and every door's errors are made from.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The request cannot be served as it stands (400, 404, 413, 422 and the like).
        case callerInvalid = "caller_invalid"
        /// The prompt does not fit the model.
        case contextTooLong = "context_too_long"
        /// A filter refused the prompt or the answer.
        case contentFiltered = "content_filtered"
        /// The upstream refused our credential.
        case upstreamAuth = "upstream_auth"
        /// Our account with the upstream is out of funds.
        case upstreamBilling = "upstream_billing"
        /// The upstream limits our rate.
        case upstreamRate = "upstream_rate"
        /// The upstream is too busy.
        case upstreamOverload = "upstream_overload"
        /// The upstream failed.
        case upstream5xx = "upstream_5xx"
        /// No connection to the upstream.
        case upstreamConnect = "upstream_connect"
        /// No TLS with the upstream, or a certificate that does not hold.
        case upstreamTLS = "upstream_tls"
        /// The upstream's name does not resolve.
        case upstreamDNS = "upstream_dns"
        /// Connecting took too long.
        case timeoutConnect = "timeout_connect"
        /// The TLS handshake took too long.
        case timeoutTLS = "timeout_tls"
        /// The response head took too long.
        case timeoutHead = "timeout_head"
        /// The first content took too long.
        case timeoutFirstToken = "timeout_first_token"
        /// The next content took too long.
        case timeoutIdle = "timeout_idle"
        /// The run's deadline passed.
        case timeoutTotal = "timeout_total"
        /// The answer ended before its end mark.
        case truncated
        /// The upstream's answer makes no sense.
        case upstreamProtocol = "upstream_protocol"
        /// Our own limit on the caller's rate.
        case policyRate = "policy_rate"
        /// Our own limit on runs at once.
        case policyConcurrency = "policy_concurrency"
        /// Our own queue is full, or the wait in it too long.
        case policyQueue = "policy_queue"
        /// The caller's budget is spent.
        case policyBudget = "policy_budget"
        /// The caller went away; nobody reads this.
        case clientGone = "client_gone"
        /// This program is stopping.
        case shuttingDown = "shutting_down"
        /// An operator ended this run.
        case killed
        /// A fault of this program.
        case `internal`
    }
}

extension RunError.Code {
    /// The HTTP status to show callers.
    public var status: Int {
        switch self {
        case .callerInvalid, .contextTooLong, .contentFiltered: 400
        case .upstreamRate, .policyRate, .policyConcurrency, .policyQueue, .policyBudget: 429
        case .clientGone: 499
        case .internal: 500
        case .upstreamAuth, .upstreamBilling, .upstream5xx, .upstreamConnect, .upstreamTLS, .upstreamDNS, .truncated,
            .upstreamProtocol:
            502
        case .upstreamOverload, .shuttingDown, .killed: 503
        case .timeoutConnect, .timeoutTLS, .timeoutHead, .timeoutFirstToken, .timeoutIdle, .timeoutTotal: 504
        }
    }

    /// Whose fault it is, when nothing more is known.
    public var source: RunError.Source {
        switch self {
        case .callerInvalid, .contextTooLong, .contentFiltered, .clientGone: .client
        case .policyRate, .policyConcurrency, .policyQueue, .policyBudget, .shuttingDown, .killed, .internal,
            .timeoutTotal:
            .gateway
        default: .upstream
        }
    }

    /// Whether the same call may be made again, when nothing more is known.
    ///
    /// A run that timed out after its request was sent may still be costing money upstream, so it is not repeated.
    public var retry: RunError.Retry {
        switch self {
        case .upstreamRate, .upstreamOverload, .upstream5xx, .upstreamConnect, .upstreamTLS, .upstreamDNS,
            .timeoutConnect, .timeoutTLS:
            .safe
        default: .never
        }
    }

    /// The class of an upstream's HTTP status, when its body says nothing more.
    public init(upstreamStatus status: Int) {
        switch status {
        case 401, 403, 407: self = .upstreamAuth
        case 402: self = .upstreamBilling
        case 429: self = .upstreamRate
        case 503, 529: self = .upstreamOverload
        case 408: self = .upstream5xx
        case 400..<500: self = .callerInvalid
        case 500..<600: self = .upstream5xx
        default: self = .upstreamProtocol
        }
    }

    /// What to tell a caller when there is nothing more to say.
    var sentence: String {
        switch self {
        case .callerInvalid: "The request is not valid."
        case .contextTooLong: "The prompt is longer than the model's context."
        case .contentFiltered: "The content was refused by a filter."
        case .upstreamAuth: "The upstream refused the gateway's credentials."
        case .upstreamBilling: "The gateway's account with the upstream has no funds or quota left."
        case .upstreamRate: "The upstream's rate limit is reached."
        case .upstreamOverload: "The upstream is overloaded."
        case .upstream5xx: "The upstream failed."
        case .upstreamConnect, .upstreamTLS, .upstreamDNS: "The upstream cannot be reached."
        case .timeoutConnect, .timeoutTLS: "Connecting to the upstream took too long."
        case .timeoutHead: "The upstream took too long to answer."
        case .timeoutFirstToken: "The upstream took too long to begin its answer."
        case .timeoutIdle: "The upstream stopped sending."
        case .timeoutTotal: "The request's time is up."
        case .truncated: "The upstream's answer ended early."
        case .upstreamProtocol: "The upstream's answer was not understood."
        case .policyRate: "The rate limit is reached."
        case .policyConcurrency: "Too many requests at once."
        case .policyQueue: "The queue is full."
        case .policyBudget: "The budget is spent."
        case .clientGone: "The client went away."
        case .shuttingDown: "The gateway is shutting down."
        case .killed: "The request was ended by an operator."
        case .internal: "Internal error."
        }
    }
}
