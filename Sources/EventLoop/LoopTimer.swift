import CLibevent
import Glibc

/// A timer that is cheap to move: most timers of a gateway are pushed back or disarmed and never fire.
///
/// Moving the target later, or disarming, only stores a number; the libevent timer behind it stays where it is, and when it
/// goes off early it looks at the target and sets itself again. So a connection that serves a thousand requests a second
/// touches the timer heap about once per timeout. Lives and dies on the loop; ``cancel()`` before the last reference goes.
public final class LoopTimer {
    private let loop: EventLoop  // the event below points into the loop's base
    private var event: OpaquePointer?  // struct event *, owned until cancel()
    private let action: () -> Void
    private var target = MonotonicTime.distantFuture
    private var armed = MonotonicTime.distantFuture  // when the libevent timer will go off

    /// Makes a disarmed timer that runs `action` on the loop.
    public init(on loop: EventLoop, action: @escaping () -> Void) {
        self.loop = loop
        self.action = action
        let context = Unmanaged.passUnretained(self).toOpaque()  // cancel() runs before self goes
        event = event_new(loop.base, -1, 0, timerFired, context)
        precondition(event != nil, "out of memory")
    }

    deinit { assert(event == nil, "LoopTimer dropped without cancel()") }

    /// True while the timer is going to fire.
    public var isArmed: Bool { target != .distantFuture }

    /// Fires at `time`, or at once (in the next turn) when that is past; replaces an earlier target.
    public func arm(at time: MonotonicTime) {
        target = time
        if time < armed { schedule(time) }
    }

    /// Fires `duration` from now.
    public func arm(after duration: Duration) { arm(at: loop.now + duration) }

    /// Will not fire until armed again.
    public func disarm() { target = .distantFuture }

    /// Ends the timer for good; safe to call twice, and from its action.
    public func cancel() {
        guard let event else { return }
        self.event = nil
        target = .distantFuture
        event_free(event)
    }

    private func schedule(_ time: MonotonicTime) {
        guard let event else { return }
        armed = time
        let left = max(0, (time - MonotonicTime.now).wholeNanoseconds)
        // Rounded up to whole microseconds: firing a moment early would cost a second turn.
        let microseconds = (left + 999) / 1000
        var interval = timeval(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
        event_add(event, &interval)
    }

    fileprivate func fired() {
        armed = .distantFuture
        guard target != .distantFuture else { return }
        loop.beginStep()
        if loop.now < target {
            schedule(target)
        } else {
            target = .distantFuture
            action()
        }
    }
}

private func timerFired(_ descriptor: Int32, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    let timer = Unmanaged<LoopTimer>.fromOpaque(context).takeUnretainedValue()
    withExtendedLifetime(timer) { timer.fired() }
}
