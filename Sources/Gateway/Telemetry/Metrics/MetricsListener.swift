import EventLoop
import HTTP

/// Serves the metrics, and nothing else, at an address of their own, on a loop of its own: it answers while the others are busy.
final class MetricsListener: Sendable {
    /// Where it listens, with the real port.
    let address: ListenAddress
    let loop: EventLoop
    private let server: HTTPServer
    private let tools: MetricsHandler.Tools

    /// Starts it on sockets that are open.
    static func start(
        _ configuration: Configuration,
        _ metrics: GatewayMetrics,
        _ opened: Gateway.OpenListener
    ) async throws -> MetricsListener {
        let loop = try EventLoop(name: "metrics")
        let tools = MetricsHandler.Tools(
            metrics: metrics,
            runIDs: LoopBound(RunIDSource(), loop: loop),
            accessLog: LoopBound(AccessLog(log: metrics.log, loop: loop), loop: loop),
            timesAnswers: configuration.server.timing
        )
        try loop.start()
        let handler = MetricsHandler(path: configuration.metrics.ownPath, tools: tools)
        let server = HTTPServer(loop: loop, handler: handler, options: .forMetrics)
        for descriptor in opened.byLoop.flatMap({ $0 }) { try await server.listen(descriptor: descriptor) }
        return MetricsListener(address: opened.address, loop: loop, server: server, tools: tools)
    }

    private init(address: ListenAddress, loop: EventLoop, server: HTTPServer, tools: MetricsHandler.Tools) {
        self.address = address
        self.loop = loop
        self.server = server
        self.tools = tools
    }

    /// Another configuration is in force.
    func reload(_ settings: MetricsSettings) async {
        await server.reload(handler: MetricsHandler(path: settings.ownPath, tools: tools), tls: [:])
    }

    /// Ends it, at once.
    func stop() async {
        await server.stop()
        await withCheckedContinuation { continuation in
            loop.execute {
                self.tools.accessLog.value.close()
                continuation.resume()
            }
        }
        loop.stop()
    }
}

extension HTTPServerOptions {
    /// Few connections, small requests. Nobody is kept out by those that connect and say nothing.
    fileprivate static var forMetrics: HTTPServerOptions {
        var options = HTTPServerOptions()
        options.maximumConnections = 64
        options.replacesQuietConnections = true
        options.maximumBody = 1024
        return options
    }
}
