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
        case timeoutConnect
        /// The TLS handshake took longer than its limit.
        case timeoutTLS
        /// The response head did not come in time.
        case timeoutHead
        /// The first content did not come in time.
        case timeoutFirstToken
        /// The content stopped for too long.
        case timeoutIdle
        /// The request's own deadline passed.
        case timeoutTotal
        /// No connection came free in time.
        case timeoutQueue
        /// Too many requests wait for a connection already.
        case queueFull
        /// The server closed the connection before a response.
        case closedBeforeHead
        /// The response ended before it was whole.
        case truncated
        /// The response is not HTTP as it should be.
        case protocolError
        /// The response is larger than the limit.
        case tooLarge
        /// The task was cancelled.
        case cancelled
    }

    /// The cause.
    public let code: Code
    /// Words for operators; not for callers.
    public let detail: String
    /// Where the time went until then.
    public var timing = ExchangeTiming()

    /// Makes an error.
    public init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
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
