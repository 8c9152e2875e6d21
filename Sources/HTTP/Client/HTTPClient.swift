import DequeModule
public import EventLoop
public import TLS

/// Limits of one client's connections.
public struct HTTPClientOptions: Sendable {
    /// Connections open at once; further requests queue. Default 1,024.
    public var maximumConnections = 1024
    /// Idle connections kept for reuse. Default 256.
    public var maximumIdle = 256
    /// An idle connection is closed after this. Default 50 s: below the keep-alive limit of common servers, so that we close
    /// first and no request races a reset.
    public var idleTimeout = Duration.seconds(50)
    /// Requests waiting for a connection; one more fails at once. Default 1,024.
    public var maximumQueued = 1024
    /// Bounds on response heads.
    public var limits = HTTPLimits()
    /// Body bytes read ahead of the consumer before reading stops. Default 64 KiB.
    public var highWater = 64 << 10

    /// The defaults.
    public init() {}
}

/// One request, ready to be written.
public struct ClientRequest: Sendable {
    /// The method; decides whether the response has a body.
    public var method: HTTPMethod
    /// The request line and the fields but Content-Length, each line with its CRLF, without the empty line. Made once per
    /// backend by ``HTTPClient/preamble(method:target:fields:)``.
    public var preamble: [UInt8]
    /// The body.
    public var body: [UInt8]
    /// Further fields of this request; nil for none.
    public var fields: (any RequestFields)?

    /// Makes a request.
    public init(method: HTTPMethod, preamble: [UInt8], body: [UInt8], fields: (any RequestFields)? = nil) {
        self.method = method
        self.preamble = preamble
        self.body = body
        self.fields = fields
    }
}

