public import EventLoop

/// Writes one response. Belongs to the handler's task; not to be kept after `handle` returns.
///
/// Bytes leave together before the loop waits again: head and first chunk, or all chunks made in one turn, share one write.
public final class ResponseWriter {
    /// Why the work for this request should stop.
    public enum Interruption: Sendable, Equatable {
        /// The client's connection is gone; nobody will read the answer.
        case clientGone
        /// The deadline given to ``ResponseWriter/setDeadline(_:)`` has passed.
        case deadline
        /// The server's drain limit has passed.
        case shuttingDown
        /// ``ResponseWriter/kill()`` was called.
        case killed
    }

    enum State: Equatable {
        case waiting
        case streaming(chunked: Bool)
        case ended
        case aborted
        case raw
    }

    private let transport: Transport
    private let highWater: Int
    private let lowWater: Int
    private let date: LoopBound<DateCache>
    private let isHead: Bool
    private let version: HTTPVersion
    private let clientKeepsAlive: Bool
    private var waiter: CheckedContinuation<Void, Never>?
    private var turn: UInt64 = 0
    private var bytesOfTurn = 0

    /// Bytes after which a response lets others on its loop have their turn, however fast its client reads: a few milliseconds of
    /// small events.
    private static let turnBudget = 32 * 1024

    private(set) var state = State.waiting
    /// Set by the connection while it drains: this response is the last one.
    var closesAfterwards = false
    private(set) var keepAlive: [UInt8]?
    private(set) var probesAtOnce = false
    private(set) var deadline = MonotonicTime.distantFuture
    private(set) var isKilled = false
    /// Tells the connection that a deadline, a keep-alive, ``probesAtOnce`` or ``isKilled`` was set.
    var onSchedule: (() -> Void)?

    /// Why the work should stop, once it should.
    public internal(set) var interruption: Interruption?
    /// Has the handler run to its end when the client goes: its task is not cancelled, and what it writes from then on is dropped.
    /// A deadline and the server's shutdown end it all the same.
    public var outlivesClient = false
    /// Whether there is an ``interruption`` that the handler does not outlive.
    public var mustStop: Bool { interruption != nil && !(outlivesClient && interruption == .clientGone) }
    /// The status that was sent; 0 before there is one.
    public private(set) var status = 0
    /// Body bytes given to this writer so far, without chunk framing.
    public private(set) var bodyBytes = 0
    /// How long the handler has waited for the client to take what was written.
    public private(set) var blocked = Duration.zero
    /// Where the time goes, for a `Server-Timing` field of the head, or behind a stream in chunks; nil for none. The connection drops
    /// it when the handler returns.
    public var timing: (any ResponseTiming)?
    /// Bytes that the client has still to take: of this response, and of those before it on the connection.
    public var pendingBytes: Int { transport.pendingBytes }

    /// Whether the handler waits for the client to take what was written.
    public var isBlocked: Bool { waiter != nil }

    init(
        transport: Transport,
        options: HTTPServerOptions,
        date: LoopBound<DateCache>,
        head: RequestHead
    ) {
        self.transport = transport
        highWater = options.highWater
        lowWater = options.lowWater
        self.date = date
        isHead = head.method == .head
        version = head.version
        clientKeepsAlive = head.keepAlive
    }

    // MARK: Whole responses

    /// Sends a whole response. Does nothing when the client has gone.
    ///
    /// - Parameters:
    ///   - own: fields behind `fields`.
    ///   - body: not sent in answer to HEAD, nor with 204 and 304.
    public func respond(
        status: Int,
        fields: HTTPFields = [:],
        own: (any ResponseFields)? = nil,
        body: [UInt8]
    ) {
        precondition(state == .waiting, "second response to one request")
        guard !transport.isClosed, interruption != .clientGone else { return state = .aborted }
        self.status = status
        let hasBody = status != 204 && status != 304
        appendHead(status: status, fields, own, framing: hasBody ? .length(body.count) : .none)
        if hasBody && !isHead {
            transport.outbox.append(contentsOf: body)
            bodyBytes = body.count
        }
        state = .ended
        transport.scheduleFlush()
    }

