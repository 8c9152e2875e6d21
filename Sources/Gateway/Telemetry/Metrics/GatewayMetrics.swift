import EventLoop
import Glibc
import HTTP
import Runnable
import TLS
import WorkerPool

/// The process's metrics: answers those who ask for them. Any thread.
///
/// Each loop counts for itself (``LoopMetrics``). A scrape sends each loop a short job that shares its arrays, and adds them up and writes
/// them on a thread of its own, so it holds up no loop and is held up by none: what a stuck loop said last stands for it.
final class GatewayMetrics: Sendable {
    /// How long a scrape waits for loops.
    static let patience = Duration.seconds(1)
    /// Scrapes under way at once; further ones get 503.
    static let mostAtOnce = 4

    /// Of the thread that writes the texts.
    private static let niceness: Int32 = 10

    let names = MetricNames()
    let permits = PermitCounts()
    let log: GatewayLog
    private let service: ServiceState
    private let spans: SpanCounts
    private let began = MonotonicTime.now
    private let processStart = ProcessReading.startTime()
    private let writers = WorkerPool(name: "metrics", maximumThreads: 1, maximumQueued: GatewayMetrics.mostAtOnce)
    private let state = Locked(State())

    private struct State {
        var readers: [LoopReader] = []
        var steps: SharedSteps?
        var reloads = ReloadRecord()
        var scrapes = 0
        var refused = 0
    }

    init(log: GatewayLog, service: ServiceState, spans: SpanCounts) {
        self.log = log
        self.service = service
        self.spans = spans
    }

    // MARK: What it knows

    /// The loops to ask, from now on.
    func attach(_ runtimes: [LoopRuntime]) {
        let readers = runtimes.map { runtime in
            LoopReader(loop: runtime.loop) { runtime.snapshot() }
        }
        state.withLock { $0.readers = readers }
    }

    /// A configuration is in force from now on.
    /// - Parameter isReload: false at the start.
    func took(_ configuration: Configuration, _ steps: SharedSteps, isReload: Bool) {
        let digest = Digest.sha256(Array(EffectiveConfiguration.yaml(configuration).utf8))
        let hash = digest.prefix(8).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        let now = LogTime.now
        state.withLock { state in
            state.steps = steps
            state.reloads.hash = hash
            state.reloads.wasSuccessful = true
            state.reloads.time = Double(now.seconds) + Double(now.nanoseconds / 1_000_000) / 1000
            if isReload { state.reloads.successes += 1 }
        }
    }

    /// A reload came to nothing.
    func reloadFailed() {
        state.withLock { state in
            state.reloads.wasSuccessful = false
            state.reloads.failures += 1
        }
    }

    // MARK: Answering

    /// An answer to somebody who asks for metrics.
    struct Answer: Sendable {
        var status = 200
        var fields: HTTPFields
        var body: [UInt8]
        /// Why there are none.
        var error: RunError?

        /// An answer that says no, with the error's status.
        static func refusal(_ error: RunError) -> Answer {
            var fields = DoorRules.jsonFields
            fields.append("cache-control", "no-store")
            return Answer(status: error.status, fields: fields, body: ErrorEncoding.plain(error.message), error: error)
        }
    }

    /// Answers a request. On `loop`, which it does not hold up.
    func answer(_ request: ServerRequest, on loop: EventLoop) async -> Answer {
        switch request.head.method {
        case .get, .head: break
        default:
            var answer = Answer.refusal(RunError(.callerInvalid, "Method Not Allowed", status: 405))
            answer.fields.append("allow", "GET, HEAD")
            return answer
        }
        let format = MetricsFormat.negotiated(request.head.fields)
        guard let text = await scrape(format, on: loop) else {
            var answer = Answer.refusal(RunError(.policyConcurrency, "Too many scrapes are under way."))
            answer.status = 503
            answer.fields.append("retry-after", "1")
            return answer
        }
        var fields = HTTPFields()
        fields.append("content-type", format.contentType)
        fields.append("cache-control", "no-store")
        fields.append("vary", "accept")
        return Answer(fields: fields, body: text)
    }

    /// The metrics as text; nil when too many ask at once.
    func scrape(_ format: MetricsFormat, on loop: EventLoop) async -> [UInt8]? {
        let readers = state.withLock { state -> [LoopReader]? in
            guard state.scrapes < Self.mostAtOnce else {
                state.refused += 1
                return nil
            }
            state.scrapes += 1
            return state.readers
        }
        guard let readers else { return nil }
        defer { state.withLock { $0.scrapes -= 1 } }
        let loops = await ask(readers, on: loop)
        return try? await writers.run {
            // A text of megabytes takes a while: where cores are short, this thread gives way to the loops.
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness)
            return MetricsDocument(
                loops: loops,
                names: self.names.all,
                service: self.reading(),
                process: .now()
            ).text(format)
        }
    }

    /// What the loops say, and what those said last that do not answer in time.
    private func ask(_ readers: [LoopReader], on loop: EventLoop) async -> [MetricsDocument.Loop] {
        guard !readers.isEmpty else { return [] }
        var timer: LoopTimer?
        var round: ScrapeRound?
        await withCheckedContinuation { continuation in
            let made = ScrapeRound(readers.count, continuation)
            round = made
            timer = LoopTimer(on: loop) { made.giveUp() }
            timer?.arm(after: Self.patience)
            for reader in readers { reader.ask(made) }
        }
        timer?.cancel()
        guard let round else { return [] }
        return readers.map { $0.result(of: round) }
    }

    private func reading() -> ServiceReading {
        var reading = ServiceReading()
        let state = state.withLock { $0 }
        reading.permitsHeld = permits.held
        reading.permitsWaiting = permits.waiting
        reading.steps = state.steps?.reading() ?? SharedSteps.Reading()
        reading.logLinesDropped = log.droppedLines
        reading.spansExported = spans.exported
        reading.spansLost = SpanLoss.allCases.map { ($0.rawValue, spans.lost($0)) }
        reading.isDraining = service.isDraining
        reading.uptime = Double((MonotonicTime.now - began).wholeMilliseconds) / 1000
        reading.processStart = processStart
        reading.reloads = state.reloads
        reading.scrapesRefused = state.refused
        return reading
    }
}
