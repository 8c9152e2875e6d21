public import EventLoop
import Glibc

/// Limits of one server; times are from the last byte that mattered.
public struct HTTPServerOptions: Sendable {
    /// Bounds on request heads and trailers.
    public var limits = HTTPLimits()
    /// Largest request body, in bytes; a longer one is answered 413. Default 32 MiB.
    public var maximumBody = 32 << 20
    /// Connections open at once on this loop; further ones wait in the kernel's backlog. Default 10,000.
    public var maximumConnections = 10_000
    /// Whether a further connection takes the place of the one that has asked for nothing for the longest, instead of waiting for a
    /// place: for a server whose few places silent connections must not hold. It may have one connection more. Default false.
    public var replacesQuietConnections = false
    /// From the first byte of a request to the end of its head (408). Default 10 s.
    public var headerTimeout = Duration.seconds(10)
    /// Between two reads of a request body, and for each 16 KiB of it (408). Default 30 s.
    public var bodyTimeout = Duration.seconds(30)
    /// Between two requests on a connection; then it is closed. Default 75 s.
    public var idleTimeout = Duration.seconds(75)
    /// A client that takes no byte for this long while bytes wait for it counts as gone. Default 60 s.
    public var writeTimeout = Duration.seconds(60)
    /// Unsent bytes above which a response writer asks its producer to wait. Default 256 KiB.
    public var highWater = 256 << 10
    /// Unsent bytes below which the producer goes on. Default 128 KiB.
    public var lowWater = 128 << 10
    /// Whether a client that has finished sending counts as gone while it is being served. Some clients half-close and still
    /// read: for those who must serve them, it is false, the default.
    public var cancelsAtHalfClose = false
    /// Between two keep-alive comments of a stream that has them. Default 15 s.
    public var keepAliveInterval = Duration.seconds(15)
    /// Between two probes of a client that has finished sending, the first one aside.
    var probeInterval = Duration.seconds(5)

    /// Whether requests tell who sent them, where the kernel knows: on Unix sockets. Default false.
    public var identifiesPeers = false

    /// Connections of ``maximumConnections`` for peers that ``isPrivileged`` lets have them, so that nobody else can lock these out:
    /// others are closed at once when they would take the last ones. Default 0.
    public var reservedConnections = 0
    /// Whom ``reservedConnections`` are for. Default root, and the user of this process.
    public var isPrivileged: @Sendable (PeerCredentials) -> Bool = { $0.uid == 0 || $0.uid == geteuid() }

    /// The defaults.
    public init() {}
}
