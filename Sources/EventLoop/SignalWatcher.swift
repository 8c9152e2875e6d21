import CLibevent
import Glibc

/// Calls back on the loop when the process gets a signal. libevent lets one base at a time own signals, so all watchers of a
/// process belong to one loop.
public final class SignalWatcher {
    private let loop: EventLoop  // the event below points into the loop's base
    private var event: OpaquePointer?  // struct event *, owned until cancel()
    private let onSignal: () -> Void

    /// Watches `signal` from now on; its default action is replaced.
    ///
    /// - Throws: ``LoopError`` when the signal cannot be caught.
    public init(on loop: EventLoop, signal: Int32, onSignal: @escaping () -> Void) throws(LoopError) {
        self.loop = loop
        self.onSignal = onSignal
        let context = Unmanaged.passUnretained(self).toOpaque()  // cancel() runs before self goes
        event = event_new(loop.base, signal, Int16(EV_SIGNAL | EV_PERSIST), signalArrived, context)
        guard let event, event_add(event, nil) == 0 else {
            cancel()
            throw LoopError("watch signal \(signal)")
        }
    }

    deinit { assert(event == nil, "SignalWatcher dropped without cancel()") }

    /// Ends the watch and restores the signal's default action; safe to call twice.
    public func cancel() {
        guard let event else { return }
        self.event = nil
        event_free(event)
    }

    fileprivate func arrived() { onSignal() }

    /// Has a hangup end the process no more, until somebody watches for it: it asks for a reload, and during the start there is
    /// nothing to load again.
    public static func ignoreHangups() { signal(SIGHUP, SIG_IGN) }

    /// Makes writes to closed sockets and pipes an error instead of the end of the process.
    public static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}

private func signalArrived(_ number: Int32, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    let watcher = Unmanaged<SignalWatcher>.fromOpaque(context).takeUnretainedValue()
    withExtendedLifetime(watcher) { watcher.arrived() }
}