    // MARK: Streams

    /// Sends the head of a response whose length is not known: chunked, or until the connection's end for HTTP/1.0.
    ///
    /// - Parameters:
    ///   - own: fields behind `fields`.
    ///   - keepAlive: bytes that mean nothing to the reader, sent as a chunk of their own at every keep-alive interval; nil where the
    ///     format has none.
    public func start(
        status: Int,
        fields: HTTPFields,
        own: (any ResponseFields)? = nil,
        keepAlive: [UInt8]? = nil
    ) {
        precondition(state == .waiting, "second response to one request")
        guard !transport.isClosed, interruption != .clientGone else { return state = .aborted }
        self.status = status
        self.keepAlive = keepAlive
        let isChunked = version == .http11
        if !isChunked { closesAfterwards = true }
        appendHead(status: status, fields, own, framing: isChunked ? .chunked : .untilClose)
        state = .streaming(chunked: isChunked)
        transport.scheduleFlush()
        onSchedule?()
    }

    /// Sends `bytes` as one chunk; an empty one sends nothing.
    ///
    /// - Returns: false when more than the high mark is waiting for the client, or this turn of the loop has seen enough of the
    ///   response: call ``drained()`` before producing more.
    @discardableResult
    public func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard case .streaming(let isChunked) = state, !transport.isClosed, !bytes.isEmpty, interruption != .clientGone
        else { return true }
        bodyBytes += bytes.count
        if !isHead {
            transport.prepareOutbox()
            if isChunked {
                ChunkedEncoder.appendChunk(bytes, to: &transport.outbox)
            } else {
                transport.outbox.append(contentsOf: bytes)
            }
            transport.scheduleFlush()
        }
        return isWithinTurn(bytes.count) && transport.pendingBytes <= highWater
    }

    private func isWithinTurn(_ count: Int) -> Bool {
        let current = transport.loop.turn
        if turn != current {
            turn = current
            bytesOfTurn = 0
        }
        bytesOfTurn += count
        return bytesOfTurn <= Self.turnBudget
    }

    /// Sends `bytes` as one chunk; see the other `write`.
    @discardableResult
    public func write(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { write($0) } }

    /// Waits until the client has taken enough, and at least for the loop's next turn: a client that reads as fast as we write must not
    /// have the loop for itself.
    ///
    /// - Throws: `CancellationError` when the client goes, the deadline passes or the server shuts down meanwhile.
    public func drained() async throws {
        transport.flush()
        if transport.pendingBytes <= lowWater {
            await transport.loop.nextTurn()
        } else {
            await waitForReader()
        }
        if mustStop { throw CancellationError() }
    }

    private func waitForReader() async {
        let began = MonotonicTime.now
        timing?.clientBlocks(at: began)
        defer { noteUnblocked(since: began) }
        while transport.pendingBytes > lowWater, interruption == nil {
            await withCheckedContinuation { continuation in
                waiter = continuation
                wake()  // the suspension may have taken a turn through the executor
            }
        }
    }

    private func noteUnblocked(since began: MonotonicTime) {
        let now = MonotonicTime.now
        blocked += now - began
        timing?.clientTakes(at: now)
    }

    /// Ends a stream in the proper way.
    public func end() {
        guard case .streaming(let isChunked) = state else { return }
        guard interruption != .clientGone else { return state = .aborted }  // some of it was dropped
        state = .ended
        guard !transport.isClosed else { return }
        if isChunked && !isHead { appendLastChunk() }
        transport.scheduleFlush()
    }

    private func appendLastChunk() {
        guard timing != nil else { return ChunkedEncoder.appendEnd(to: &transport.outbox) }
        transport.outbox.append(literal: "0\r\n")
        appendTiming()
        transport.outbox.append(literal: "\r\n")
    }

    private func appendTiming() {
        guard let timing else { return }
        transport.outbox.append(literal: "server-timing: ")
        timing.appendValue(to: &transport.outbox)
        transport.outbox.append(literal: "\r\n")
    }

    /// Cuts a stream: what was written is sent, the last chunk is not, and the connection closes. The client cannot take it for
    /// a complete answer (over HTTP/1.0, where an end is all there is, it gets a reset).
    public func abort() {
        switch state {
        case .waiting, .streaming: state = .aborted
        case .ended, .aborted, .raw: return
        }
    }

    // MARK: Time

    /// Interrupts the handler's task at `time`.
    public func setDeadline(_ time: MonotonicTime) {
        deadline = time
        onSchedule?()
    }

    /// Interrupts the handler's task now, because somebody else says so.
    public func kill() {
        isKilled = true
        onSchedule?()
    }

    /// Has a client that finished sending probed at once instead of after a while: for work that goes on to spend meanwhile. Such a
    /// client sees an interim response or a keep-alive more than others.
    public func probeAtOnce() {
        probesAtOnce = true
        onSchedule?()
    }

    // MARK: Raw access, for servers that misbehave on purpose

    /// Sends bytes as they are, at once, without any framing; the connection closes after this response.
    public func writeRaw(_ bytes: [UInt8]) {
        guard !transport.isClosed else { return }
        state = .raw
        bodyBytes += bytes.count
        transport.outbox.append(contentsOf: bytes)
        transport.flush()
    }

    /// True when a raw response should end in a reset.
    public var resetsAfterwards = false

    // MARK: The connection's side

    /// Wakes a producer that waits for room, or for nothing any more.
    func wake() {
        guard let waiter, transport.pendingBytes <= lowWater || interruption != nil else { return }
        self.waiter = nil
        waiter.resume()
    }

    /// Sends something that means nothing to the client but makes the network tell whether it is still there.
    func probe() {
        switch state {
        case .waiting where version == .http11: HTTPEncoder.appendContinue(to: &transport.outbox)
        case .streaming: sendKeepAlive()
        default: return
        }
        transport.scheduleFlush()
    }

    func sendKeepAlive() {
        // With bytes waiting already, more of them would tell the client nothing.
        guard let keepAlive, case .streaming(let isChunked) = state, !isHead, transport.pendingBytes == 0 else {
            return
        }
        if isChunked {
            ChunkedEncoder.appendChunk(keepAlive, to: &transport.outbox)
        } else {
            transport.outbox.append(contentsOf: keepAlive)
        }
        transport.scheduleFlush()
    }

    /// Whether another request may follow on the connection.
    var keepsConnection: Bool { state == .ended && clientKeepsAlive && !closesAfterwards }

    /// Whether only a reset can tell the client that the body is cut.
    var needsReset: Bool {
        if resetsAfterwards { return true }
        switch state {
        case .aborted, .streaming: return version == .http10 && status != 0
        case .waiting, .ended, .raw: return false
        }
    }

    private func appendHead(
        status: Int,
        _ fields: HTTPFields,
        _ own: (any ResponseFields)?,
        framing: BodyFraming
    ) {
        let connection: HTTPEncoder.Connection =
            closesAfterwards || !clientKeepsAlive ? .close : version == .http10 ? .keepAlive : .implied
        let date = date.value.current()
        transport.prepareOutbox()
        HTTPEncoder.appendResponseFields(status: status, fields: fields, date: date, to: &transport.outbox)
        own?.append(to: &transport.outbox)
        switch framing {
        case .length, .none: appendTiming()
        // RFC 9110, 6.6.2. Sent without TE: trailers as well, since nobody needs it (6.5.1).
        case .chunked where timing != nil && !isHead: transport.outbox.append(literal: "trailer: server-timing\r\n")
        case .chunked, .untilClose: break
        }
        HTTPEncoder.appendFraming(framing, connection, to: &transport.outbox)
    }
}

/// The Date field's value, made once a second for a whole loop.
final class DateCache {
    private var date = HTTPDate()

    func current() -> HTTPDate {
        date.update()
        return date
    }
}
