public import EventLoop
public import HTTP
public import Runnable

/// One attempt at an upstream: where its time went, how it ended and what it took. Written by the dialect as the call goes on.
///
/// Belongs to the loop of its ``CallLog``, and is to be read there. Holds nothing of prompts and answers.
public final class ModelCall: @unchecked Sendable {  // @unchecked: used on its log's loop; ends are brought there
    /// How far a call is.
    public enum Phase: String, Sendable {
        /// For one of the backend's connections, all of which are busy.
        case queued
        /// For the connection to be made, and then for the response head.
        case waitingForHead = "waiting for head"
        /// The head is there, and no content yet.
        case waitingForContent = "waiting for first token"
        /// Content has come.
        case streaming
        /// Over.
        case ended
    }

    /// Where it goes.
    public let target: CallTarget
    /// Whether it asked for a stream.
    public let isStream: Bool
    /// Counts the calls of its log from 0.
    public let number: Int
    /// When it began.
    public let began: MonotonicTime
    /// Waiting for a connection to come free.
    public internal(set) var queue = Duration.zero
    /// Resolving, connecting and TLS; zero on a kept connection.
    public internal(set) var connect = Duration.zero
    /// From the request's last byte to the response head.
    public internal(set) var head = Duration.zero
    /// When the response head came; nil without one.
    public internal(set) var headReceived: MonotonicTime?
    /// When the first content came; of an answer that is not streamed, the whole of it.
    public internal(set) var firstContent: MonotonicTime?
    /// When the latest content came.
    public internal(set) var lastContent: MonotonicTime?
    /// Parts of the answer that brought content.
    public internal(set) var contents = 0
    /// When it was over.
    public internal(set) var ended: MonotonicTime?
    /// What went wrong; nil when nothing did. `client_gone` stands for every cancellation.
    public internal(set) var error: RunError.Code?
    /// What the answer took, as the upstream counts it.
    public internal(set) var usage: UsageMetadata?
    /// The model that answered, as the upstream names it.
    public internal(set) var responseModel: String?
    /// Why the answer ended, as the upstream says.
    public internal(set) var finishReason: String?
    /// How far it is.
    public internal(set) var phase = Phase.waitingForHead

    private let loop: EventLoop
    /// Nil once it is over: the log keeps the call.
    private var log: CallLog?

    init(_ target: CallTarget, isStream: Bool, number: Int, began: MonotonicTime, log: CallLog) {
        self.target = target
        self.isStream = isStream
        self.number = number
        self.began = began
        self.log = log
        loop = log.loop
    }

    /// The head is there.
    func gotHead(queue: Duration, connect: Duration, head: Duration, at time: MonotonicTime) {
        spent(queue: queue, connect: connect, head: head)
        headReceived = time
        log?.gotHead(self, at: time)
        phase = .waitingForContent
    }

    /// What it spent before its head, or instead of getting one.
    func spent(queue: Duration, connect: Duration, head: Duration) {
        self.queue = queue
        self.connect = connect
        self.head = head
    }

    /// A part with content came.
    func gotContent(at time: MonotonicTime) {
        if firstContent == nil {
            firstContent = time
            log?.gotFirstContent(self, at: time)
        }
        lastContent = time
        contents += 1
        log?.gotContent()
        phase = .streaming
    }

    /// It is over, with what the answer says about itself. Any thread; the first end counts.
    func end(_ usage: UsageMetadata?, _ metadata: Value.Object) {
        guard loop.isCurrent else { return loop.execute { self.end(usage, metadata) } }
        guard ended == nil else { return }
        self.usage = usage
        if case .string(let reason)? = metadata["finish_reason"] { finishReason = reason }
        if case .string(let model)? = metadata["model_name"] { responseModel = model }
        end(nil)
    }

    /// It is over, with or without an error. Any thread; the first end counts.
    func end(_ error: RunError.Code?) {
        guard loop.isCurrent else { return loop.execute { self.end(error) } }
        guard ended == nil else { return }
        let now = MonotonicTime.now
        let reached = phase
        ended = now
        self.error = error
        phase = .ended
        log.take()?.ended(self, at: now, in: reached)
    }

    /// It is over, with an error that was thrown. Any thread; the first end counts.
    func end(throwing error: any Error) { end(error is CancellationError ? .clientGone : RunError(error).code) }
}

extension ModelCall: ExchangeObserver {
    /// Waits for a connection, or does no more.
    public func isQueued(_ isQueued: Bool) {
        guard phase == (isQueued ? .waitingForHead : .queued) else { return }
        phase = isQueued ? .queued : .waitingForHead
        log?.setQueued(isQueued)
    }
}

extension ModelCall: RequestFields {
    /// The request's id and trace, as far as the target is to be told.
    public func append(to output: inout [UInt8]) { log?.append(target.carried, ofCall: number, to: &output) }
}
