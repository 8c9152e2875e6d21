public import EventLoop
import Runnable

/// All calls of models that one request makes, however deep in its pipeline: found by dialects in `RunConfig.attachment`.
///
/// On one loop; a call made from elsewhere is not logged.
public final class CallLog: @unchecked Sendable {  // @unchecked: used on `loop` only, which `of` checks
    /// Calls that are kept. Of a request with more of them, such as a large batch, the rest is only counted.
    public static let longest = 256

    /// Where it is used.
    public let loop: EventLoop
    /// The first calls, in the order in which they began.
    public private(set) var calls: [ModelCall] = []
    /// Calls begun.
    public private(set) var begun = 0
    /// Calls under way.
    public private(set) var active = 0
    private let sink: (any CallSink)?

    /// An empty log.
    ///
    /// - Parameter sink: is told of every call.
    public init(loop: EventLoop, sink: (any CallSink)?) {
        self.loop = loop
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
        let call = ModelCall(target, isStream: isStream, began: time, log: self)
        if begun < CallLog.longest { calls.append(call) }
        begun += 1
        active += 1
        sink?.began(call)
        return call
    }

    func ended(_ call: ModelCall) {
        active -= 1
        sink?.ended(call)
    }
}

/// Is told of the calls that requests make: one for a loop, called on it.
public protocol CallSink: AnyObject {
    /// A call begins; where it goes is known.
    func began(_ call: ModelCall)
    /// A call is over; everything about it is known.
    func ended(_ call: ModelCall)
}
