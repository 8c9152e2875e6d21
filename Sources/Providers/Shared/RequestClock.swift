import EventLoop

/// Where the time of a request went. The parts add up to the whole: each moment counts once.
public struct RequestTimes: Sendable, Equatable {
    /// The parts in nanoseconds, for who writes them into every answer.
    package internal(set) var parts: Parts

    package struct Parts: Sendable, Equatable {
        package var queue: UInt64 = 0
        package var connect: UInt64 = 0
        package var upstream: UInt64 = 0
        package var firstToken: UInt64 = 0
        package var stream: UInt64 = 0
        package var blocked: UInt64 = 0
        package var gateway: UInt64

        package var total: UInt64 { queue + connect + upstream + firstToken + stream + blocked + gateway }
    }

    /// Waiting for a connection to an upstream to come free.
    public var queue: Duration { .nanoseconds(parts.queue) }
    /// Resolving, connecting and TLS.
    public var connect: Duration { .nanoseconds(parts.connect) }
    /// From an upstream's request to the head of its stream, or to the end of an answer that is not streamed.
    public var upstream: Duration { .nanoseconds(parts.upstream) }
    /// From a stream's head to its first content.
    public var firstToken: Duration { .nanoseconds(parts.firstToken) }
    /// From a stream's first content to its end.
    public var stream: Duration { .nanoseconds(parts.stream) }
    /// Waiting for the client: for the rest of its request, and for it to take what was written.
    public var blocked: Duration { .nanoseconds(parts.blocked) }
    /// Everything else: no call is under way, and the client keeps up.
    public var gateway: Duration { .nanoseconds(parts.gateway) }
    /// The sum of all parts.
    public var total: Duration { .nanoseconds(parts.total) }

    /// Nothing but the client's time and our own.
    public init(blocked: Duration = .zero, gateway: Duration) {
        parts = Parts(
            blocked: UInt64(max(0, blocked.wholeNanoseconds)),
            gateway: UInt64(max(0, gateway.wholeNanoseconds))
        )
    }

    init(_ parts: Parts) { self.parts = parts }
}

/// Splits a request's time into parts, event by event, however many calls it makes at once.
///
/// A moment belongs to the first of these that is true: the client blocks; a call streams; a call waits for its first content; a call waits for
/// its head or its whole answer; none is under way. What calls wait is split further when one of them gets its head, or fails: into what that
/// one says of its queue and its connection, and the rest. With calls one after another that is exact; of calls at once the first one's head decides.
struct RequestClock {
    private var last: UInt64
    private var waiting = 0
    private var expecting = 0
    private var streaming = 0
    private var isBlocked = false

    // Nanoseconds.
    private var waited: UInt64 = 0
    private var queue: UInt64 = 0
    private var connect: UInt64 = 0
    private var firstToken: UInt64 = 0
    private var stream: UInt64 = 0
    private var blocked: UInt64 = 0
    private var gateway: UInt64 = 0
    /// Until when waiting has been split, and how much of it there was then.
    private var splitTime: UInt64
    private var splitWaited: UInt64 = 0

    /// - Parameters:
    ///   - received: when the request's first byte came.
    ///   - arrived: when its last one did; until then the client keeps it waiting. Nil where it came at once.
    init(_ received: MonotonicTime, arrived: MonotonicTime? = nil) {
        last = max(received, arrived ?? received).nanoseconds
        blocked = last - received.nanoseconds
        splitTime = last
    }

    /// How far the furthest call under way is.
    /// - Parameter queued: how many of those that wait for their head wait for a connection.
    func furthest(queued: Int) -> ModelCall.Phase {
        if streaming > 0 { return .streaming }
        if expecting > 0 { return .waitingForContent }
        return waiting > queued ? .waitingForHead : .queued
    }

    /// A call begins.
    mutating func began(at time: MonotonicTime) {
        advance(to: time)
        if waiting == 0 { markSplit() }
        waiting += 1
    }

    /// Of a call that waited for its head until `time` it is known now what it waited for: first a connection, then its opening.
    mutating func split(began: MonotonicTime, queue: Duration, connect: Duration, at time: MonotonicTime) {
        advance(to: time)
        let free = began + queue
        let open = free + connect
        let unsplit = waited - splitWaited
        let queued = min(unsplit, RequestClock.length(from: max(began.nanoseconds, splitTime), to: free.nanoseconds))
        let connected = RequestClock.length(from: max(free.nanoseconds, splitTime), to: open.nanoseconds)
        self.queue += queued
        self.connect += min(unsplit - queued, connected)
        markSplit()
    }

    /// A call that streams has its head, for which it waited until the split before this.
    mutating func gotHead() { move(from: .waitingForHead, to: .waitingForContent) }

    /// A call that streams has its first content.
    mutating func gotFirstContent(at time: MonotonicTime, in phase: ModelCall.Phase) {
        advance(to: time)
        move(from: phase, to: .streaming)
    }

    /// A call is over.
    ///
    /// - Parameter phase: what it did until then, by the calls above.
    mutating func ended(at time: MonotonicTime, in phase: ModelCall.Phase) {
        advance(to: time)
        move(from: phase, to: .ended)
    }

    /// The client begins or ceases to block.
    mutating func setBlocked(_ isBlocked: Bool, at time: MonotonicTime) {
        advance(to: time)
        self.isBlocked = isBlocked
    }

    /// The parts, as of a time.
    func times(at time: MonotonicTime) -> RequestTimes {
        var clock = self
        clock.advance(to: time)
        return RequestTimes(
            RequestTimes.Parts(
                queue: clock.queue,
                connect: clock.connect,
                upstream: clock.waited - clock.queue - clock.connect,
                firstToken: clock.firstToken,
                stream: clock.stream,
                blocked: clock.blocked,
                gateway: clock.gateway
            )
        )
    }

    private static func length(from start: UInt64, to end: UInt64) -> UInt64 { end > start ? end - start : 0 }

    private mutating func markSplit() {
        splitTime = last
        splitWaited = waited
    }

    private mutating func move(from old: ModelCall.Phase, to new: ModelCall.Phase) {
        switch old {
        case .queued, .waitingForHead: waiting -= 1
        case .waitingForContent: expecting -= 1
        case .streaming: streaming -= 1
        case .ended: break
        }
        switch new {
        case .queued, .waitingForHead: waiting += 1
        case .waitingForContent: expecting += 1
        case .streaming: streaming += 1
        case .ended: break
        }
    }

    /// Counts the time since the last event for what was going on. A time before that one, from a clock read earlier, changes nothing.
    private mutating func advance(to time: MonotonicTime) {
        guard time.nanoseconds > last else { return }
        let elapsed = time.nanoseconds - last
        last = time.nanoseconds
        if isBlocked {
            blocked += elapsed
        } else if streaming > 0 {
            stream += elapsed
        } else if expecting > 0 {
            firstToken += elapsed
        } else if waiting > 0 {
            waited += elapsed
        } else {
            gateway += elapsed
        }
    }
}
