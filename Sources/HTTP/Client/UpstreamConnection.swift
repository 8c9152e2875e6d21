import EventLoop
import Glibc
import TLS

/// One connection to an upstream server, used by one exchange at a time.
///
/// Pinned to its loop. Whatever ends an exchange early (cancellation, a timeout, an error) closes the connection: that is how
/// the upstream learns that nobody wants its tokens any more.
actor UpstreamConnection {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private enum Phase {
        case unconnected
        case connecting
        case securing
        case idle
        case awaitingHead
        case body
        /// The exchange is over, with its last bytes not taken yet.
        case complete
        case closed
    }

    private let client: HTTPClient
    private var options: HTTPClientOptions { client.options }
    private var transport: Transport?
    private var opening: Opening?
    private var lookUp: Task<Void, Never>?
    private var dialer: Dialer?
    private var timer: LoopTimer?
    private var decoder: ResponseDecoder
    private var phase = Phase.unconnected
    private var head: ResponseHead?
    private var inbox: [UInt8] = []
    private var isPaused = false
    private var wantsWholeBody = false
    private var bodyLimit = Int.max
    private var failure: HTTPClientError?
    private var watch: ExchangeWatch
    private var timeoutCode = HTTPClientError.Code.timeoutConnect
    private var waiter: UnsafeContinuation<Void, Never>?
    private var receiver: LoopBound<PartReceiver>?  // of the task that waits for a part
    private var hasReceivedLast = false  // and that task has to go on
    private var suspensions = 0
    private var suspended = 0  // the suspension that waits for `wake()`; 0 when none does
    private var sentBefore: UInt64 = 0  // bytes sent on this connection before the exchange under way
    private var gotResponseBytes = false
    private var keepsConnection = true
    /// Counts exchanges, so that whoever held an earlier one cannot end this one.
    private(set) var exchangeNumber = 0
    /// The last exchange that ended well and gave the connection back.
    private var releasedExchange = 0
    /// Nobody wants the rest of the body; it is read so that the connection can be used again.
    private var isDiscarding = false

    /// Room for a request id, a trace and the body's length.
    private static let usualFields = 192

    init(client: HTTPClient, loop: EventLoop) {
        self.client = client
        self.loop = loop
        watch = ExchangeWatch(since: loop.now)
        decoder = ResponseDecoder(limits: client.options.limits)
    }

    // MARK: Opening

    /// What a new connection is to do once it is open.
    private final class Opening {
        let request: ClientRequest
        let limits: ExchangeLimits

        init(_ request: ClientRequest, _ limits: ExchangeLimits) {
            self.request = request
            self.limits = limits
        }
    }

    /// Begins to resolve, connect and, for an `https` origin, shake hands. When that is done the request goes out.
    private func open(for request: ClientRequest, _ limits: ExchangeLimits) {
        opening = Opening(request, limits)
        watch.enter(.connect, at: loop.now)
        phase = .connecting
        timer = LoopTimer(on: loop) { self.timedOut() }
        arm(loop.now + limits.connect, .timeoutConnect, deadline: limits.deadline)
        if let address = client.address {
            dial([address])
        } else {
            let origin = client.origin
            // The look-up runs on its own: a slow resolver must not hold a request beyond its limits or its client.
            lookUp = Task(executorPreference: loop) { await self.resolve(origin) }
        }
    }

    private func resolve(_ origin: HTTPOrigin) async {
        do throws(LoopError) {
            dial(try await Resolver.shared.resolve(origin.host, port: origin.port))
        } catch {
            fail(HTTPClientError(.dns, error.description))
        }
    }

    private func dial(_ addresses: [SocketAddress]) {
        guard phase == .connecting else { return }
        lookUp = nil
        let dialer = Dialer(on: loop, addresses: addresses) { self.dialled($0) }
        if phase == .connecting, transport == nil { self.dialer = dialer }  // it may have ended already
    }

    private func dialled(_ result: Result<Int32, LoopError>) {
        dialer = nil
        guard let opening else { return }
        let descriptor: Int32
        switch result {
        case .success(let connected): descriptor = connected
        case .failure(let error): return fail(HTTPClientError(.connect, error.description))
        }
        do {
            let engine = try client.tls.map {
                try TLSEngine(context: $0, role: .client(serverName: client.tlsName))
            }
            let transport = Transport(
                loop: loop,
                descriptor: descriptor,
                tls: engine,
                readsAfterSendFailure: true,
                traffic: client.traffic
            )
            self.transport = transport
            try transport.start(
                Transport.Callbacks(
                    onBytes: { self.received($0) },
                    onEnd: { self.receivedEnd($0) },
                    onProgress: {},
                    onSecured: { self.opened() }
                )
            )
            guard phase == .connecting else { return }
            if engine == nil { return opened() }
            phase = .securing
            arm(loop.now + opening.limits.tls, .timeoutTLS, deadline: opening.limits.deadline)
        } catch {
            if transport == nil { Socket.close(descriptor) }
            fail(HTTPClientError(client.tls == nil ? .connect : .tls, "\(error)"))
        }
    }

    private func opened() {
        guard phase == .connecting || phase == .securing, let opening else { return }
        self.opening = nil
        phase = .idle
        // The clock's own time: a connection on this machine can open within one step, and is to be seen as opened all the same.
        begin(opening.request, opening.limits, at: .now)
    }

    // MARK: Exchanging

    /// Writes a request and returns when the response's head is there. The first request opens the connection.
    ///
    /// - Parameters:
    ///   - began: when the request began to ask for a connection.
    ///   - undelivered: how an earlier try of the request failed.
    func exchange(
        _ request: ClientRequest,
        limits: ExchangeLimits,
        since began: MonotonicTime,
        after undelivered: HTTPClientError?
    ) async throws(HTTPClientError) -> ClientResponse {
        start(request, limits, ExchangeWatch(since: began, after: undelivered?.timing ?? ExchangeTiming()))
        while head == nil, failure == nil { await suspend() }
        return try response()
    }

    @inline(never)
    private func response() throws(HTTPClientError) -> ClientResponse {
        let timing = watch.stopped(at: loop.now)
        // A response that was cut in the turn that brought its head is one all the same: its parts come first, then the cut.
        if let failure, head == nil || failure.code != .truncated { throw failure.timed(timing) }
        guard let head else { preconditionFailure("no response was waited for") }
        return ClientResponse(head: head, connection: self, exchange: exchangeNumber, timing: timing)
    }

    // Suspended functions keep room for all they may need later: what needs no waiting is in functions of its own.
    @inline(never)
    private func start(_ request: ClientRequest, _ limits: ExchangeLimits, _ watch: ExchangeWatch) {
        self.watch = watch
        head = nil
        switch phase {
        case .unconnected: open(for: request, limits)
        case .idle: begin(request, limits, at: loop.now)
        default: fail(HTTPClientError(.closedBeforeHead, "the server had closed the connection", isUndelivered: true))
        }
    }

    private func begin(_ request: ClientRequest, _ limits: ExchangeLimits, at time: MonotonicTime) {
        guard let transport else { return }
        watch.enter(.head, at: time)
        phase = .awaitingHead
        head = nil
        inbox = []
        wantsWholeBody = false
        bodyLimit = .max
        gotResponseBytes = false
        keepsConnection = true
        receiver = nil
        hasReceivedLast = false
        exchangeNumber += 1
        sentBefore = transport.bytesSent
        decoder.expect(responseTo: request.method)
        let room = request.fields == nil ? 40 : UpstreamConnection.usualFields
        transport.prepareOutbox()
        transport.outbox.reserveCapacity(request.preamble.count + request.body.count + room)
        transport.outbox.append(contentsOf: request.preamble)
        request.fields?.append(to: &transport.outbox)
        HTTPEncoder.appendContentLengthAndEnd(request.body.count, to: &transport.outbox)
        transport.outbox.append(contentsOf: request.body)
        arm(loop.now + limits.head, .timeoutHead, deadline: limits.deadline)
        // It is whole: nothing could share its write, and of a thousand the first should not wait for the last.
        transport.flush()
    }

    /// Keeps another head, which says the same of the connection.
    func replaceHead(of number: Int, by bare: ResponseHead) {
        if isCurrent(number) { head = bare }
    }

    /// The body bytes that are there, or the next that come; nil at the end.
    ///
    /// - Parameter number: the exchange's. Once it has handed the connection back, whatever happens there is another's.
    func nextPart(
        of number: Int,
        before limit: MonotonicTime,
        phase timeout: HTTPClientError.Code,
        _ receiver: LoopBound<PartReceiver>?
    ) async throws(HTTPClientError) -> [UInt8]? {
        guard isCurrent(number) else { return nil }
        while try mustWait(limit, timeout, receiver) { await suspend() }
        return takePart()
    }

    /// Whether the next body bytes are still to come; arms the timer then.
    private func mustWait(
        _ limit: MonotonicTime,
        _ timeout: HTTPClientError.Code,
        _ receiver: LoopBound<PartReceiver>?
    ) throws(HTTPClientError) -> Bool {
        guard inbox.isEmpty, !hasReceivedLast else { return false }
        if let failure { throw failure }
        guard phase == .body else { return false }
        arm(limit, timeout, deadline: .distantFuture)
        self.receiver = receiver
        return true
    }

    /// The bytes that are there, none when a receiver has had them; nil at the end.
    @inline(never)
    private func takePart() -> [UInt8]? {
        var part: [UInt8] = []
        swap(&part, &inbox)
        let isEnd = part.isEmpty && !hasReceivedLast
        hasReceivedLast = false
        resumeIfPaused()
        if phase == .complete { release() }
        return isEnd ? nil : part
    }

    /// Shows bytes to the receiver, if one waits for them.
    ///
    /// - Returns: whether it used them up.
    private func hand(_ part: UnsafeRawBufferPointer) -> Bool {
        guard let receiver, inbox.isEmpty else { return false }
        switch receiver.value(part) {
        case .taken(let limit, let code): arm(limit, code, deadline: .distantFuture)
        case .last:
            self.receiver = nil
            hasReceivedLast = true
        case .kept: return false
        }
        return true
    }

    private func resumeIfPaused() {
        guard isPaused else { return }
        isPaused = false
        transport?.resumeReading()
    }

    /// The rest of the body.
    func wholeBody(
        of number: Int,
        maximum: Int,
        before limit: MonotonicTime,
        phase timeout: HTTPClientError.Code
    ) async throws(HTTPClientError) -> [UInt8] {
        guard isCurrent(number) else { return [] }
        expectWholeBody(maximum)
        while phase == .body, failure == nil {
            arm(limit, timeout, deadline: .distantFuture)
            await suspend()
        }
        return try takeWholeBody()
    }

    /// The rest of the body if all of it is there.
    func wholeBodyIfThere(of number: Int, maximum: Int) -> Result<[UInt8]?, HTTPClientError> {
        guard isCurrent(number) else { return .success([]) }
        expectWholeBody(maximum)
        if phase == .body, failure == nil { return .success(nil) }
        do throws(HTTPClientError) { return .success(try takeWholeBody()) } catch { return .failure(error) }
    }

    @inline(never)
    private func expectWholeBody(_ maximum: Int) {
        wantsWholeBody = true
        bodyLimit = maximum
        if case .length(let length)? = head?.framing, phase == .body {
            if length > maximum { fail(tooLarge) }
            inbox.reserveCapacity(min(length, 1 << 20) + EventLoop.readBufferPadding)
        }
        if inbox.count > bodyLimit { fail(tooLarge) }
        resumeIfPaused()
    }

    @inline(never)
    private func takeWholeBody() throws(HTTPClientError) -> [UInt8] {
        if let failure { throw failure }
        if !inbox.isEmpty { inbox.reserveSpare(EventLoop.readBufferPadding) }
        var whole: [UInt8] = []
        swap(&whole, &inbox)
        if phase == .complete { release() }
        return whole
    }

    /// Ends a lease without an exchange.
    func giveBack() {
        guard phase != .idle || !client.assumeIsolated({ $0.becameIdle(self) }) else { return }
        close()
    }

    /// Whether `number` is the exchange under way, or one that failed and has not been told yet.
    private func isCurrent(_ number: Int) -> Bool { number == exchangeNumber && number != releasedExchange }

    /// Hands the connection back to the pool when its exchange is over and read.
    private func release() {
        guard phase == .complete, let transport else { return }
        releasedExchange = exchangeNumber
        isDiscarding = false
        timer?.disarm()
        let isReusable =
            keepsConnection && head?.keepAlive == true && transport.pendingBytes == 0 && decoder.isBetweenMessages
        guard isReusable else { return close() }
        phase = .idle
        timer?.arm(after: options.idleTimeout)
        if !client.assumeIsolated({ $0.becameIdle(self) }) { close() }
    }

    /// Closes the connection if its exchange is still under way, or its end was not read. Any thread.
    nonisolated func abandon(_ number: Int) {
        if loop.isCurrent {
            assumeIsolated { $0.dropExchange(number) }
        } else {
            loop.execute { self.assumeIsolated { $0.dropExchange(number) } }
        }
    }

    /// Reads and drops the rest of the body, for as long and as many bytes as that is cheaper than a new connection. Any
    /// thread.
    nonisolated func discardRest(of number: Int, maximum: Int, within limit: Duration) {
        if loop.isCurrent {
            assumeIsolated { $0.beginDiscarding(number, maximum, limit) }
        } else {
            loop.execute { self.assumeIsolated { $0.beginDiscarding(number, maximum, limit) } }
        }
    }

    private func beginDiscarding(_ number: Int, _ maximum: Int, _ limit: Duration) {
        guard isCurrent(number) else { return }
        inbox = []
        guard phase == .body, failure == nil else { return release() }
        isDiscarding = true
        bodyLimit = maximum
        arm(loop.now + limit, .timeoutTotal, deadline: .distantFuture)
        resumeIfPaused()
    }

    private func dropExchange(_ number: Int) {
        guard isCurrent(number), !isDiscarding else { return }
        switch phase {
        case .body, .awaitingHead: fail(HTTPClientError(.cancelled, "given up"))
        case .complete:
            inbox = []
            release()
        default: return
        }
    }

    // MARK: Receiving

    private func received(_ bytes: UnsafeRawBufferPointer) {
        switch phase {
        case .awaitingHead, .body: break
        // Bytes that nobody asked for: whatever they are, the next response could not be trusted any more.
        case .idle: return close()
        case .complete:
            keepsConnection = false
            transport?.pauseReading()
            return
        default: return
        }
        gotResponseBytes = true
        var input = bytes
        do throws(HTTPParseError) {
            while phase == .awaitingHead || phase == .body, let event = try decoder.next(&input) { handle(event) }
        } catch {
            return fail(HTTPClientError(.protocolError, error.description))
        }
        if phase == .complete, !input.isEmpty {
            // The response is whole; the connection is not to be used again.
            keepsConnection = false
        }
        guard failure == nil else { return }
        if isDiscarding {
            if phase == .complete { release() }
        } else if !wantsWholeBody {
            if inbox.count >= options.highWater, phase == .body {
                isPaused = true
                transport?.pauseReading()
            }
            let isHandedOn = receiver != nil && inbox.isEmpty && phase == .body
            if !isHandedOn, !inbox.isEmpty || phase == .complete || head != nil { wake() }
        } else if phase == .complete {
            wake()
        }
    }

    private func handle(_ event: ResponseDecoder.Event) {
        switch event {
        case .informational: return
        case .head(let head):
            self.head = head
            phase = .body
            timer?.disarm()
        case .body(let part) where isDiscarding:
            bodyLimit -= part.count
            if bodyLimit < 0 { fail(HTTPClientError(.cancelled, "more follows than is worth reading")) }
        case .body(let part):
            guard inbox.count + part.count <= bodyLimit else { return fail(tooLarge) }
            if hand(part) { return }
            if inbox.isEmpty { inbox.reserveCapacity(part.count + EventLoop.readBufferPadding) }
            inbox.append(contentsOf: part)
        case .end:
            phase = .complete
            timer?.disarm()
        }
    }

    private var tooLarge: HTTPClientError {
        HTTPClientError(.tooLarge, "the response is larger than \(bodyLimit) bytes")
    }

    private func receivedEnd(_ end: Transport.End) {
        switch phase {
        case .idle: close()
        case .connecting, .securing: fail(HTTPClientError(.tls, "\(end)"))
        case .awaitingHead where !gotResponseBytes:
            fail(
                HTTPClientError(
                    .closedBeforeHead,
                    "the server closed the connection without an answer",
                    isUndelivered: exchangeNumber > 1 && endedBeforeRequest(end)
                )
            )
        case .awaitingHead: fail(HTTPClientError(.truncated, "the connection ended inside the response head"))
        case .body: endBody(end)
        case .complete: keepsConnection = false
        case .unconnected, .closed: return
        }
    }

    /// Whether the server's end was on its way before a byte of the request had arrived there.
    ///
    /// The segment with its end carries its acknowledgement too: what that leaves out, it had not got. A mere reset proves
    /// nothing, since a server may read a request and reset before it acknowledges.
    private func endedBeforeRequest(_ end: Transport.End) -> Bool {
        switch end {
        case .finished, .truncated, .failed(.broken(EPIPE)): break  // the kernel says EPIPE for a reset after an end
        case .failed: return false
        }
        guard let acknowledged = transport?.acknowledgedBytes else { return false }
        return acknowledged <= sentBefore
    }

    private func endBody(_ end: Transport.End) {
        guard end == .finished else {
            return fail(HTTPClientError(.truncated, "the connection broke inside the response body"))
        }
        do throws(HTTPParseError) {
            while let event = try decoder.finish() {
                handle(event)
                if phase == .complete { break }
            }
        } catch {
            return fail(HTTPClientError(.truncated, error.description))
        }
        guard phase == .complete else {
            return fail(HTTPClientError(.truncated, "the connection ended inside the response body"))
        }
        keepsConnection = false
        if isDiscarding {
            release()
        } else {
            wake()
        }
    }

    // MARK: Waiting

    /// Suspends the exchange's task until something happens; cancelling the task is such a thing.
    private func suspend() async {
        suspensions &+= 1
        let number = suspensions
        suspended = number
        await withTaskCancellationHandler {
            if Task.isCancelled { return fail(HTTPClientError(.cancelled, "cancelled")) }
            await withUnsafeContinuation { continuation in
                // Something may have happened on the way here: entering the handler can cost a turn.
                if suspended == number { waiter = continuation } else { continuation.resume() }
            }
        } onCancel: {
            if loop.isCurrent {
                assumeIsolated { $0.cancelled(number) }
            } else {
                loop.execute { self.assumeIsolated { $0.cancelled(number) } }
            }
        }
    }

    /// A cancellation may come late, when the connection serves another exchange: it counts for the suspension it was meant
    /// for. A task that was woken meanwhile finds out by itself when it suspends again.
    private func cancelled(_ number: Int) {
        guard number == suspended else { return }
        fail(HTTPClientError(.cancelled, "cancelled"))
    }

    private func wake() {
        suspended = 0
        receiver = nil
        guard let waiter else { return }
        self.waiter = nil
        waiter.resume()
    }

    private func arm(_ limit: MonotonicTime, _ code: HTTPClientError.Code, deadline: MonotonicTime) {
        timeoutCode = deadline < limit ? .timeoutTotal : code
        let earlier = min(limit, deadline)
        if earlier == .distantFuture { timer?.disarm() } else { timer?.arm(at: earlier) }
    }

    private func timedOut() {
        if phase == .idle { return close() }
        fail(HTTPClientError(timeoutCode, "no progress within the limit"))
    }

    // MARK: Ending

    private func fail(_ error: HTTPClientError) {
        if failure == nil { failure = error }
        close()
        wake()
    }

    /// Closes at once and gives the place in the pool back. Safe to call twice.
    func close() {
        guard phase != .closed else { return }
        phase = .closed
        opening = nil
        lookUp?.cancel()
        lookUp = nil
        dialer?.cancel()
        dialer = nil
        timer?.cancel()
        timer = nil
        transport?.close()
        transport = nil
        client.assumeIsolated { $0.ended(self) }
    }
}
