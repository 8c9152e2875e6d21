import EventLoop
import TLS

/// One client connection: reads requests, runs the handler for one at a time, and keeps watching the client meanwhile.
///
/// Pinned to its loop. The client's end is an input in every state: it cancels the handler's task. A client that only
/// finished sending (a half-close) is not gone; as TCP cannot tell the two apart, such a client is probed with bytes that mean
/// nothing to it, and a reset in reply is what ends the work.
actor ServerConnection {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private enum Phase {
        case securing
        case idle
        case readingHead
        case readingBody
        case serving
        case lingering
        case closed
    }

    private let server: HTTPServer
    private var options: HTTPServerOptions { server.options }
    private let date: LoopBound<DateCache>
    private let handlers: LoopBound<CurrentHandler>
    private let peer: SocketAddress
    private let isSecure: Bool
    private var credentials: PeerCredentials?

    private var transport: Transport?
    private var timer: LoopTimer?
    private var decoder: RequestDecoder
    private var phase = Phase.idle
    private var head: RequestHead?
    private var isComplete = false  // `head` and `body` are a whole request that was not dispatched yet
    private var body: [UInt8] = []
    private var received = MonotonicTime.now
    private var bodyBegan = MonotonicTime.now
    private var backlog: [UInt8] = []  // pipelined bytes behind the request being served, from `backlogStart` on
    private var backlogStart = 0
    private var isReadingBacklog = false
    private var request: ServerRequest?  // handed over to the task
    private var requestBytes = 0  // of its body
    private var writer: ResponseWriter?
    private var onSchedule: (() -> Void)?
    private var task: Task<Void, Never>?
    private var isDraining = false
    private var drainGrace: Duration?  // for a client that was not told to go
    private var isCancelled = false  // the drain's limit has passed
    private var hasClientFinished = false
    private var isEndAhead = false  // the client has finished, behind bytes that are not read yet

    // What the one timer waits for; `.distantFuture` when not at all.
    private var phaseLimit = MonotonicTime.distantFuture
    private var writeLimit = MonotonicTime.distantFuture
    private var sentAtWriteLimit: UInt64 = 0
    private var nextKeepAlive = MonotonicTime.distantFuture
    private var nextProbe = MonotonicTime.distantFuture
    private var hasProbed = false  // since the client finished sending, or the request began after that
    private var lingerEnd = MonotonicTime.distantFuture

    /// Bytes of a body that buy it another body timeout.
    private static let leastBodyPart = 16 << 10
    /// Pipelined bytes taken before reading stops.
    private static let backlogLimit = 64 << 10
    /// How long a closing connection waits for the client's end, or for more of what it still sends, so that the last response
    /// is not lost to a reset; and how long at most.
    private static let lingerTimeout = Duration.seconds(2)
    private static let longestLinger = Duration.seconds(30)
    /// How long after a client finished sending it is probed for the first time. Most answers are out by then, and a client
    /// that half-closes on purpose never sees a probe.
    private static let firstProbe = Duration.milliseconds(500)

    init(
        server: HTTPServer,
        loop: EventLoop,
        date: LoopBound<DateCache>,
        handlers: LoopBound<CurrentHandler>,
        peer: SocketAddress,
        isSecure: Bool
    ) {
        self.server = server
        self.loop = loop
        self.date = date
        self.handlers = handlers
        self.peer = peer
        self.isSecure = isSecure
        decoder = RequestDecoder(limits: server.options.limits)
    }

    /// Takes the descriptor over and starts reading.
    func start(descriptor: Int32, tls: TLSContext?) {
        do {
            let engine = try tls.map { try TLSEngine(context: $0, role: .server) }
            let transport = Transport(
                loop: loop,
                descriptor: descriptor,
                tls: engine,
                readsAfterSendFailure: false,
                traffic: server.traffic
            )
            self.transport = transport
            if options.identifiesPeers { credentials = Socket.peerCredentials(descriptor) }
            timer = LoopTimer(on: loop) { self.timerFired() }
            onSchedule = { [unowned self] in schedule() }  // a writer has it only while it serves
            phase = engine == nil ? .idle : .securing
            // A new connection has the time of a head to show its first request.
            limitPhase(options.headerTimeout)
            try transport.start(
                Transport.Callbacks(
                    onBytes: { self.received($0) },
                    onEnd: { self.receivedEnd($0) },
                    onEndAhead: { self.sawEndAhead() },
                    onProgress: { self.madeProgress() },
                    onSecured: { self.phase = .idle }
                )
            )
        } catch {
            if transport == nil { Socket.close(descriptor) }
            close()
        }
    }

    /// The handler of this moment: a reload changes it between requests.
    private var handler: any HTTPHandler { handlers.value.current }

    // MARK: Reading

    private func received(_ bytes: UnsafeRawBufferPointer) {
        switch phase {
        case .lingering: limitLinger()
        case .closed, .securing: return
        case .serving: keep(bytes)
        case .idle, .readingHead, .readingBody:
            guard backlog.isEmpty else { return keep(bytes) }
            let used = decode(bytes)
            if used < bytes.count { keep(UnsafeRawBufferPointer(rebasing: bytes[used...])) }
            guard isComplete else { return }
            dispatch()
            readBacklog()
        }
    }

    /// Keeps pipelined bytes for later, and stops reading when there are enough of them.
    private func keep(_ bytes: UnsafeRawBufferPointer) {
        if backlogStart > 0 {
            backlog.removeFirst(backlogStart)
            backlogStart = 0
        }
        backlog.append(contentsOf: bytes)
        guard backlog.count >= ServerConnection.backlogLimit, let transport, !transport.isReadingPaused else { return }
        transport.pauseReading(watchingForEnd: true)
        if phase == .serving { awaitProbe() }
    }

    /// Reads up to the end of one request at most.
    ///
    /// - Returns: how many of the bytes were used.
    private func decode(_ bytes: UnsafeRawBufferPointer) -> Int {
        var input = bytes
        if phase == .idle {
            received = loop.now
            phase = .readingHead
            limitPhase(options.headerTimeout)
        }
        do throws(HTTPParseError) {
            while phase == .readingHead || phase == .readingBody, let event = try decoder.next(&input) {
                switch event {
                case .head(let head): begin(head, hasMore: !input.isEmpty)
                case .body(let part): append(part)
                case .end:
                    isComplete = true
                    return bytes.count - input.count
                }
            }
        } catch {
            reject(status: error.status, message: error.description)
        }
        switch phase {
        // What a chunk announces need not be waited for.
        case .readingBody where decoder.announcedBytes > options.maximumBody - body.count: rejectTooLarge()
        case .readingBody: limitBody()
        case .readingHead where decoder.isBetweenMessages:  // an empty line behind the last request
            phase = .idle
            limitIdle()
        default: break
        }
        return bytes.count
    }

    /// Goes on with what the client has sent behind the request just served, once it has taken enough of the answers.
    private func readBacklog() {
        guard !isReadingBacklog else { return }
        isReadingBacklog = true
        defer { isReadingBacklog = false }
        while phase == .idle, let transport {
            if transport.pendingBytes > options.highWater { transport.flush() }
            guard phase == .idle else { return }
            if transport.pendingBytes > options.highWater { return transport.pauseReading(watchingForEnd: true) }
            guard !backlog.isEmpty else { return transport.resumeReading() }
            let bytes = backlog
            backlogStart += bytes.withUnsafeBytes { decode(UnsafeRawBufferPointer(rebasing: $0[backlogStart...])) }
            if backlogStart >= backlog.count {
                backlog = []
                backlogStart = 0
            }
            if backlog.count - backlogStart < ServerConnection.backlogLimit { transport.resumeReading() }
            if isComplete { dispatch() }
        }
        if hasClientFinished, phase == .readingHead || phase == .readingBody {
            abandon(.clientGone)
            linger()
        }
    }

    private func begin(_ head: RequestHead, hasMore: Bool) {
        self.head = head
        body = []
        bodyBegan = loop.now
        phase = .readingBody
        if case .length(let length) = head.framing {
            guard length <= options.maximumBody else { return rejectTooLarge() }
            // Not all at once: a length is only a claim until the bytes are there.
            if length > 0 { body.reserveCapacity(min(length, 1 << 20) + EventLoop.readBufferPadding) }
        }
        if head.expectsContinue, !hasMore, head.framing != .none, let transport {
            transport.prepareOutbox()
            HTTPEncoder.appendContinue(to: &transport.outbox)
            transport.scheduleFlush()
        }
    }

    private func append(_ part: UnsafeRawBufferPointer) {
        guard body.count + part.count <= options.maximumBody else { return rejectTooLarge() }
        body.append(contentsOf: part)
    }

    private func rejectTooLarge() {
        reject(status: 413, message: "the request body is larger than \(options.maximumBody) bytes")
    }

    /// Answers what is no request, and closes: after a framing doubt nothing on the connection can be trusted.
    private func reject(status: Int, message: String) {
        guard let transport else { return }
        var (fields, body) = handler.rejection(status: status, message: message)
        handler.identify(head, received: received, in: &fields)
        HTTPEncoder.appendResponseHead(
            status: status,
            fields: fields,
            framing: .length(body.count),
            connection: .close,
            date: date.value.current(),
            to: &transport.outbox
        )
        if head?.method != .head { transport.outbox.append(contentsOf: body) }
        server.assumeIsolated { $0.rejected(status) }
        handler.rejected(
            RejectedRequest(
                cause: .refused,
                status: status,
                message: message,
                fields: fields,
                bytes: body.count,
                head: head,
                peer: peer,
                received: received
            )
        )
        linger()
    }

    // MARK: Serving

    private func dispatch() {
        isComplete = false
        guard let head, let transport else { return }
        if !body.isEmpty { body.reserveSpare(EventLoop.readBufferPadding) }
        let request = ServerRequest(
            head: head,
            body: body,
            peer: peer,
            credentials: credentials,
            isSecure: isSecure,
            received: received,
            arrived: loop.now
        )
        self.head = nil
        requestBytes = body.count
        body = []
        let writer = ResponseWriter(transport: transport, options: options, date: date, head: head)
        writer.closesAfterwards = isDraining
        writer.onSchedule = onSchedule
        self.writer = writer
        self.request = request
        phase = .serving
        phaseLimit = .distantFuture
        if hasClientFinished || transport.isReadingPaused { awaitProbe() }
        // Without the preference, whatever resumes after a suspension is queued on the global pool first, even in an actor that has
        // an executor: a futex call, a woken thread and a trip back for every await.
        task = Task(executorPreference: loop) { await self.serve() }
    }

    private func serve() async {
        guard let request, let writer else { return }
        self.request = nil
        let handler = self.handler
        await handler.handle(request, writer)
        if writer.state == .waiting, writer.interruption != .clientGone { answerInstead(of: handler, writer) }
        finish(writer)
    }

    /// A handler that ends without a word still owes the client an answer.
    private func answerInstead(of handler: any HTTPHandler, _ writer: ResponseWriter) {
        let (status, message) =
            switch writer.interruption {
            case .deadline: (504, "the request took too long")
            case .shuttingDown: (503, "the server is shutting down")
            case .killed: (503, "the request was ended by an operator")
            case .clientGone, nil: (500, "the request was not answered")
            }
        let (fields, body) = handler.rejection(status: status, message: message)
        writer.respond(status: status, fields: fields, body: body)
    }

    private func finish(_ writer: ResponseWriter) {
        writer.onSchedule = nil
        writer.timing = nil
        noteFreed(requestBytes + writer.bodyBytes)
        self.writer = nil
        task = nil
        nextKeepAlive = .distantFuture
        nextProbe = .distantFuture
        guard let transport, phase == .serving else { return }
        defer { if options.replacesQuietConnections { server.assumeIsolated { $0.becameQuiet() } } }
        if writer.interruption == .clientGone { return close(reset: writer.needsReset) }
        if writer.needsReset {
            transport.flush()
            return close(reset: true)
        }
        noteUnsentBytes()  // both ways from here arm the timer
        // In a drain with a grace the answer may have begun before the drain, and so have promised to keep the connection.
        guard writer.keepsConnection, !isDraining || drainGrace != nil, !(hasClientFinished && backlog.isEmpty) else {
            return linger()
        }
        phase = .idle
        limitIdle()
        readBacklog()
    }

    private func noteFreed(_ count: Int) {
        if count >= HTTPServer.largeBody { server.assumeIsolated { $0.freed(count) } }
    }

    private func interrupt(_ reason: ResponseWriter.Interruption) {
        guard let writer, !writer.mustStop, reason != writer.interruption else { return }
        if writer.interruption == nil { writer.interruption = reason }
        if reason != .clientGone || !writer.outlivesClient { task?.cancel() }
        writer.wake()
    }

    // MARK: The client's end

    private func receivedEnd(_ end: Transport.End) {
        switch (phase, end) {
        case (.serving, .finished) where !options.cancelsAtHalfClose:
            hasClientFinished = true
            awaitProbe()
        case (.serving, _): interrupt(.clientGone)
        case (.idle, .finished), (.lingering, .finished):
            // It may still be taking the last response.
            hasClientFinished = true
            if phase == .idle { linger() } else { closeWhenSent() }
        default:
            abandon(.clientGone)
            close()
        }
    }

    /// A request whose body ends before its end is no request, but operators see it.
    private func abandon(_ cause: RejectedRequest.Cause) {
        guard phase == .readingBody, let head else { return }
        var fields = HTTPFields()
        handler.identify(head, received: received, in: &fields)
        handler.rejected(
            RejectedRequest(
                cause: cause,
                status: 0,
                message: "the connection ended behind \(body.count) bytes of the request's body",
                fields: fields,
                bytes: 0,
                head: head,
                peer: peer,
                received: received
            )
        )
    }

    private func sawEndAhead() {
        isEndAhead = true
        guard phase == .serving else { return }
        if options.cancelsAtHalfClose { interrupt(.clientGone) } else { awaitProbe() }
    }

    /// While reading is paused the client's end may be out of sight, behind what the kernel has no room for: there is nothing but
    /// probes then, if not as soon.
    private func awaitProbe() {
        hasProbed = false
        let isKnown = hasClientFinished || isEndAhead
        nextProbe = loop.now + (isKnown ? ServerConnection.firstProbe : options.probeInterval)
        schedule()
    }

    private func probe() {
        hasProbed = true
        nextProbe = loop.now + options.probeInterval
        writer?.probe()
    }

    private func madeProgress() {
        guard let transport else { return }
        writer?.wake()
        if writeLimit != .distantFuture { watchUnsentBytes() }
        switch phase {
        case .idle where transport.pendingBytes <= options.lowWater: readBacklog()
        case .lingering where transport.pendingBytes == 0:
            limitLinger()
            closeWhenSent()
        default: return
        }
    }

    // MARK: Time

    /// Silence is limited, and so is dripping: in each timeout some bytes must come, or one byte at a time would hold what has come
    /// for as long as its sender likes.
    private func limitBody() {
        let parts = body.count / ServerConnection.leastBodyPart + 1
        phaseLimit = min(loop.now + options.bodyTimeout, bodyBegan + options.bodyTimeout * parts)
        armTimer()
    }

    private func limitPhase(_ duration: Duration) {
        phaseLimit = loop.now + duration
        armTimer()
    }

    private func limitIdle() { limitPhase(min(options.idleTimeout, drainGrace ?? options.idleTimeout)) }

    /// The earliest of all that may come due wins.
    private func armTimer() {
        guard let timer else { return }
        let next = min(phaseLimit, writeLimit, nextKeepAlive, nextProbe, writer?.deadline ?? .distantFuture)
        if next == .distantFuture { timer.disarm() } else { timer.arm(at: next) }
    }

    /// Has the timer look at everything that a response under way needs.
    private func schedule() {
        if let writer, writer.isKilled { interrupt(.killed) }
        if let writer, writer.keepAlive != nil, nextKeepAlive == .distantFuture {
            nextKeepAlive = loop.now + options.keepAliveInterval
        }
        if hasClientFinished || isEndAhead, !hasProbed, writer?.probesAtOnce == true { probe() }
        // While a response is under way the timer also looks in on the client's reading, at the write timeout's pace.
        if writer != nil, writeLimit == .distantFuture { watchUnsentBytes() } else { armTimer() }
    }

    private func watchUnsentBytes() {
        noteUnsentBytes()
        armTimer()
    }

    private func noteUnsentBytes() {
        guard let transport else { return }
        writeLimit = loop.now + options.writeTimeout
        sentAtWriteLimit = transport.bytesSent
    }

    private func timerFired() {
        let now = loop.now
        if writeLimit <= now { checkUnsentBytes() }
        if phaseLimit <= now { phaseTimedOut() }
        guard phase != .closed else { return }
        if let writer {
            if writer.deadline <= now {
                writer.setDeadline(.distantFuture)
                interrupt(.deadline)
            }
            if nextKeepAlive <= now {
                writer.sendKeepAlive()
                nextKeepAlive = now + options.keepAliveInterval
            }
            if nextProbe <= now { probe() }
        }
        schedule()
    }

    private func checkUnsentBytes() {
        guard let transport else { return }
        writeLimit = .distantFuture
        if transport.pendingBytes > 0, transport.bytesSent == sentAtWriteLimit {
            if phase == .serving { interrupt(.clientGone) } else { close(reset: true) }
        } else if transport.pendingBytes > 0 {
            watchUnsentBytes()
        }
    }

    private func phaseTimedOut() {
        phaseLimit = .distantFuture
        switch phase {
        case .readingHead where decoder.hasPartialHead, .readingBody:
            reject(status: 408, message: "the request did not arrive in time")
        // A slow reader has the write timeout, for as long as it reads.
        case .idle where transport?.pendingBytes != 0: limitPhase(options.idleTimeout)
        // A request that crosses our end on its way is not answered with a reset.
        case .idle where isDraining: linger()
        case .lingering where transport?.pendingBytes != 0 && loop.now < lingerEnd: limitLinger()
        default: close()
        }
    }

    // MARK: Ending

    /// Whether a request is being answered, and whether its answer is a stream that has begun.
    var activity: (isServing: Bool, isStreaming: Bool) {
        guard let writer else { return (false, false) }
        if case .streaming = writer.state { return (true, true) }
        return (true, false)
    }

    /// Since when the client has asked for nothing; nil while it is answered.
    var quietSince: MonotonicTime? { phase == .serving || phase == .closed ? nil : received }

    /// Goes, for another connection to take its place.
    func makeRoom() { close() }

    /// Stops after the response under way; an idle connection closes at once.
    ///
    /// - Parameter grace: how long an idle connection waits for a request instead, whose answer tells the client to go.
    func drain(grace: Duration? = nil) {
        isDraining = true
        drainGrace = grace
        if let grace {
            // What a head has promised is kept: the client may send its next request before it could see a close.
            if let writer, writer.state == .waiting { writer.closesAfterwards = true }
            if phase == .idle, phaseLimit > loop.now + grace { limitPhase(grace) }
            return
        }
        writer?.closesAfterwards = true
        switch phase {
        case .idle where transport?.pendingBytes != 0: linger()
        case .idle, .securing: close()
        default: return
        }
    }

    /// Ends the request under way with the door's error, at the end of a drain. One that is still arriving has nobody to answer
    /// it any more.
    func cancelWork() {
        isCancelled = true
        lingerEnd = min(lingerEnd, loop.now + ServerConnection.lingerTimeout)
        switch phase {
        case .lingering: limitLinger()
        case .readingHead, .readingBody:
            abandon(.shuttingDown)
            close()
        case .idle: linger()
        case .securing: close()
        default: interrupt(.shuttingDown)
        }
    }

    /// Sends what is left, then our end, and gives the client a moment to read it before the descriptor goes.
    private func linger() {
        guard let transport, phase != .closed, phase != .lingering else { return }
        phase = .lingering
        backlog = []
        backlogStart = 0
        lingerEnd = loop.now + (isCancelled ? ServerConnection.lingerTimeout : ServerConnection.longestLinger)
        limitLinger()
        watchUnsentBytes()
        transport.resumeReading()
        transport.finishSending()
        closeWhenSent()
    }

    private func limitLinger() {
        phaseLimit = min(loop.now + ServerConnection.lingerTimeout, lingerEnd)
        armTimer()
    }

    /// With the client's end here already, ours is all there is to wait for.
    private func closeWhenSent() {
        guard hasClientFinished, let transport else { return }
        transport.flush()
        if transport.pendingBytes == 0 { close() }
    }

    private func close(reset: Bool = false) {
        guard phase != .closed else { return }
        interrupt(.clientGone)
        phase = .closed
        noteFreed(body.count)
        timer?.cancel()
        timer = nil
        transport?.close(reset: reset)
        transport = nil
        server.assumeIsolated { $0.closed(self) }
    }
}