/// The HTTP/1.1 client of one loop for one origin: a pool of keep-alive connections with a bounded queue before it.
public actor HTTPClient {
    /// The loop everything runs on.
    public nonisolated let loop: EventLoop
    /// The loop.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    /// Where it connects to.
    public nonisolated let origin: HTTPOrigin

    nonisolated let options: HTTPClientOptions
    /// The origin's host, where it is an address and needs no look-up.
    nonisolated let address: SocketAddress?
    nonisolated let tls: TLSContext?
    nonisolated let tlsName: String
    nonisolated let traffic: Traffic
    private var idle: [UpstreamConnection] = []  // the most recently used last: it is the least likely to be closed
    private var open = 0
    private var queue: Deque<Waiter> = []
    private var nextTicket: UInt64 = 0
    private var isRetired = false

    private struct Waiter {
        let ticket: UInt64
        let continuation: CheckedContinuation<UpstreamConnection, any Error>
        let timer: LoopTimer
    }

    /// Makes a client without connections.
    ///
    /// - Parameters:
    ///   - tls: the context for `https` origins.
    ///   - serverName: the name sent and checked in TLS, where it is not the origin's host.
    ///   - traffic: counts what its connections move; several clients of a loop may share one.
    public init(
        loop: EventLoop,
        origin: HTTPOrigin,
        tls: TLSContext?,
        serverName: String? = nil,
        options: HTTPClientOptions = HTTPClientOptions(),
        traffic: Traffic = Traffic()
    ) {
        precondition(!origin.isSecure || tls != nil, "an https origin needs a TLS context")
        self.loop = loop
        self.origin = origin
        address = SocketAddress(host: origin.host, port: origin.port)
        self.tls = origin.isSecure ? tls : nil
        tlsName = serverName ?? origin.host
        self.options = options
        self.traffic = traffic
    }

    /// The bytes that begin every request for `target`.
    public nonisolated func preamble(method: HTTPMethod, target: RequestTarget, fields: HTTPFields) -> [UInt8] {
        var all = HTTPFields()
        _ = all.append("host", checking: origin.authority)  // an authority parsed from a URL has no forbidden bytes
        all.append(contentsOf: fields)
        var bytes: [UInt8] = []
        HTTPEncoder.appendRequestHead(method: method, target: target, fields: all, framing: .none, to: &bytes)
        bytes.removeLast(2)
        return bytes
    }

    /// Connections open or being opened, and requests queued: both zero when nothing is going on but idle keep-alive.
    public var load: (busy: Int, idle: Int, queued: Int) { (open - idle.count, idle.count, queue.count) }

    /// Sends a request and returns when the response head is there.
    ///
    /// A request that a reused connection never delivered (the server had closed it, and acknowledged nothing of the request) is
    /// sent again on a new one; no other failure is retried here. Cancelling the task closes the connection in whatever
    /// state the exchange is.
    ///
    /// - Parameter observer: is told when the request waits for a connection.
    /// - Throws: ``HTTPClientError``.
    public func send(
        _ request: ClientRequest,
        limits: ExchangeLimits,
        observer: (any ExchangeObserver)? = nil
    ) async throws(HTTPClientError) -> ClientResponse {
        var undelivered: HTTPClientError?
        while true {
            do throws(HTTPClientError) {
                let began = loop.now
                let connection: UpstreamConnection
                if let leased = try lease(prefersFresh: undelivered != nil) {
                    connection = leased
                } else {
                    observer?.isQueued(true)
                    connection = try await queuedLease(limits, since: began)
                    observer?.isQueued(false)
                }
                return try await connection.exchange(request, limits: limits, since: began, after: undelivered)
            } catch {
                guard error.isUndelivered, undelivered == nil else { throw error }
                undelivered = error
            }
        }
    }

    // MARK: The pool

    /// An idle connection, or a new one that its first request opens; nil when one has to be waited for.
    ///
    /// - Parameter prefersFresh: whether an idle connection makes room for a new one: where one was dead, others may be.
    private func lease(prefersFresh: Bool) throws(HTTPClientError) -> UpstreamConnection? {
        guard !Task.isCancelled else { throw HTTPClientError(.cancelled, "cancelled before it began") }
        if prefersFresh, open >= options.maximumConnections { closeOldestIdle() }
        return leaseAtOnce(prefersFresh: prefersFresh)
    }

    private func leaseAtOnce(prefersFresh: Bool) -> UpstreamConnection? {
        if !prefersFresh, let connection = idle.popLast() { return connection }
        guard open < options.maximumConnections else { return nil }
        open += 1
        return newConnection()
    }

    private func newConnection() -> UpstreamConnection {
        UpstreamConnection(client: self, loop: loop)
    }

    private func queuedLease(
        _ limits: ExchangeLimits,
        since began: MonotonicTime
    ) async throws(HTTPClientError) -> UpstreamConnection {
        do throws(HTTPClientError) {
            let connection = try await queued(limits)
            // It was granted in an earlier job of the loop: who left meanwhile must not cost a call.
            guard Task.isCancelled else { return connection }
            giveBack(connection)
            throw HTTPClientError(.cancelled, "cancelled in the queue")
        } catch {
            throw error.timed(ExchangeWatch(since: began).stopped(at: loop.now))
        }
    }

    private func queued(_ limits: ExchangeLimits) async throws(HTTPClientError) -> UpstreamConnection {
        guard queue.count < options.maximumQueued else {
            throw HTTPClientError(
                .queueFull,
                "\(queue.count) requests wait for one of \(open) connections to \(origin)"
            )
        }
        nextTicket += 1
        let ticket = nextTicket
        do {
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    // Coming here can cost a turn of the loop, in which one may have come free.
                    if let connection = leaseAtOnce(prefersFresh: false) {
                        return continuation.resume(returning: connection)
                    }
                    let timer = LoopTimer(on: loop) { self.giveUp(ticket, deadline: limits.deadline) }
                    timer.arm(at: min(loop.now + limits.queue, limits.deadline))
                    queue.append(Waiter(ticket: ticket, continuation: continuation, timer: timer))
                    if Task.isCancelled { leaveQueue(ticket, HTTPClientError(.cancelled, "cancelled in the queue")) }
                }
            } onCancel: {
                onLoop { $0.leaveQueue(ticket, HTTPClientError(.cancelled, "cancelled in the queue")) }
            }
        } catch let error as HTTPClientError {
            throw error
        } catch {
            throw HTTPClientError(.cancelled, "cancelled in the queue")
        }
    }

    private func giveBack(_ connection: UpstreamConnection) {
        connection.assumeIsolated { $0.giveBack() }
    }

    private func closeOldestIdle() {
        idle.first?.assumeIsolated { $0.close() }
    }

    private func giveUp(_ ticket: UInt64, deadline: MonotonicTime) {
        let code: HTTPClientError.Code = deadline <= .now ? .timeoutTotal : .timeoutQueue
        leaveQueue(ticket, HTTPClientError(code, "no connection to \(origin) came free, with \(open) in use"))
    }

    private func leaveQueue(_ ticket: UInt64, _ error: HTTPClientError) {
        guard let index = queue.firstIndex(where: { $0.ticket == ticket }) else { return }
        let waiter = queue.remove(at: index)
        waiter.timer.cancel()
        waiter.continuation.resume(throwing: error)
    }

    private func grant(_ connection: @autoclosure () -> UpstreamConnection) -> Bool {
        guard let waiter = queue.popFirst() else { return false }
        waiter.timer.cancel()
        waiter.continuation.resume(returning: connection())
        return true
    }

    /// A connection finished its exchange and can take another.
    ///
    /// - Returns: false when there is no place for it, and it has to close.
    func becameIdle(_ connection: UpstreamConnection) -> Bool {
        guard !isRetired else { return false }
        if grant(connection) { return true }
        guard idle.count < options.maximumIdle else { return false }
        idle.append(connection)
        return true
    }

    /// A connection ended; its place goes to whoever waits.
    func ended(_ connection: UpstreamConnection) {
        if let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
        if !grant(newConnection()) { open -= 1 }
    }

    /// Keeps no connection from now on: idle ones close now, busy ones after their exchange. Requests are still served, so that
    /// those which began under an old configuration come to their end.
    public func retire() {
        isRetired = true
        for connection in idle { connection.assumeIsolated { $0.close() } }
    }

    /// Runs `body` on the loop: now when already there, else soon.
    nonisolated func onLoop(_ body: @escaping @Sendable (isolated HTTPClient) -> Void) {
        if loop.isCurrent {
            assumeIsolated(body)
        } else {
            loop.execute { self.assumeIsolated(body) }
        }
    }
}
