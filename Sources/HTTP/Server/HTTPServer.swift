public import EventLoop
public import TLS

/// The HTTP/1.1 server of one loop: accepts on its listeners and knows its connections.
public actor HTTPServer {
    /// The loop everything runs on.
    public nonisolated let loop: EventLoop
    /// The loop.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    nonisolated let options: HTTPServerOptions
    private let date: LoopBound<DateCache>
    private let handlers: LoopBound<CurrentHandler>
    private var endpoints: [Endpoint] = []
    private var connections: [ObjectIdentifier: ServerConnection] = [:]
    /// Those of ``connections`` that must leave room for others.
    private var guests: Set<ObjectIdentifier> = []
    private var isDraining = false
    private var whenEmpty: [CheckedContinuation<Void, Never>] = []

    /// What its connections have moved. To be read on the loop.
    public nonisolated let traffic = Traffic()

    /// Requests refused before they reached the handler.
    public private(set) var rejections = 0

    private struct Endpoint {
        let listener: Listener
        let group: Int
        var tls: TLSContext?
    }

    /// Makes a server that accepts nothing yet.
    public init(loop: EventLoop, handler: any HTTPHandler, options: HTTPServerOptions = HTTPServerOptions()) {
        self.loop = loop
        handlers = LoopBound(CurrentHandler(handler), loop: loop)
        self.options = options
        date = LoopBound(DateCache(), loop: loop)
    }

    /// Accepts on a listening descriptor, which the server owns from now on.
    ///
    /// - Parameters:
    ///   - tls: the context that connections are secured with; nil for plain ones.
    ///   - group: what ``reload(handler:tls:)`` calls the listener, several of which may share a number. Default: how many were there.
    /// - Throws: `LoopError` when the loop cannot watch the descriptor.
    public func listen(descriptor: Int32, tls: TLSContext? = nil, group: Int? = nil) throws(LoopError) {
        let number = endpoints.count
        let listener = try Listener(on: loop, descriptor: descriptor) { accepted, peer in
            self.accepted(accepted, from: peer, listener: number)
        }
        endpoints.append(Endpoint(listener: listener, group: group ?? number, tls: tls))
    }

    /// Requests that begin from now on get another handler, and new connections other certificates where given; requests under
    /// way finish with the handler they began with.
    public func reload(handler: any HTTPHandler, tls: [Int: TLSContext]) {
        handlers.value.current = handler
        for number in endpoints.indices {
            if let context = tls[endpoints[number].group] { endpoints[number].tls = context }
        }
    }

    /// Requests being answered now, and how many of them are streams that have begun. Looks at every connection.
    public var activity: (requests: Int, streams: Int) {
        var requests = 0
        var streams = 0
        for connection in connections.values {
            let activity = connection.assumeIsolated { $0.activity }
            if activity.isServing { requests += 1 }
            if activity.isStreaming { streams += 1 }
        }
        return (requests, streams)
    }

    /// Connections open now.
    public var connectionCount: Int { connections.count }
    /// Connections closed since the beginning.
    public var closedConnections: Int { acceptedConnections - connections.count }
    /// Connections accepted since the beginning.
    public private(set) var acceptedConnections = 0

    /// Bytes of large bodies, of requests and of answers, that have been freed since the beginning.
    public private(set) var freedBytes = 0

    /// Smaller bodies fit into what the allocator has at hand anyway.
    static let largeBody = 64 << 10

    /// Notes that a large body of so many bytes is not held any more.
    func freed(_ count: Int) { freedBytes += count }

    private func accepted(_ descriptor: Int32, from peer: SocketAddress, listener: Int) {
        let isGuest = options.reservedConnections > 0 && !isPrivileged(descriptor)
        if isGuest, guests.count >= options.maximumConnections - options.reservedConnections {
            return Socket.close(descriptor)
        }
        let tls = endpoints[listener].tls
        let isFull = connections.count >= options.maximumConnections && !makeRoom()
        let connection = ServerConnection(
            server: self,
            loop: loop,
            date: date,
            handlers: handlers,
            peer: peer,
            isSecure: tls != nil
        )
        acceptedConnections += 1
        connections[ObjectIdentifier(connection)] = connection
        if isGuest { guests.insert(ObjectIdentifier(connection)) }
        connection.assumeIsolated { $0.start(descriptor: descriptor, tls: tls) }
        if options.replacesQuietConnections {
            // One that has come just now is quiet too; if it stays so, there is room again.
            if isFull { setAccepting(false) }
        } else if connections.count >= options.maximumConnections {
            setAccepting(false)
        }
    }

    /// Closes the connection that has asked for nothing for the longest, where the options say so.
    ///
    /// - Returns: false when all are being answered.
    private func makeRoom() -> Bool {
        guard options.replacesQuietConnections else { return false }
        var longest: (connection: ServerConnection, since: MonotonicTime)?
        for connection in connections.values {
            guard let since = connection.assumeIsolated({ $0.quietSince }) else { continue }
            if longest.map({ since < $0.since }) ?? true { longest = (connection, since) }
        }
        guard let longest else { return false }
        longest.connection.assumeIsolated { $0.makeRoom() }
        return true
    }

    /// A connection that makes room for others has its answer: if all were being answered when a further one came, there is room now.
    func becameQuiet() {
        if connections.count > options.maximumConnections, !isDraining { setAccepting(true) }
    }

    func closed(_ connection: ServerConnection) {
        let wasFull = connections.count >= options.maximumConnections
        connections[ObjectIdentifier(connection)] = nil
        guests.remove(ObjectIdentifier(connection))
        if wasFull && !isDraining { setAccepting(true) }
        guard connections.isEmpty else { return }
        let waiting = whenEmpty
        whenEmpty = []
        for continuation in waiting { continuation.resume() }
    }

    private func isPrivileged(_ descriptor: Int32) -> Bool {
        Socket.peerCredentials(descriptor).map(options.isPrivileged) ?? false
    }

    func rejected(_ status: Int) { rejections += 1 }

    private func setAccepting(_ accepts: Bool) {
        for endpoint in endpoints {
            if accepts { endpoint.listener.resume() } else { endpoint.listener.pause() }
        }
    }

    /// Stops accepting, closes idle connections, lets requests under way finish, and returns when all have.
    ///
    /// - Parameter grace: how long an idle connection is kept instead, for a request that may be on its way already: its answer says
    ///   `Connection: close`. For a drain that clients are not meant to notice.
    public func drain(grace: Duration? = nil) async {
        beginDrain(grace: grace)
        await withCheckedContinuation { continuation in
            // Looked at in here: the way into this closure may be a queued job, and the last connection may end before it.
            if connections.isEmpty { continuation.resume() } else { whenEmpty.append(continuation) }
        }
    }

    /// Stops accepting, ends every request with the door's error, and returns when all connections are closed.
    public func stop() async {
        beginDrain()
        cancelRequests()
        await drain()
    }

    private func beginDrain(grace: Duration? = nil) {
        guard !isDraining else { return }
        isDraining = true
        for endpoint in endpoints { endpoint.listener.close() }
        endpoints = []
        for connection in connections.values { connection.assumeIsolated { $0.drain(grace: grace) } }
    }

    /// Stops accepting and ends every request still under way with the door's error; ``drain()`` then returns soon.
    public func cancelRequests() {
        // The drain may not have begun on this loop yet: what arrived between the two would be waited for without a limit.
        beginDrain()
        for connection in connections.values { connection.assumeIsolated { $0.cancelWork() } }
    }
}

/// The handler of this moment, for a server's connections to look up without a call into its isolation.
final class CurrentHandler {
    var current: any HTTPHandler

    init(_ handler: any HTTPHandler) { current = handler }
}
