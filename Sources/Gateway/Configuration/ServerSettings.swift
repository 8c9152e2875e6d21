/// Limits and timeouts on the side of the clients.
public struct ServerSettings: Sendable, Equatable {
    /// Client connections of the whole process; further ones wait in the kernel's queue. Default 10000.
    public var maxConnections = 10_000
    /// Bytes of a request line; longer ones get 414. Default 8 KiB.
    public var maxRequestLine = 8 << 10
    /// Bytes of all header fields of a request; more get 431. Default 32 KiB.
    public var maxHeaderBytes = 32 << 10
    /// Header fields of a request; more get 431. Default 100.
    public var maxHeaderFields = 100
    /// Bytes of a request body; more get 413. Default 32 MiB.
    public var maxBody = 32 << 20
    /// From a request's first byte to the end of its head, else 408. Default 10 seconds.
    public var headerTimeout: Duration = .seconds(10)
    /// Silence inside a request body, else 408. Default 30 seconds.
    public var bodyTimeout: Duration = .seconds(30)
    /// Closes a keep-alive connection after this long without a request. Default 75 seconds.
    public var idleTimeout: Duration = .seconds(75)
    /// Cuts a client that takes no bytes for this long while some are waiting for it. Default 60 seconds.
    public var writeTimeout: Duration = .seconds(60)
    /// Time for open requests to end after SIGTERM; then they are cancelled. Default 30 seconds.
    public var drainTimeout: Duration = .seconds(30)
    /// A comment is sent to a silent event stream this often, so that proxies keep it open. Default 15 seconds; zero sends none.
    public var keepaliveInterval: Duration = .seconds(15)
    /// Unsent bytes of one client above which its upstream is no longer read; it is read again below half. Default 256 KiB.
    public var streamHighWater = 256 << 10

    /// Whether answers say in `Server-Timing` where their time went. Default true.
    public var timing = true

    /// Every default.
    public init() {}

    /// Unsent bytes below which a paused upstream is read again: half of ``streamHighWater``.
    public var streamLowWater: Int { streamHighWater / 2 }
}

/// What is logged, and how.
public struct LogSettings: Sendable, Equatable {
    /// The least serious level that is written. The raw values are swift-log's.
    public enum Level: String, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error, critical
    }

    /// The shape of a line.
    public enum Format: String, Sendable, CaseIterable {
        /// `text` on a terminal, `journal` under systemd, else `json`.
        case auto
        /// For people.
        case text
        /// One object a line.
        case json
        /// An entry of systemd's journal with a field for each key; elsewhere `<priority>` before the line, without a time.
        case journal
    }

    /// Default `info`.
    public var level: Level = .info
    /// Default `auto`.
    public var format: Format = .auto
    /// One line for each request. Default true.
    public var access = true

    /// Every default.
    public init() {}
}
