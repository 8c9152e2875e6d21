public import EventLoop
import HTTP
public import Providers

/// An upstream whose every answer and every fault is known: OpenAI's chat completions over our own HTTP server.
///
/// `POST /v1/chat/completions` follows the server's script, changed by the request's `mock` object
/// (`{"mock": {"tokens": 5, "truncate": 120}}`) and then by its `x-mock` field (`x-mock: tokens=5,truncate=120`); see
/// `MockScript`. `GET /stats` tells what happened, `POST /stats/reset` begins again; `GET /v1/models` and `GET /health` are
/// there too. A client that half-closes counts as gone. Any thread.
public final class MockServer: Sendable {
    /// Where it listens, with its real port.
    public let address: SocketAddress
    /// What it has done so far.
    public var stats: MockStats { service.stats }

    private let service: MockService
    private let loops: [EventLoop]
    private let servers: [HTTPServer]

    private init(address: SocketAddress, service: MockService, loops: [EventLoop], servers: [HTTPServer]) {
        self.address = address
        self.service = service
        self.loops = loops
        self.servers = servers
    }

    /// The address as a URL's origin; a Unix socket's as `unix:` and its path.
    public var origin: String {
        if case .unix = address { return address.description }
        return "http://\(address)"
    }

    /// Starts a server with `count` loops of its own.
    ///
    /// - Throws: `LoopError` when it cannot listen or start.
    public static func start(
        on address: SocketAddress,
        loops count: Int = 1,
        script: MockScript = MockScript()
    ) async throws(LoopError) -> MockServer {
        let (descriptors, actual) = try Listener.open(address, count: max(1, count))
        let service = MockService(script: script)
        var options = HTTPServerOptions()
        options.maximumConnections = 1_000_000
        options.idleTimeout = .seconds(600)
        options.keepAliveInterval = .seconds(86_400)
        options.cancelsAtHalfClose = true
        var loops: [EventLoop] = []
        var servers: [HTTPServer] = []
        for (number, descriptor) in descriptors.enumerated() {
            let loop = try EventLoop(name: "mock-\(number)")
            try loop.start()
            let server = HTTPServer(loop: loop, handler: MockHandler(service: service, loop: loop), options: options)
            try await server.listen(descriptor: descriptor)
            service.add(server)
            loops.append(loop)
            servers.append(server)
        }
        return MockServer(address: actual, service: service, loops: loops, servers: servers)
    }

    /// Stops accepting, ends all requests, and stops the loops once every connection is closed.
    public func stop() async {
        for server in servers { await server.stop() }
        for loop in loops { loop.stop() }
    }
}
