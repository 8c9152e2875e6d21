import EventLoop
import HTTP
import Runnable

/// The limits of one upstream call as points in time, and where its time went.
///
/// An object of the call's own: it is handed through functions that wait, and each would keep a copy of a value.
final class CallClock {
    /// What the call is doing, for the words of a timeout.
    enum Phase: String {
        case head = "waiting for the response head"
        case firstToken = "waiting for the first token"
        case streaming = "streaming"
        case body = "reading the body"
    }

    private let loop: EventLoop
    private let start: MonotonicTime
    /// Before that, in a batch.
    private let waited: Duration?
    /// When the whole call must be over.
    let deadline: MonotonicTime
    private let timeouts: UpstreamTimeouts
    private let isStream: Bool
    /// Known when the head is there, or when the exchange failed before.
    private var timing = ExchangeTiming()
    private var phase: Phase
    private var sent: MonotonicTime
    private var lastContent: MonotonicTime?
    /// What the request's log says about the call; nil when nobody asked.
    let record: ModelCall?

    /// A call that begins now. Any thread; everything else on `loop`.
    init(_ timeouts: UpstreamTimeouts, config: RunConfig, target: CallTarget, isStream: Bool, loop: EventLoop) {
        self.loop = loop
        let start = MonotonicTime.now
        self.start = start
        waited = config.waited
        self.timeouts = timeouts
        self.isStream = isStream
        let total = start + timeouts.total
        deadline = config.timeLeft.map { min(start + $0, total) } ?? total
        sent = start
        phase = isStream ? .firstToken : .head
        record = CallLog.of(config)?.begin(target, isStream: isStream, at: start)
    }

    /// Throws when there is no time left, or nobody to answer: what cannot finish is not begun.
    @inline(never)
    func checkStart() throws {
        if Task.isCancelled { throw CancellationError() }
        guard start >= deadline else { return }
        let code = RunError.Code.timeoutTotal
        throw RunError(
            code,
            "\(code.rawValue) before the upstream was called",
            detail: "the deadline had passed already"
        )
    }

    /// For the exchange up to its head. A stream's head cannot take longer than its first token may.
    var exchangeLimits: ExchangeLimits {
        var limits = ExchangeLimits()
        limits.queue = timeouts.queue
        limits.connect = timeouts.connect
        limits.tls = timeouts.tls
        limits.head = isStream ? min(timeouts.head, timeouts.firstToken) : timeouts.head
        limits.deadline = deadline
        return limits
    }

    /// The head is there.
    @inline(never)
    func gotHead(_ timing: ExchangeTiming) {
        self.timing = timing
        sent = start + (timing.queue + timing.connect)
        record?.gotHead(queue: timing.queue, connect: timing.connect, head: timing.head, at: loop.now)
        if !isStream { phase = .body }
    }

    /// Content came.
    func gotContent() {
        let now = loop.now
        lastContent = now
        record?.gotContent(at: now)
        phase = .streaming
    }

    /// Enters a whole answer into the record, or why it is none.
    @inline(never)
    func decoding(_ decode: () throws(RunError) -> Message) throws(RunError) -> Message {
        do throws(RunError) {
            let message = try decode()
            record?.gotContent(at: loop.now)
            record?.end(message.usage, message.responseMetadata)
            return message
        } catch {
            record?.end(error.code)
            throw error
        }
    }

    /// When to stop waiting for more of a stream, and what to call it then.
    @inline(never)
    var contentLimit: (time: MonotonicTime, code: HTTPClientError.Code) {
        let limit = lastContent.map { $0 + timeouts.idle } ?? (sent + timeouts.firstToken)
        if deadline < limit { return (deadline, .timeoutTotal) }
        return (limit, lastContent == nil ? .timeoutFirstToken : .timeoutIdle)
    }

    /// The error of a failed exchange, in our terms.
    ///
    /// Returns `CancellationError` when the cause was the cancellation of the current task.
    @inline(never)
    func failure(_ error: HTTPClientError) -> any Error {
        var spent = timing
        if phase == .head || (phase == .firstToken && timing.head == .zero) {
            spent = error.timing
            record?.spent(queue: spent.queue, connect: spent.connect, head: spent.head)
        }
        if error.code == .cancelled {
            if Task.isCancelled { return CancellationError() }
            return RunError(.shuttingDown, detail: error.description)
        }
        var code = RunError.Code(error.code)
        if code == .timeoutHead, isStream, timeouts.firstToken < timeouts.head { code = .timeoutFirstToken }
        return RunError(
            code,
            message(of: error.code, as: code, spent),
            detail: error.description
        )
    }

    private func message(_ text: String, _ spent: ExchangeTiming) -> String {
        let elapsed = loop.now - start
        let rest = elapsed - spent.queue - spent.connect
        let turn = waited.map { "waiting for its turn \($0.wholeMilliseconds) ms, " } ?? ""
        let total = elapsed + (waited ?? .zero)
        return "\(text) after \(total.wholeMilliseconds) ms: \(turn)queue \(spent.queue.wholeMilliseconds) ms, "
            + "connect \(spent.connect.wholeMilliseconds) ms, \(phase.rawValue) \(max(0, rest.wholeMilliseconds)) ms"
    }

    private func message(
        of cause: HTTPClientError.Code,
        as code: RunError.Code,
        _ spent: ExchangeTiming
    ) -> String? {
        switch cause {
        case .timeoutConnect, .timeoutTLS, .timeoutHead, .timeoutFirstToken, .timeoutIdle, .timeoutTotal:
            message(code.rawValue, spent)
        case .timeoutQueue: message("no connection to the upstream came free", spent)
        case .queueFull: "Too many requests wait for a connection to the upstream."
        case .closedBeforeHead: "The upstream closed the connection without an answer."
        case .tooLarge: "The upstream's answer is larger than the limit."
        case .dns, .connect, .tls, .truncated, .protocolError, .cancelled: nil
        }
    }
}

extension RunError.Code {
    /// The class of a failed exchange.
    init(_ code: HTTPClientError.Code) {
        self =
            switch code {
            case .dns: .upstreamDNS
            case .connect: .upstreamConnect
            case .tls: .upstreamTLS
            case .timeoutConnect: .timeoutConnect
            case .timeoutTLS: .timeoutTLS
            case .timeoutHead: .timeoutHead
            case .timeoutFirstToken: .timeoutFirstToken
            case .timeoutIdle: .timeoutIdle
            case .timeoutTotal: .timeoutTotal
            case .timeoutQueue, .queueFull: .policyQueue
            // Delivered, and then dropped: the server crashed or restarted. Undelivered requests the client sends again itself.
            case .closedBeforeHead: .upstream5xx
            case .truncated: .truncated
            case .protocolError, .tooLarge: .upstreamProtocol
            case .cancelled: .clientGone
            }
    }
}
