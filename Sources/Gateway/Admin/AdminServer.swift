public import EventLoop
import Glibc
import HTTP
import Logging
import Runnable
import Synchronization

/// The admin socket of a running service: a loop, a server and a file of their own. Any thread.
public final class AdminServer: Sendable {
    /// Where it listens.
    public var path: String { socket.path }

    /// Serves it, and no clients.
    public let loop: EventLoop
    private let server: HTTPServer
    private let socket: AdminSocket
    private let service: LoopBound<AdminService>
    private let mode: UInt32
    private let beside = Mutex<Beside>(.none)

    /// A path of this process's alone.
    private enum Beside {
        case none
        case open(AdminSocket)
        case over
    }

    private init(
        loop: EventLoop,
        server: HTTPServer,
        socket: AdminSocket,
        mode: UInt32,
        service: LoopBound<AdminService>
    ) {
        self.loop = loop
        self.mode = mode
        self.server = server
        self.socket = socket
        self.service = service
    }

    /// Opens the socket and answers on it.
    ///
    /// - Parameters:
    ///   - settings: where, and who is let in.
    ///   - file: the configuration's name, for messages.
    ///   - predecessor: a process that may have the path still, and whose place this one takes: then ``publish()`` takes it over. So it
    ///     does from a daemon that says it is stopping.
    /// - Returns: nil when the settings want none.
    /// - Throws: ``ConfigurationErrors`` for a group that does not exist; `LoopError` when the socket cannot be opened, also when
    ///   another daemon serves it.
    public static func start(
        _ settings: AdminSettings,
        for gateway: Gateway,
        file: String,
        replacing predecessor: Int32? = nil,
        actions: AdminActions
    ) async throws -> AdminServer? {
        let directory = getenv("RUNTIME_DIRECTORY").map { String(cString: $0) }
        guard let path = settings.path(runtimeDirectory: directory) else { return nil }
        let group = try settings.groupNumber(file: file)
        // One that only finishes what it has begun keeps the path until it ends, or somebody takes it.
        var predecessors = Set([predecessor].compactMap { $0 })
        if case .served(let owner) = SocketPath(path), isServedByStopping(path) { predecessors.insert(owner) }
        AdminSocket.removeLeft(beside: path)
        let socket = try AdminSocket.open(path, mode: settings.mode, group: group, replacing: predecessors)
        let loop: EventLoop
        do {
            loop = try EventLoop(name: "admin")
            try loop.start()
        } catch {
            socket.remove()
            Socket.close(socket.descriptor)
            throw error
        }
        let service = LoopBound(AdminService(gateway, loop: loop, actions: actions), loop: loop)
        let handler = AdminHandler(service: service, group: socket.group)
        let server = HTTPServer(loop: loop, handler: handler, options: options)
        do {
            try await server.listen(descriptor: socket.descriptor)
        } catch {
            socket.remove()
            loop.stop()
            throw error
        }
        return AdminServer(loop: loop, server: server, socket: socket, mode: settings.mode, service: service)
    }

    /// Whether the daemon that serves an admin socket is about to end. Blocks for two seconds at most.
    private static func isServedByStopping(_ path: String) -> Bool {
        let reply = try? AdminClient(path: path).get("/status", patience: .seconds(2))
        return reply?.value["state"]?.string == "draining"
    }

    /// Small: a handful of operators, who send a line and read a table.
    private static var options: HTTPServerOptions {
        var options = HTTPServerOptions()
        options.identifiesPeers = true
        options.maximumConnections = 32
        options.reservedConnections = 8
        options.maximumBody = 64 << 10
        options.headerTimeout = .seconds(5)
        options.bodyTimeout = .seconds(5)
        options.idleTimeout = .seconds(10)
        options.highWater = 64 << 10
        options.lowWater = 32 << 10
        // Nobody who looks in half-closes and goes on reading; a follower who leaves is noticed at once.
        options.cancelsAtHalfClose = true
        return options
    }

    /// Takes the path over from a predecessor that has begun to end; does nothing where there was none.
    ///
    /// - Throws: `LoopError`; the predecessor then keeps the path.
    public func publish() throws(LoopError) { try socket.publish() }

    /// Answers at a path of its own as well, `PATH.PID`: the process drains, and another one may take the path.
    public func standBeside() async {
        do {
            let own = try AdminSocket.open("\(path).\(getpid())", mode: mode, group: socket.group)
            let isOver = beside.withLock { beside in
                if case .over = beside { return true }
                beside = .open(own)
                return false
            }
            if isOver { return own.remove() }
            try await server.listen(descriptor: own.descriptor)
        } catch {
            Logger(label: "headgate").error("no admin socket", metadata: ["reason": "\(error)"])
        }
    }

    /// Another process serves from now on: tells followers, who see here only what this one still finishes.
    public func handedOver(to pid: Int32) {
        let service = service
        loop.execute { service.value.hub.value.handOver(from: getpid(), to: pid) }
    }

    /// Removes the socket's file, ends what followers follow, and returns when all connections are closed: within seconds.
    public func stop() async {
        socket.remove()
        beside.withLock { beside in
            if case .open(let own) = beside { own.remove() }
            beside = .over
        }
        let service = service
        loop.execute { service.value.hub.value.close() }
        await server.stop()
        loop.stop()
    }
}
