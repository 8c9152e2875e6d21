/// How long each phase of an upstream call may take. All are separate clocks; `total` runs over all of them.
public struct TimeoutSettings: Sendable, Equatable {
    /// Name lookup and TCP connect, all addresses together. Default 5 seconds.
    public var connect: Duration = .seconds(5)
    /// TLS handshake. Default 5 seconds.
    public var tls: Duration = .seconds(5)
    /// From the request's last byte to the response head. Default 60 seconds.
    public var head: Duration = .seconds(60)
    /// From the response head to the first content of a stream. Default 60 seconds.
    public var firstToken: Duration = .seconds(60)
    /// Between two pieces of content of a stream; comments and pings do not count. Default 30 seconds.
    public var idle: Duration = .seconds(30)
    /// The whole request, queueing included. Default 600 seconds. A caller can shorten it with `X-Request-Timeout-Ms`.
    public var total: Duration = .seconds(600)

    /// Every default.
    public init() {}

    /// Takes over what `overrides` sets.
    public mutating func apply(_ overrides: TimeoutOverrides) {
        if let connect = overrides.connect { self.connect = connect }
        if let tls = overrides.tls { self.tls = tls }
        if let head = overrides.head { self.head = head }
        if let firstToken = overrides.firstToken { self.firstToken = firstToken }
        if let idle = overrides.idle { self.idle = idle }
        if let total = overrides.total { self.total = total }
    }
}

/// The timeouts a model or route may set for itself; nil leaves the decision to the model, then to the backend.
///
/// Connections belong to a backend and serve all of its routes: connect and TLS limit the calls that open one.
public struct TimeoutOverrides: Sendable, Equatable {
    /// See ``TimeoutSettings/connect``.
    public var connect: Duration?
    /// See ``TimeoutSettings/tls``.
    public var tls: Duration?
    /// See ``TimeoutSettings/head``.
    public var head: Duration?
    /// See ``TimeoutSettings/firstToken``.
    public var firstToken: Duration?
    /// See ``TimeoutSettings/idle``.
    public var idle: Duration?
    /// See ``TimeoutSettings/total``.
    public var total: Duration?

    /// Overrides nothing.
    public init() {}
}
