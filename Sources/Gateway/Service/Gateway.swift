public import EventLoop
import Glibc
import HTTP
import Logging
import Providers
import TLS

/// The running service: loops, listeners and the configuration in force.
///
/// One per process. Its methods may be called from anywhere; they take turns.
public actor Gateway {
    /// The program's version.
    public static let version = "0.1.0"

    /// Where it listens, with real ports.
    public nonisolated let addresses: [ListenAddress]
    /// The sockets it listens on, for a successor. Open until ``stop(handedOver:)``.
    public nonisolated let listening: [ListeningSockets]

    /// What became of the spans of traced requests.
    public nonisolated let spans: SpanCounts

    nonisolated let runtimes: [LoopRuntime]
    nonisolated let log: GatewayLog
    private let state: ServiceState
    private let tracing: Tracing
    private let logger = Logger(label: "headgate")
    private let file: String
    private var configuration: Configuration
    private(set) var clients: [[String: BackendClient]]  // by loop
    private var loaded = LogTime.now
    let metrics: GatewayMetrics
    private let metricsListener: MetricsListener?
    private let files: [SocketFile]  // of Unix sockets of our own, removed at the end
    private let opened: [SocketFile]  // those of them that this process has made
    private let modes: [(file: SocketFile, mode: UInt32)]  // as configured, of those that were there before
    private let abandoned: [String]  // addresses that a predecessor listens on, and this process does not
    private var isStopped = false
    private var reloadsUnderWay = 0
    private var whenReloaded: [CheckedContinuation<Void, Never>] = []

    /// Opens the listeners and serves.
    ///
    /// - Parameters:
    ///   - file: the configuration's name, for messages.
    ///   - sockets: listening sockets that are open already and are used before others are opened; those of no `listen` entry are
    ///     closed.
    /// - Throws: ``ConfigurationErrors`` for certificates that cannot be used; `LoopError` when a listener cannot be opened.
    public static func start(
        _ configuration: Configuration,
        file: String,
        log: GatewayLog,
        sockets: GivenSockets = GivenSockets()
    ) async throws -> Gateway {
        let tls = try BackendTLS(configuration.backends, file: file)
        let certificates = try listenerCertificates(configuration.listen, file: file)
        let count = configuration.loopCount
        let state = ServiceState()
        let tracing = Tracing(log: log)
        let exporter = try tracing.makeExporter(configuration.tracing, file: file)
        let counters = configuration.mockCounters
        let steps = SharedSteps()
        let metrics = GatewayMetrics(log: log, service: state, spans: tracing.counts)
        var given = sockets
        var listeners: [OpenListener] = []
        var isStarted = false
        defer { if !isStarted { for file in listeners.compactMap(\.openedFile) { file.remove() } } }
        for settings in configuration.listen { listeners.append(try open(settings, count: count, given: &given)) }
        let ownSettings = configuration.metrics.listen.map { ListenerSettings(address: $0) }
        let own = try ownSettings.map { settings throws(LoopError) in try open(settings, count: 1, given: &given) }
        if let own { listeners.append(own) }
        var runtimes: [LoopRuntime] = []
        var clients: [[String: BackendClient]] = []
        for number in 0..<count {
            let loop = try EventLoop(name: "loop-\(number)")
            let runtime = LoopRuntime(
                loop: loop,
                settings: configuration.server,
                loops: count,
                state: state,
                log: log,
                metrics: metrics
            )
            let made = runtime.handler(for: configuration, tls: tls, counters: counters, steps: steps, reusing: [:])
            try loop.start()
            await runtime.server.reload(handler: made.handler, tls: [:])
            runtimes.append(runtime)
            clients.append(made.clients)
        }
        // Before the first request, or it would be in none of them.
        metrics.attach(runtimes)
        metrics.took(configuration, steps, isReload: false)
        await tracing.use(exporter, on: runtimes)
        try await serve(Array(listeners.prefix(configuration.listen.count)), certificates, on: runtimes)
        let abandoned = given.closeRest(logger: Logger(label: "headgate"))
        var metricsListener: MetricsListener?
        if let own { metricsListener = try await MetricsListener.start(configuration, metrics, own) }
        isStarted = true
        return Gateway(
            configuration,
            file: file,
            log: log,
            state: state,
            tracing: tracing,
            runtimes: runtimes,
            clients: clients,
            listeners: listeners,
            abandoned: abandoned,
            metrics: metrics,
            metricsListener: metricsListener
        )
    }

    private init(
        _ configuration: Configuration,
        file: String,
        log: GatewayLog,
        state: ServiceState,
        tracing: sending Tracing,
        runtimes: [LoopRuntime],
        clients: [[String: BackendClient]],
        listeners: [OpenListener],
        abandoned: [String],
        metrics: GatewayMetrics,
        metricsListener: MetricsListener?
    ) {
        self.configuration = configuration
        self.file = file
        self.log = log
        self.state = state
        self.tracing = tracing
        spans = tracing.counts
        self.runtimes = runtimes
        self.clients = clients
        addresses = listeners.prefix(configuration.listen.count).map(\.address)
        self.metrics = metrics
        self.metricsListener = metricsListener
        listening = listeners.map { listener in
            ListeningSockets(address: listener.configured, descriptors: listener.byLoop.flatMap { $0 })
        }
        files = listeners.filter { !$0.isManaged }.compactMap(\.file)
        opened = listeners.compactMap(\.openedFile)
        modes = zip(listeners, configuration.listen).compactMap { listener, settings in
            guard listener.isGiven, !listener.isManaged, let file = listener.file, let mode = settings.mode else {
                return nil
            }
            return (file, mode)
        }
        self.abandoned = abandoned
    }

    /// The loops that serve clients.
    nonisolated var loops: [EventLoop] { runtimes.map(\.loop) }

    /// All of its loops, for a watchdog.
    public nonisolated var watchedLoops: [EventLoop] { loops + (metricsListener.map { [$0.loop] } ?? []) }

    /// Whether it has begun to stop, or to finish what it does behind a handover.
    public nonisolated var isStopping: Bool { state.isStopping }

    /// What is in force, what it is called, and since when.
    var configurationInForce: (value: Configuration, file: String, loaded: LogTime) {
        (configuration, file, loaded)
    }

    /// Does what a start would do short of opening anything: for `check`.
    ///
    /// - Throws: ``ConfigurationErrors`` for certificates that cannot be used.
    public static func check(_ configuration: Configuration, file: String) throws(ConfigurationErrors) {
        _ = try BackendTLS(configuration.backends, file: file)
        _ = try listenerCertificates(configuration.listen, file: file)
        _ = try Tracing.context(configuration.tracing, file: file)
        _ = try configuration.admin.groupNumber(file: file, line: configuration.lines["admin.group"])
    }

    /// What has to wait until a predecessor has stepped back: it serves all its sockets until then, as they were.
    public nonisolated func hasTakenOver() {
        for address in abandoned {
            logger.notice("no longer listening", metadata: ["address": "\(address)"])
            if address.hasPrefix("unix:") { unlink(String(address.dropFirst(5))) }
        }
        for (file, mode) in modes { file.setMode(mode) }
    }

    /// Removes what this process has put into the file system, when its start comes to nothing after all.
    public nonisolated func removeOpened() {
        for file in opened { file.remove() }
    }

    // MARK: Memory

    /// How often ``keepMemoryLow()`` looks.
    private static let memoryInterval = Duration.seconds(2)
    /// Connections that must have closed since the last time before the heap is worth looking through.
    private static let closedBeforeTrim = 256
    /// Bytes of large bodies that must have been freed since the last time.
    private static let freedBeforeTrim = 4 << 20

    /// Returns heap pages to the system once a peak of connections, or of large bodies, is over: the allocator keeps them otherwise,
    /// and a daemon that held 9,000 streams once would look as if it still did (G6). Runs until its task is cancelled.
    ///
    /// - Parameter loop: where the task that calls this runs; not one that serves, as trimming takes milliseconds.
    public func keepMemoryLow(on loop: EventLoop) async {
        var peak = 0
        var closedAtTrim = 0
        var freedAtTrim = 0
        var freedBefore = 0
        while !Task.isCancelled {
            var open = 0
            var closed = 0
            var freed = 0
            for runtime in runtimes {
                open += await runtime.server.connectionCount
                closed += await runtime.server.closedConnections
                freed += await runtime.server.freedBytes
            }
            peak = max(peak, open)
            let hasShrunk = closed - closedAtTrim >= Gateway.closedBeforeTrim && open <= peak / 2
            // While more of them come, they use the same memory again.
            let isDone = freed - freedAtTrim >= Gateway.freedBeforeTrim && freed == freedBefore
            freedBefore = freed
            if hasShrunk || isDone {
                ProcessMemory.releaseUnused()
                closedAtTrim = closed
                freedAtTrim = freed
                peak = open
            }
            try? await loop.sleep(for: Gateway.memoryInterval)
        }
    }

    // MARK: Reloading

    /// Puts another configuration in force: all of it, or nothing.
    ///
    /// Routes, models, backends, timeouts, log settings, tracing and certificates (read again even if nothing else changed) change at once;
    /// requests under way finish with what they began with. `listen`, `loops`, `handover`, `server`, `admin` and `metrics.listen` belong to a start
    /// and are refused.
    ///
    /// - Returns: what has changed.
    /// - Throws: ``ConfigurationErrors``; the old configuration then stays in force. Also when the service is stopping.
    @discardableResult
    public func reload(_ next: Configuration) async throws(ConfigurationErrors) -> ConfigurationDifference {
        try refuseChangesOfStart(next)
        reloadsUnderWay += 1
        defer { reloadEnded() }
        let tls = try BackendTLS(next.backends, file: file)
        let certificates = try Gateway.listenerCertificates(next.listen, file: file)
        let exporter = try tracing.makeExporter(next.tracing, file: file)
        let counters = next.mockCounters
        let steps = SharedSteps()
        log.apply(next.log, secrets: next.secrets)
        for (number, runtime) in runtimes.enumerated() {
            try refuseWhenStopped()
            let made = runtime.handler(
                for: next,
                tls: tls,
                counters: counters,
                steps: steps,
                reusing: clients[number]
            )
            await runtime.server.reload(handler: made.handler, tls: certificates)
            let old = clients[number]
            clients[number] = made.clients
            for (name, client) in old where made.clients[name]?.client !== client.client {
                await client.client.retire()
            }
        }
        try refuseWhenStopped()
        await metricsListener?.reload(next.metrics)
        metrics.took(next, steps, isReload: true)
        let difference = ConfigurationDifference(from: configuration, to: next)
        configuration = next
        await tracing.use(exporter, on: runtimes)
        loaded = .now
        return difference
    }

    /// What stops needs no other configuration, and its loops would not answer any more.
    private func refuseWhenStopped() throws(ConfigurationErrors) {
        guard isStopped else { return }
        let message = "not read: the service is stopping"
        throw ConfigurationErrors(errors: [ConfigurationError(file: file, line: nil, key: "", message: message)])
    }

    private func reloadEnded() {
        reloadsUnderWay -= 1
        guard reloadsUnderWay == 0 else { return }
        let waiting = whenReloaded
        whenReloaded = []
        for continuation in waiting { continuation.resume() }
    }

    /// Does what ``reload(_:)`` does short of putting anything in force.
    ///
    /// - Returns: what would change.
    /// - Throws: ``ConfigurationErrors`` as it would.
    func tryReload(_ next: Configuration) throws(ConfigurationErrors) -> ConfigurationDifference {
        try refuseChangesOfStart(next)
        try Gateway.check(next, file: file)
        return ConfigurationDifference(from: configuration, to: next)
    }

    private func refuseChangesOfStart(_ next: Configuration) throws(ConfigurationErrors) {
        var errors: [ConfigurationError] = []
        for (key, changed) in [
            ("listen", next.listen != configuration.listen), ("loops", next.loops != configuration.loops),
            ("handover", next.handover != configuration.handover), ("server", next.server != configuration.server),
            ("admin", next.admin != configuration.admin),
            ("metrics.listen", next.metrics.listen != configuration.metrics.listen),
        ] where changed {
            let message = "cannot change while the service runs; restart it instead"
            errors.append(ConfigurationError(file: file, line: next.lines[key], key: key, message: message))
        }
        guard errors.isEmpty else { throw ConfigurationErrors(errors: errors) }
    }

    /// Notes that a reload came to nothing, for metrics: also one whose file could not be read, which never gets to ``reload(_:)``.
    public nonisolated func reloadFailed() { metrics.reloadFailed() }

    /// Where metrics have an address of their own, with its real port.
    public nonisolated var metricsAddress: ListenAddress? { metricsListener?.address }

    // MARK: Stopping

    /// How long an idle connection waits for a request after a handover, which tells its client to go.
    private static let idleGrace = Duration.seconds(5)

    /// Says that ``stop(handedOver:outlasting:)`` follows, before anything is closed: who starts in this place may know by it.
    public nonisolated func willStop() { state.isStopping = true }

    /// Stops: no new connections, requests under way get `drain_timeout` to finish, and what is left then ends with the door's
    /// error. Returns when everything has ended.
    ///
    /// - Parameters:
    ///   - handedOver: whether another process has the listening sockets. Clients shall notice nothing then: an idle connection is
    ///     kept for a moment, until an answer could tell it to go, and Unix sockets keep their paths.
    ///   - outlasting: what to wait for when all requests have ended, while the loops still turn and feed a watchdog.
    /// - Returns: whether all requests finished by themselves.
    @discardableResult
    public func stop(handedOver: Bool = false, outlasting: @Sendable () async -> Void = {}) async -> Bool {
        guard !isStopped else { return true }
        isStopped = true
        // Whoever asks over a kept connection whether the service is ready is told that it is.
        state.isStopping = true
        state.isDraining = !handedOver
        // Counters of two processes behind one address would look like resets.
        if handedOver { await metricsListener?.stop() }
        let grace = handedOver ? Gateway.idleGrace : nil
        let finished = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await self.drainAll(grace: grace)
                return true
            }
            group.addTask {
                try? await self.loops[0].sleep(for: self.drainTimeout)
                return false
            }
            let first = await group.next() ?? true
            if !first { await cancelRequests() }
            group.cancelAll()
            return first
        }
        await outlasting()
        // It gives up at the next loop, but what it asked of one has to be answered.
        if reloadsUnderWay > 0 { await withCheckedContinuation { whenReloaded.append($0) } }
        for runtime in runtimes {
            await runtime.closeTelemetry()
            runtime.loop.stop()
        }
        await tracing.close()
        if !handedOver {
            await metricsListener?.stop()
            for file in files { file.remove() }
        }
        return finished
    }

    /// Ends requests under way with the door's error, without waiting for the drain's limit.
    public func cancelRequests() async {
        for runtime in runtimes { await runtime.server.cancelRequests() }
    }

    /// How long a drain takes at most.
    public var drainTimeout: Duration { configuration.server.drainTimeout }

    /// Requests being answered now, and how many of them are streams that have begun.
    public nonisolated func activity() async -> ServiceActivity {
        var sum = ServiceActivity()
        for runtime in runtimes {
            let activity = await runtime.server.activity
            sum.requests += activity.requests
            sum.streams += activity.streams
        }
        return sum
    }

    private nonisolated func drainAll(grace: Duration?) async {
        await withTaskGroup(of: Void.self) { group in
            for runtime in runtimes { group.addTask { await runtime.server.drain(grace: grace) } }
        }
    }
}

extension Configuration {
    /// A new counter for each mock backend: its status script plays once, however many loops and routes use it.
    fileprivate var mockCounters: [String: MockCounter] {
        var counters: [String: MockCounter] = [:]
        for backend in backends where backend.dialect == .mock { counters[backend.name] = MockCounter() }
        return counters
    }

    /// Loops to run: as configured, or one for each core.
    var loopCount: Int {
        switch loops {
        case .auto: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        case .fixed(let count): count
        }
    }
}
