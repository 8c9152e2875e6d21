/// Why a run failed: what happened, whose fault it was, and whether trying again can help.
///
/// The one error type of the gateway. Interpolating it shows the code alone; ``message`` is for callers and ``detail`` for
/// operators.
public struct RunError: Error {
    /// What happened. A closed set, so it can be a metric's label.
    public let code: Code
    /// Whose fault it was.
    public let source: Source
    /// Whether the same call may be made again, given that nothing of its answer was passed on.
    public let retry: Retry
    /// The HTTP status to show the caller. An upstream that refuses our key is 502, never 401.
    public let status: Int
    /// What to tell the caller. Must hold nothing secret: no keys, no addresses, no bodies of refused credentials.
    public let message: String
    /// What to tell the operator. Never sent to a caller.
    public let detail: String
    /// How long to wait at least before trying again, when the source said so.
    public let retryAfter: Duration?
    /// The HTTP status the upstream answered with, when it answered.
    public let upstreamStatus: Int?

    /// An error; what is left out follows from the code.
    /// - Parameters:
    ///   - code: what happened.
    ///   - message: what to tell the caller; default is a sentence about the code.
    ///   - detail: what to tell the operator.
    ///   - source: whose fault it was; default by the code.
    ///   - retry: whether to try again; default by the code.
    ///   - status: the status to show. Only ``Code/callerInvalid`` has a choice, among 400 to 499; for other codes it is ignored.
    ///   - retryAfter: the least wait before trying again.
    ///   - upstreamStatus: what the upstream answered with.
    public init(
        _ code: Code,
        _ message: String? = nil,
        detail: String = "",
        source: Source? = nil,
        retry: Retry? = nil,
        status: Int? = nil,
        retryAfter: Duration? = nil,
        upstreamStatus: Int? = nil
    ) {
        self.code = code
        self.message = message ?? code.sentence
        self.detail = detail
        self.source = source ?? code.source
        self.retry = retry ?? code.retry
        if code == .callerInvalid, let status, (400..<500).contains(status) {
            self.status = status
        } else {
            self.status = code.status
        }
        self.retryAfter = retryAfter
        self.upstreamStatus = upstreamStatus
    }

    /// Whose fault an error is.
    public enum Source: String, Sendable, Hashable {
        /// The caller's request.
        case client
        /// This program, or what its operator set.
        case gateway
        /// The backend or the way to it.
        case upstream
    }

    /// Whether a call may be made again.
    public enum Retry: Sendable, Hashable {
        /// No: it would fail again, or may have taken effect.
        case never
        /// Only when it went out on a kept-alive connection that the upstream was closing at the same moment.
        case onlyIfConnectionWasReused
        /// Yes, after ``RunError/retryAfter``.
        case safe
    }

    /// Whether the caller may send the same request again later with some hope.
    public var isRetryableByCaller: Bool {
        // A path or a model that the upstream does not know stays unknown, and a redirect a redirect.
        if code == .upstreamProtocol, let upstreamStatus, (300..<500).contains(upstreamStatus) { return false }
        if code == .killed { return false }  // who ended it does not want it again
        return code != .policyBudget && (status == 429 || (status >= 502 && status <= 504)) && code != .upstreamAuth
            && code != .upstreamBilling
    }
}

extension RunError {
    /// Any error as this type: itself, a cancellation as ``Code/clientGone``, and the rest as ``Code/internal`` with
    /// the description in ``detail``.
    public init(_ error: any Error) {
        switch error {
        case let error as RunError: self = error
        case is CancellationError: self.init(.clientGone)
        default: self.init(.internal, detail: String(reflecting: error))
        }
    }
}

extension RunError: CustomStringConvertible, CustomDebugStringConvertible {
    /// The code alone, so that printing leaks nothing.
    public var description: String { code.rawValue }
    /// Code, source and detail, for operators; `String(reflecting:)` and `dump` show it.
    public var debugDescription: String { "\(code.rawValue) from \(source.rawValue): \(detail)" }
}
