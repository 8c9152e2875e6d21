public import EventLoop

/// Why an exchange with an upstream server came to nothing, or to less than a whole response.
public struct HTTPClientError: Error, Sendable, CustomStringConvertible {
    /// The closed set of causes.
    public enum Code: String, Sendable, CaseIterable {
        /// The host name has no address.
        case dns
        /// No address accepted a connection.
        case connect
        /// The TLS handshake failed, verification included.
        case tls
        /// Connecting took longer than its limit.
        case timeoutConnect = "timeout_connect"
        /// The TLS handshake took longer than its limit.
        case timeoutTLS = "timeout_tls"
        /// The response head did not come in time.
        case timeoutHead = "timeout_head"
        /// The first content did not come in time.
        case timeoutFirstToken = "timeout_first_token"
        /// The content stopped for too long.
        case timeoutIdle = "timeout_idle"
        /// The request's own deadline passed.
        case timeoutTotal = "timeout_total"
        /// No connection came free in time.
        case timeoutQueue = "timeout_queue"
        /// Too many requests wait for a connection already.
        case queueFull = "queue_full"
        /// The server closed the connection before a response.
        case closedBeforeHead = "closed_before_head"
        /// The response ended before it was whole.
        case truncated
        /// The response is not HTTP as it should be.
        case protocolError = "protocol_error"
        /// The response is larger than the limit.
        case tooLarge = "too_large"
        /// The task was cancelled.
        case cancelled
    }

    /// The cause.
    public var code: Code { contents.code }
    /// Words for operators; not for callers.
    public var detail: String { contents.detail }
    /// Where the time went until then.
    public var timing: ExchangeTiming { contents.timing }
    /// Nothing of the request had reached the server when it closed the connection, so it may be sent again.
    var isUndelivered: Bool { contents.isUndelivered }

    /// Behind one pointer: functions that wait for a server keep room for every error they may throw.
    private let contents: Contents

    private final class Contents: Sendable {
        let code: Code
        let detail: String
        let timing: ExchangeTiming
        let isUndelivered: Bool

        init(_ code: Code, _ detail: String, _ timing: ExchangeTiming, isUndelivered: Bool) {
            self.code = code
            self.detail = detail
            self.timing = timing
            self.isUndelivered = isUndelivered
        }
    }

    /// Makes an error.
    public init(_ code: Code, _ detail: String) {
        self.init(code, detail, isUndelivered: false)
    }

    init(_ code: Code, _ detail: String, isUndelivered: Bool) {
        contents = Contents(code, detail, ExchangeTiming(), isUndelivered: isUndelivered)
    }

    /// The same error, with where the time went.
    func timed(_ timing: ExchangeTiming) -> HTTPClientError { HTTPClientError(self, timing) }

    private init(_ error: HTTPClientError, _ timing: ExchangeTiming) {
        contents = Contents(error.code, error.detail, timing, isUndelivered: error.isUndelivered)
    }

    /// The code and the detail, for operators.
    public var description: String { "\(code.rawValue): \(detail)" }
}

/// What an exchange spent its time on. Phases not reached, or skipped on a pooled connection, are zero.
public struct ExchangeTiming: Sendable {
    /// Waiting for a connection to come free.
    public var queue = Duration.zero
    /// Resolving, connecting and TLS.
    public var connect = Duration.zero
    /// From the request's last byte to the response head.
    public var head = Duration.zero

    /// All zero.
    public init() {}
}

/// Adds up what an exchange spends its time on.
struct ExchangeWatch {
    enum Phase {
        case queue
        case connect
        case head
    }

    private var timing: ExchangeTiming
    private var phase = Phase.queue
    private var began: MonotonicTime

    /// A watch that began at `began`, for an exchange that has spent `timing` before.
    init(since began: MonotonicTime, after timing: ExchangeTiming = ExchangeTiming()) {
        self.timing = timing
        self.began = began
    }

    /// Ends the phase under way at `time` and begins another.
    mutating func enter(_ next: Phase, at time: MonotonicTime) {
        timing = stopped(at: time)
        began = time
        phase = next
    }

    /// What was spent until `time`.
    func stopped(at time: MonotonicTime) -> ExchangeTiming {
        let elapsed = time - began
        var timing = timing
        switch phase {
        case .queue: timing.queue += elapsed
        case .connect: timing.connect += elapsed
        case .head: timing.head += elapsed
        }
        return timing
    }
}

/// Limits of one exchange. Each phase has its own; the deadline covers all of them.
public struct ExchangeLimits: Sendable {
    /// Waiting for a connection when the pool is exhausted.
    public var queue = Duration.seconds(10)
    /// Name resolution and TCP connect.
    public var connect = Duration.seconds(5)
    /// TLS handshake.
    public var tls = Duration.seconds(5)
    /// From the request's end to the response head.
    public var head = Duration.seconds(60)
    /// When the whole exchange has to be over.
    public var deadline = MonotonicTime.distantFuture

    /// The defaults: 10 s, 5 s, 5 s, 60 s, no deadline.
    public init() {}
}
