public import EventLoop
import JSON
public import Runnable

/// All calls of models that one request makes, however deep in its pipeline: found by dialects in `RunConfig.attachment`.
///
/// On one loop; a call made from elsewhere is not logged.
public final class CallLog: @unchecked Sendable {  // @unchecked: used on `loop` only, which `of` checks
    /// Calls that are kept. Of a request with more of them, such as a large batch, the rest is only counted.
    public static let longest = 256

    /// Where it is used.
    public let loop: EventLoop
    /// The first calls, in the order in which they began.
    public var calls: [ModelCall] { first.map { [$0] + others } ?? [] }
    /// Most requests make one call, which needs no array.
    private var first: ModelCall?
    private var others: [ModelCall] = []
    /// Calls begun.
    public private(set) var begun = 0
    /// Calls under way.
    public private(set) var active = 0
    /// Of these, the ones that wait for one of their backend's connections.
    private var queued = 0
    /// Tokens that models have made, in all calls: by the upstream's own count where it has told, else parts with content.
    public private(set) var outputTokens = 0
    /// Where the latest call went.
    public private(set) var latestTarget: CallTarget?
    /// The run's id: the request's too, unless the caller named it.
    public var runID: RunID?
    /// The caller's id of the request.
    public var requestID: String?
    /// The trace it belongs to; nil for none.
    public var trace: CallTrace?
    private var clock: RequestClock
    private let sink: (any CallSink)?

    /// An empty log.
    ///
    /// - Parameters:
    ///   - sink: is told of every call.
    ///   - received: when the request's first byte came, for its ``times(at:)``.
    ///   - arrived: when its last one did; nil where it came at once.
    public init(
        loop: EventLoop,
        sink: (any CallSink)?,
        received: MonotonicTime = .now,
        arrived: MonotonicTime? = nil
    ) {
        self.loop = loop
        clock = RequestClock(received, arrived: arrived)
        self.sink = sink
    }

    /// The log that a run's config carries; nil when there is none, or the caller is on another thread.
    static func of(_ config: RunConfig) -> CallLog? {
        guard let attachment = config.attachment, let log = attachment as? CallLog, log.loop.isCurrent else {
            return nil
        }
        return log
    }

    /// A call begins.
    func begin(_ target: CallTarget, isStream: Bool, at time: MonotonicTime) -> ModelCall {
        let call = ModelCall(target, isStream: isStream, number: begun, began: time, log: self)
        clock.began(at: time)
        if begun == 0 { first = call } else if begun < CallLog.longest { others.append(call) }
        begun += 1
        active += 1
        latestTarget = target
        sink?.began(call)
        return call
    }

    /// How far the furthest of the calls under way is; nil when there is none.
    public var furthest: ModelCall.Phase? { active == 0 ? nil : clock.furthest(queued: queued) }

    func setQueued(_ isQueued: Bool) { queued += isQueued ? 1 : -1 }

    func gotContent() { outputTokens += 1 }

    func gotHead(_ call: ModelCall, at time: MonotonicTime) {
        clock.split(began: call.began, queue: call.queue, connect: call.connect, at: time)
        if call.isStream { clock.gotHead() }
    }

    func gotFirstContent(_ call: ModelCall, at time: MonotonicTime) {
        if call.isStream { clock.gotFirstContent(at: time, in: call.phase) }
    }

    /// - Parameter phase: how far it came.
    func ended(_ call: ModelCall, at time: MonotonicTime, in phase: ModelCall.Phase) {
        if phase == .queued || phase == .waitingForHead {
            clock.split(began: call.began, queue: call.queue, connect: call.connect, at: time)
        }
        clock.ended(at: time, in: call.isStream ? phase : .waitingForHead)
        active -= 1
        if phase == .queued { queued -= 1 }
        if let usage = call.usage { outputTokens = outputTokens.addingClamped(usage.outputTokens - call.contents) }
        sink?.ended(call)
    }

    // MARK: Time

    /// The client begins, or ceases, to keep the request waiting.
    public func setBlocked(_ isBlocked: Bool, at time: MonotonicTime) { clock.setBlocked(isBlocked, at: time) }

    /// Where the request's time went until `time`, added up over all its calls.
    public func times(at time: MonotonicTime) -> RequestTimes { clock.times(at: time) }

    // MARK: What upstreams are told

    /// Appends the fields that go with a call.
    func append(_ fields: CarriedFields, ofCall number: Int, to output: inout [UInt8]) {
        if fields.contains(.requestID) {
            if let requestID {
                output.appendRaw("x-request-id: ")
                output.append(contentsOf: requestID.utf8)
                output.appendRaw("\r\n")
            } else if let runID {
                output.appendRaw("x-request-id: ")
                runID.append(to: &output)
                output.appendRaw("\r\n")
            }
        }
        if fields.contains(.trace) { trace?.append(ofCall: number, to: &output) }
    }
}

/// Is told of the calls that requests make: one for a loop, called on it.
public protocol CallSink: AnyObject {
    /// A call begins; where it goes is known.
    func began(_ call: ModelCall)
    /// A call is over; everything about it is known.
    func ended(_ call: ModelCall)
}
