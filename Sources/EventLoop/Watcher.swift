import CLibevent
import Glibc

/// Watches one descriptor for reading or writing and calls back on the loop.
///
/// Lives and dies on the loop. ``cancel()`` must be called before the last reference goes; the descriptor stays the
/// caller's to close, after the cancel.
public final class Watcher {
    /// What to wait for.
    public enum Interest: Sendable {
        /// Readable, level-triggered: calls back while there is something to read.
        case readable
        /// Readable, edge-triggered: calls back on changes only; for sockets whose reading side has already ended,
        /// where a reset is the one thing left to hear of. Costs a descriptor of its own until the cancel, because epoll has one
        /// trigger for each descriptor and a level-triggered watcher beside this one would turn it into the other kind.
        case readableEdge
        /// Writable, level-triggered.
        case writable

        fileprivate var flags: Int16 {
            switch self {
            case .readable: Int16(EV_READ | EV_PERSIST)
            case .readableEdge: Int16(EV_READ | EV_ET | EV_PERSIST)
            case .writable: Int16(EV_WRITE | EV_PERSIST)
            }
        }
    }

    private let loop: EventLoop  // the event below points into the loop's base
    private var event: OpaquePointer?  // struct event *, owned until cancel()
    private var duplicate: Int32 = -1  // what an edge is watched on, owned until cancel()
    private let onReady: () -> Void
    /// True between ``resume()`` and ``pause()``.
    public private(set) var isActive = false

    /// Makes a paused watcher. On the loop, or before the loop runs.
    ///
    /// - Throws: ``LoopError`` when memory runs out, or descriptors for an edge.
    public init(
        on loop: EventLoop,
        descriptor: Int32,
        interest: Interest,
        onReady: @escaping () -> Void
    ) throws(LoopError) {
        self.loop = loop
        self.onReady = onReady
        let context = Unmanaged.passUnretained(self).toOpaque()  // cancel() runs before self goes
        if interest == .readableEdge {
            duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
            guard duplicate >= 0 else { throw LoopError("duplicate descriptor \(descriptor)") }
        }
        event = event_new(loop.base, duplicate >= 0 ? duplicate : descriptor, interest.flags, watcherReady, context)
        guard event != nil else {
            if duplicate >= 0 { Glibc.close(duplicate) }
            throw LoopError("watch descriptor \(descriptor)", number: 0)
        }
    }

    deinit { assert(event == nil, "Watcher dropped without cancel()") }

    /// Starts calling back.
    ///
    /// - Throws: ``LoopError`` when the kernel refuses the descriptor.
    public func resume() throws(LoopError) {
        guard let event, !isActive else { return }
        guard event_add(event, nil) == 0 else { throw LoopError("add descriptor to epoll") }
        isActive = true
    }

    /// Stops calling back until the next ``resume()``.
    public func pause() {
        guard let event, isActive else { return }
        event_del(event)
        isActive = false
    }

    /// Ends the watch for good; safe to call twice, and from the callback.
    public func cancel() {
        guard let event else { return }
        self.event = nil
        isActive = false
        event_free(event)
        if duplicate >= 0 { Glibc.close(duplicate) }
    }

    fileprivate func ready() {
        loop.beginStep()
        onReady()
    }
}

private func watcherReady(_ descriptor: Int32, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    // Retained for the call: the callback may drop the last reference to its watcher.
    let watcher = Unmanaged<Watcher>.fromOpaque(context).takeUnretainedValue()
    withExtendedLifetime(watcher) { watcher.ready() }
}
