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
    private let options: HTTPClientOptions
    private var transport: Transport?
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
    private var timeoutCode = HTTPClientError.Code.timeoutConnect
    private var waiter: UnsafeContinuation<Void, Never>?
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
    /// Nothing of the last request had reached the server when it closed the connection.
    private(set) var neverDelivered = false

    init(client: HTTPClient, loop: EventLoop, options: HTTPClientOptions) {
        self.client = client
        self.loop = loop
        self.options = options
        decoder = ResponseDecoder(limits: options.limits)
    }

    // MARK: Opening

    /// Resolves, connects and, for `tls`, shakes hands.
    func open(
        _ origin: HTTPOrigin,
        tls: TLSContext?,
        serverName: String,
        limits: ExchangeLimits
    ) async throws(HTTPClientError) {
        phase = .connecting
        timer = LoopTimer(on: loop) { self.timedOut() }
        arm(.now + limits.connect, .timeoutConnect, deadline: limits.deadline)
        let addresses: [SocketAddress]
        if let literal = SocketAddress(host: origin.host, port: origin.port) {
            addresses = [literal]
        } else {
            addresses = try await resolve(origin)
        }
        guard failure == nil else { throw ended() }
        dialer = Dialer(on: loop, addresses: addresses) { result in
            self.dialled(result, tls: tls, serverName: serverName, limits: limits)
        }
        while failure == nil, phase == .connecting || phase == .securing { await suspend() }
        dialer = nil
        guard failure == nil else { throw ended() }
    }

    private func resolve(_ origin: HTTPOrigin) async throws(HTTPClientError) -> [SocketAddress] {
        // The look-up runs on its own: a slow resolver must not hold a request beyond its limits or its client.
        let lookUp = Task { () -> Result<[SocketAddress], LoopError> in
            let result: Result<[SocketAddress], LoopError>
            do throws(LoopError) {
                result = .success(try await Resolver.shared.resolve(origin.host, port: origin.port))
            } catch {
                result = .failure(error)
            }
            resolved(result)
            return result
        }
        defer { lookUp.cancel() }
        while resolution == nil, failure == nil { await suspend() }
        guard failure == nil, let resolution else { throw ended() }
        switch resolution {
        case .success(let addresses): return addresses
        case .failure(let error):
            fail(HTTPClientError(.dns, error.description))
            throw ended()
        }
    }

    private var resolution: Result<[SocketAddress], LoopError>?

    private func resolved(_ result: Result<[SocketAddress], LoopError>) {
        resolution = result
        wake()
    }

    private func dialled(
        _ result: Result<Int32, LoopError>,
        tls: TLSContext?,
        serverName: String,
        limits: ExchangeLimits
    ) {
        let descriptor: Int32
        switch result {
        case .success(let connected): descriptor = connected
        case .failure(let error): return fail(HTTPClientError(.connect, error.description))
        }
        do {
            let engine = try tls.map { try TLSEngine(context: $0, role: .client(serverName: serverName)) }
            let transport = Transport(loop: loop, descriptor: descriptor, tls: engine, readsAfterSendFailure: true)
            self.transport = transport
            if engine != nil {
                phase = .securing
                arm(.now + limits.tls, .timeoutTLS, deadline: limits.deadline)
            } else {
                opened()
            }
            try transport.start(
                Transport.Callbacks(
                    onBytes: { self.received($0) },
                    onEnd: { self.receivedEnd($0) },
                    onProgress: {},
                    onSecured: { self.secured() }
                )
            )
        } catch {
            if transport == nil { Socket.close(descriptor) }
            fail(HTTPClientError(tls == nil ? .connect : .tls, "\(error)"))
        }
    }

    private func secured() {
        guard phase == .securing else { return }
        opened()
    }

    private func opened() {
        phase = .idle
        timer?.disarm()  // until the exchange begins nothing is late
        wake()
    }

    // MARK: Exchanging

    /// Writes a request and waits for the response's head.
    ///
    /// - Returns: the head, and the exchange's number for ``abandon(_:)``.
    func exchange(
        _ request: ClientRequest,
        limits: ExchangeLimits
    ) async throws(HTTPClientError) -> (head: ResponseHead, number: Int) {
        guard let transport, phase == .idle, failure == nil else {
            neverDelivered = true
            throw failure ?? HTTPClientError(.closedBeforeHead, "the server had closed the connection")
        }
        phase = .awaitingHead
        head = nil
        inbox = []
        wantsWholeBody = false
        bodyLimit = .max
        gotResponseBytes = false
        keepsConnection = true
        exchangeNumber += 1
        sentBefore = transport.bytesSent
        decoder.expect(responseTo: request.method)
        transport.outbox.reserveCapacity(request.preamble.count + request.body.count + 40)
        transport.outbox.append(contentsOf: request.preamble)
        HTTPEncoder.appendContentLengthAndEnd(request.body.count, to: &transport.outbox)
        transport.outbox.append(contentsOf: request.body)
        transport.scheduleFlush()
        arm(.now + limits.head, .timeoutHead, deadline: limits.deadline)
        while head == nil, failure == nil { await suspend() }
        // A response that was cut in the turn that brought its head is one all the same: its parts come first, then the cut.
        guard let head, failure == nil || failure?.code == .truncated else { throw ended() }
        return (head, exchangeNumber)
    }

    /// The body bytes that are there, or the next that come; nil at the end.
    ///
    /// - Parameter number: the exchange's. Once it has handed the connection back, whatever happens there is another's.
    func nextPart(
        of number: Int,
        before limit: MonotonicTime,
        phase timeout: HTTPClientError.Code
    ) async throws(HTTPClientError) -> [UInt8]? {
        guard isCurrent(number) else { return nil }
        while inbox.isEmpty {
            if let failure { throw failure }
            switch phase {
            case .complete: return release()
            case .body: break
            default: return nil
            }
            arm(limit, timeout, deadline: .distantFuture)
            await suspend()
        }
        var part: [UInt8] = []
        swap(&part, &inbox)
        if isPaused {
            isPaused = false
            transport?.resumeReading()
        }
        if phase == .complete { release() }
        return part
    }

    /// The rest of the body.
    func wholeBody(
        of number: Int,
        maximum: Int,
        before limit: MonotonicTime,
        phase timeout: HTTPClientError.Code
    ) async throws(HTTPClientError) -> [UInt8] {
        guard isCurrent(number) else { return [] }
        wantsWholeBody = true
        bodyLimit = maximum
        if case .length(let length)? = head?.framing, phase == .body {
            if length > maximum { fail(tooLarge) }
            inbox.reserveCapacity(min(length, 1 << 20) + EventLoop.readBufferPadding)
        }
        if inbox.count > bodyLimit { fail(tooLarge) }
        if isPaused {
            isPaused = false
            transport?.resumeReading()
        }
        while phase == .body, failure == nil {
            arm(limit, timeout, deadline: .distantFuture)
            await suspend()
        }
        if let failure { throw failure }
        if !inbox.isEmpty { inbox.reserveSpare(EventLoop.readBufferPadding) }
        var whole: [UInt8] = []
        swap(&whole, &inbox)
        if phase == .complete { release() }
        return whole
    }

    /// Whether `number` is the exchange under way, or one that failed and has not been told yet.
    private func isCurrent(_ number: Int) -> Bool { number == exchangeNumber && number != releasedExchange }

    /// Hands the connection back to the pool when its exchange is over and read.
    @discardableResult
    private func release() -> [UInt8]? {
        guard phase == .complete, let transport else { return nil }
        releasedExchange = exchangeNumber
        isDiscarding = false
        timer?.disarm()
        let isReusable =
            keepsConnection && head?.keepAlive == true && transport.pendingBytes == 0 && decoder.isBetweenMessages
        guard isReusable else {
            close()
            return nil
        }
        phase = .idle
        client.assumeIsolated { $0.becameIdle(self) }
        return nil
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
        guard phase == .body, failure == nil else {
            release()
            return
        }
        isDiscarding = true
        bodyLimit = maximum
        arm(.now + limit, .timeoutTotal, deadline: .distantFuture)
        guard isPaused else { return }
        isPaused = false
        transport?.resumeReading()
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
            if !inbox.isEmpty || phase == .complete || head != nil { wake() }
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
            neverDelivered = endedBeforeRequest(end)
            fail(HTTPClientError(.closedBeforeHead, "the server closed the connection without an answer"))
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
        guard let waiter else { return }
        self.waiter = nil
        waiter.resume()
    }

    private func arm(_ limit: MonotonicTime, _ code: HTTPClientError.Code, deadline: MonotonicTime) {
        timeoutCode = deadline < limit ? .timeoutTotal : code
        let earlier = min(limit, deadline)
        if earlier == .distantFuture { timer?.disarm() } else { timer?.arm(at: earlier) }
    }

    /// Closes the connection after `duration` without an exchange.
    func limitIdle(_ duration: Duration) { timer?.arm(after: duration) }

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

    private func ended() -> HTTPClientError {
        failure ?? HTTPClientError(.closedBeforeHead, "the server closed the connection")
    }

    /// Closes at once and gives the place in the pool back. Safe to call twice.
    func close() {
        guard phase != .closed else { return }
        phase = .closed
        dialer?.cancel()
        dialer = nil
        timer?.cancel()
        timer = nil
        transport?.close()
        transport = nil
        client.assumeIsolated { $0.ended(self) }
    }
}
