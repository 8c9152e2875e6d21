import EventLoop
import Glibc
import Runnable
import TLS

/// The traces of the whole process: the exporter in force, and what became of spans. Used by ``Gateway``.
final class Tracing {
    /// Over all configurations.
    let counts = SpanCounts()
    private(set) var exporter: TraceExporter?
    private var loop: EventLoop?
    private let log: GatewayLog
    private let instance = RunID.random()
    /// The ends of exporters that are in force no longer, the latest last.
    private var closing: [Task<Void, Never>] = []

    /// How long an exporter's last spans may take, at the end and after a reload.
    private static let closingTime = Duration.seconds(3)
    /// Exporters that may be ending while another is in force: each holds a queue.
    private static let mostClosing = 4

    /// No exporter.
    init(log: GatewayLog) { self.log = log }

    /// Makes the exporter of a configuration; nil where it has none. The one in force if nothing about it changed.
    ///
    /// - Throws: ``ConfigurationErrors`` for certificates that cannot be used, and when there is no thread.
    func makeExporter(_ settings: TracingSettings, file: String) throws(ConfigurationErrors) -> TraceExporter? {
        guard let endpoint = settings.endpoint else { return nil }
        if let exporter, exporter.settings == settings { return exporter }
        let tls = try Tracing.context(settings, file: file)
        let resource = TraceResource(settings, instance: instance) { getenv($0).map { String(cString: $0) } }
        return TraceExporter(
            settings,
            endpoint: endpoint,
            loop: try startedLoop(file),
            tls: tls,
            resource: resource,
            counts: counts,
            log: log
        )
    }

    /// Has the loops hand their spans to another exporter. The old one has a moment to send what it has, for which only the fifth of quick
    /// reloads waits.
    func use(_ next: TraceExporter?, on runtimes: [LoopRuntime]) async {
        guard next !== exporter else { return }
        let old = exporter
        exporter = next
        for runtime in runtimes { await runtime.trace(with: next) }
        guard let old else { return }
        if closing.count == Tracing.mostClosing { await closing.removeFirst().value }
        closing.append(Task(executorPreference: old.loop) { await old.close(within: Tracing.closingTime) })
    }

    /// Sends what is left. The loops have handed over theirs.
    func close() async {
        await exporter?.close(within: Tracing.closingTime)
        for task in closing { await task.value }
        loop?.stop()
    }

    /// - Throws: ``ConfigurationErrors`` for certificates that cannot be used.
    static func context(_ settings: TracingSettings, file: String) throws(ConfigurationErrors) -> TLSContext? {
        guard settings.endpoint?.scheme == .https else { return nil }
        do throws(TLSError) {
            return try TLSContext.client(TLSContext.ClientOptions(trustRootsFile: settings.caFile))
        } catch {
            throw problem(error.description, file)
        }
    }

    private static func problem(_ message: String, _ file: String) -> ConfigurationErrors {
        ConfigurationErrors(errors: [ConfigurationError(file: file, line: nil, key: "tracing", message: message)])
    }

    /// A loop of its own: sending must not take time of those that serve.
    private func startedLoop(_ file: String) throws(ConfigurationErrors) -> EventLoop {
        if let loop { return loop }
        do throws(LoopError) {
            let loop = try EventLoop(name: "telemetry")
            try loop.start()
            self.loop = loop
            return loop
        } catch {
            throw Tracing.problem(error.description, file)
        }
    }
}
