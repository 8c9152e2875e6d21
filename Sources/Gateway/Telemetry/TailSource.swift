import EventLoop

/// One loop's end of `headgate tail`: what ends here is handed to the followers' loop, as much as that takes. On the loop.
///
/// Costs a nil check while nobody follows. The loop never waits: what does not fit is counted.
final class TailSource {
    /// Records that wait for the followers' loop.
    static let longest = 1024

    private let loop: EventLoop
    private var hub: LoopBound<TailHub>?
    private var pending: [AccessRecord] = []
    private var dropped = 0
    private var isSending = false

    init(loop: EventLoop) { self.loop = loop }

    /// Where records go from now on; nil for nowhere.
    func follow(_ hub: LoopBound<TailHub>?) {
        self.hub = hub
        guard hub == nil else { return }
        pending = []
        dropped = 0
    }

    /// A request has ended.
    func record(_ record: borrowing AccessRecord) {
        guard hub != nil else { return }
        if pending.count < TailSource.longest { pending.append(copy record) } else { dropped += 1 }
        if !isSending { send() }
    }

    private func send() {
        guard let hub, !pending.isEmpty || dropped > 0 else { return }
        isSending = true
        let (records, lost) = (pending, dropped)
        pending = []
        dropped = 0
        let source = LoopBound(self, loop: loop)
        let loop = loop
        hub.loop.execute {
            hub.value.take(records, dropped: lost)
            loop.execute { source.value.sent() }
        }
    }

    private func sent() {
        isSending = false
        send()
    }
}
