/// How long each phase of an upstream call may take. All are separate clocks; `total` runs over all of them.
public struct UpstreamTimeouts: Sendable {
    /// Waiting for a connection when the pool is exhausted. Default 10 seconds.
    public var queue = Duration.seconds(10)
    /// Name lookup and TCP connect. Default 5 seconds.
    public var connect = Duration.seconds(5)
    /// TLS handshake. Default 5 seconds.
    public var tls = Duration.seconds(5)
    /// From the request being sent to the response head. Default 60 seconds.
    public var head = Duration.seconds(60)
    /// From the request being sent to a stream's first content; pings and chunks with a role alone are no content. Default
    /// 60 seconds.
    public var firstToken = Duration.seconds(60)
    /// Between two pieces of a stream's content. Default 30 seconds.
    public var idle = Duration.seconds(30)
    /// The whole call, from being asked for it. Default 600 seconds.
    public var total = Duration.seconds(600)

    /// The defaults.
    public init() {}
}
