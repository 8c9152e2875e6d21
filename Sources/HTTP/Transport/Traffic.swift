/// Bytes that connections of one kind have moved, as the sockets saw them: with TLS, heads and framing. On one loop.
public final class Traffic: @unchecked Sendable {  // @unchecked: made anywhere, then used on its loop only
    /// Bytes read from sockets.
    public internal(set) var received = 0
    /// Bytes that the kernel took.
    public internal(set) var sent = 0

    /// Nothing yet.
    public init() {}
}
