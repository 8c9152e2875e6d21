import EventLoop
import HTTP
import JSON
import Providers
import Runnable
import TLS

/// What one loop serves with: its JSON reader, its upstream connections and its models. Nothing of it is shared with other loops.
final class LoopRuntime: Sendable {
    let loop: EventLoop
    let server: HTTPServer
    private let reader: LoopBound<JSONReader>
    private let runIDs: LoopBound<RunIDSource>
    let telemetry: LoopBound<LoopTelemetry>
    private let pools: BackendPools
    private let state: ServiceState
    private let metrics: GatewayMetrics
    private let log: GatewayLog

    init(
        loop: EventLoop,
        settings: ServerSettings,
        loops: Int,
        state: ServiceState,
        log: GatewayLog,
        metrics: GatewayMetrics
    ) {
        self.loop = loop
        self.state = state
        self.metrics = metrics
        self.log = log
        reader = LoopBound(JSONReader(), loop: loop)
        runIDs = LoopBound(RunIDSource(), loop: loop)
        let telemetry = LoopTelemetry(loop: loop, log: log)
        pools = telemetry.metrics.pools
        self.telemetry = LoopBound(telemetry, loop: loop)
        server = HTTPServer(
            loop: loop,
            handler: StartingHandler(),
            options: HTTPServerOptions(settings, loops: loops)
        )
    }

    /// Hands the last access lines over; when it returns they are in the log's queue, and a flush writes them.
    func closeTelemetry() async {
        await withCheckedContinuation { continuation in
            loop.execute {
                self.telemetry.value.close()
                continuation.resume()
            }
        }
    }

    /// What the loop has counted. On the loop.
    func snapshot() -> LoopSnapshot {
        var snapshot = telemetry.value.metrics.snapshot()
        (snapshot.connections, snapshot.accepted) = server.assumeIsolated {
            ($0.connectionCount, $0.acceptedConnections)
        }
        snapshot.received = server.traffic.received
        snapshot.sent = server.traffic.sent
        return snapshot
    }

    /// Has spans handed to another exporter from now on; nil for none.
    func trace(with exporter: TraceExporter?) async {
        await withCheckedContinuation { continuation in
            loop.execute {
                self.telemetry.value.tracing.use(exporter)
                continuation.resume()
            }
        }
    }

    /// Makes the handler for a configuration, taking over the connections of backends that did not change.
    ///
    /// - Parameters:
    ///   - counters: the mock backends' by name, shared with the other loops.
    ///   - steps: what steps of pipelines share with the other loops.
    /// - Returns: the handler, and the clients it uses by their backend's settings.
    func handler(
        for configuration: Configuration,
        tls: BackendTLS,
        counters: [String: MockCounter],
        steps: SharedSteps,
        reusing known: [String: BackendClient]
    ) -> (handler: GatewayHandler, clients: [String: BackendClient]) {
        var clients: [String: BackendClient] = [:]
        for settings in configuration.backends where settings.dialect != .mock {
            if let kept = known[settings.name], kept.settings == settings {
                clients[settings.name] = kept
            } else {
                let traffic = pools.traffic(of: settings.name)
                let made = BackendClient(settings, loop: loop, tls: tls[settings.name], traffic: traffic)
                pools.add(made.client, of: settings.name)
                clients[settings.name] = made
            }
        }
        let maker = DoorMaker(
            configuration: configuration,
            loop: loop,
            reader: reader,
            runIDs: runIDs,
            clients: clients,
            counters: counters,
            steps: steps,
            counting: MetricCounting(configuration.metrics, metrics, telemetry)
        )
        let handler = GatewayHandler(
            table: RouteTable(maker.doors(), metrics: configuration.metrics.sharedPath),
            state: state,
            runIDs: runIDs,
            reader: reader,
            telemetry: telemetry,
            metrics: metrics,
            log: log,
            timesAnswers: configuration.server.timing
        )
        let enabled = configuration.metrics.enabled
        loop.execute { self.telemetry.value.metrics.enable(enabled) }
        return (handler, clients)
    }
}
/// Answers until the configuration is in place; listeners open after that, so nobody sees it.
private struct StartingHandler: HTTPHandler {
    func handle(_ request: ServerRequest, _ response: ResponseWriter) async {
        response.respond(status: 503, fields: DoorRules.jsonFields, body: ErrorEncoding.plain("starting"))
    }

    func rejection(status: Int, message: String) -> (fields: HTTPFields, body: [UInt8]) {
        (DoorRules.jsonFields, ErrorEncoding.plain(message))
    }
}

extension HTTPServerOptions {
    /// One loop's share of the process's settings.
    init(_ settings: ServerSettings, loops: Int) {
        self.init()
        limits = HTTPLimits(
            requestLine: settings.maxRequestLine,
            headerBlock: settings.maxHeaderBytes,
            fieldCount: settings.maxHeaderFields
        )
        maximumBody = settings.maxBody
        maximumConnections = max(1, (settings.maxConnections + loops - 1) / loops)
        headerTimeout = settings.headerTimeout
        bodyTimeout = settings.bodyTimeout
        idleTimeout = settings.idleTimeout
        writeTimeout = settings.writeTimeout
        highWater = settings.streamHighWater
        lowWater = settings.streamLowWater
        keepAliveInterval = settings.keepaliveInterval
    }
}
