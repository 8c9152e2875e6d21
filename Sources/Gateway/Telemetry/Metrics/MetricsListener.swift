import EventLoop
import HTTP

/// Serves the metrics, and nothing else, at an address of their own, on a loop of its own: it answers while the others are busy.
final class MetricsListener: Sendable {
    /// Where it listens, with the real port.
    let address: ListenAddress
    private let loop: EventLoop
    private let server: HTTPServer

    /// Starts it on sockets that are open.
    static func start(
        _ settings: MetricsSettings,
        _ metrics: GatewayMetrics,
        _ opened: Gateway.OpenListener
    ) async throws -> MetricsListener {
        let loop = try EventLoop(name: "metrics")
        try loop.start()
        let handler = MetricsHandler(path: settings.ownPath, metrics: metrics, loop: loop)
        let server = HTTPServer(loop: loop, handler: handler, options: .forMetrics)
        for descriptor in opened.byLoop.flatMap({ $0 }) { try await server.listen(descriptor: descriptor) }
        return MetricsListener(address: opened.address, loop: loop, server: server)
    }

    private init(address: ListenAddress, loop: EventLoop, server: HTTPServer) {
        self.address = address
        self.loop = loop
        self.server = server
    }

    /// Another configuration is in force.
    func reload(_ settings: MetricsSettings, _ metrics: GatewayMetrics) async {
        let handler = MetricsHandler(path: settings.ownPath, metrics: metrics, loop: loop)
        await server.reload(handler: handler, tls: [:])
    }

    /// Ends it, at once.
    func stop() async {
        await server.stop()
        loop.stop()
    }
}

extension HTTPServerOptions {
    /// Few connections, small requests.
    fileprivate static var forMetrics: HTTPServerOptions {
        var options = HTTPServerOptions()
        options.maximumConnections = 64
        options.maximumBody = 1024
        return options
    }
}

/// Answers at the metrics' path.
private struct MetricsHandler: HTTPHandler {
    /// Nil while metrics are switched off.
    let path: String?
    let metrics: GatewayMetrics
    let loop: EventLoop

    func handle(_ request: ServerRequest, _ response: ResponseWriter) async {
        guard request.head.path == path else {
            return response.respond(status: 404, fields: DoorRules.jsonFields, body: ErrorEncoding.plain("Not Found"))
        }
        let answer = await metrics.answer(request, on: loop)
        response.respond(status: answer.status, fields: answer.fields, body: answer.body)
    }

    func rejection(status: Int, message: String) -> (fields: HTTPFields, body: [UInt8]) {
        (DoorRules.jsonFields, ErrorEncoding.plain(message))
    }
}
