public import EventLoop

/// Knows where a response's time went, for its `Server-Timing` field. Used on the connection's loop.
public protocol ResponseTiming: AnyObject {
    /// From now on the handler waits for the client to take what was written.
    func clientBlocks(at time: MonotonicTime)

    /// The handler goes on.
    func clientTakes(at time: MonotonicTime)

    /// Appends the field's value as of now; not checked.
    func appendValue(to output: inout [UInt8])
}
