/// A value that belongs to one loop although its type may not cross threads.
///
/// The one place where that confinement is asserted instead of proven: ``value`` traps when read off the loop, so a
/// mistake stops the process in tests rather than corrupting memory in production.
public struct LoopBound<Value>: @unchecked Sendable {  // @unchecked: `value` checks the thread on every access
    @usableFromInline let stored: Value
    /// The loop that `value` belongs to.
    public let loop: EventLoop

    /// Binds `value` to `loop`; may be called anywhere, as long as nobody else keeps the value.
    public init(_ value: Value, loop: EventLoop) {
        stored = value
        self.loop = loop
    }

    /// The value. On the loop.
    @inlinable public var value: Value {
        precondition(loop.isCurrent, "loop-bound value used off its loop")
        return stored
    }
}
