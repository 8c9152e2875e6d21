import EventLoop
import HTTP
import JSON
import Logging
import Providers
import Runnable
import TLS

/// Sends spans to one collector, over HTTP in OTLP's JSON encoding, on a loop that serves nobody.
///
/// One request at a time; what comes meanwhile makes the next one larger. A collector that is away or overloaded is tried again with growing
/// pauses, as OTLP demands, while the queue fills and then drops: no request ever waits for a collector.
actor TraceExporter {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    nonisolated let settings: TracingSettings
    nonisolated let sampler: TraceSampler

    private nonisolated let queue: SpanQueue
    private let client: HTTPClient
    private let preamble: [UInt8]
    private let resource: TraceResource
    private let reader = JSONReader()
    private let logger: Logger
    private var task: Task<Void, Never>?
    private var pause: Task<Void, Never>?
    private var isClosing = false
    /// Failures since the last success.
    private var failures = 0
    private var nextComplaint = MonotonicTime(nanoseconds: 0)

    /// Tries of one batch.
    private static let mostTries = 5
    /// Before the second try; doubled before each further one, up to the longest.
    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(30)
    /// A collector may ask for longer pauses, up to this.
    private static let longestRetryAfter = Duration.seconds(600)
    /// A collector's answer is short.
    private static let maximumAnswer = 64 << 10
    /// An absent collector is told of this often.
    private static let complaintInterval = Duration.seconds(60)

    private enum Outcome {
        /// Of the spans, so many were not taken.
        case taken(rejected: Int)
        case refused(String)
        case unavailable(String, retryAfter: Duration?)
    }

    /// Makes an exporter; nothing connects before there are spans.
    ///
    /// - Parameter settings: with an endpoint.
    init(
        _ settings: TracingSettings,
        endpoint: UpstreamURL,
        loop: EventLoop,
        tls: TLSContext?,
        resource: TraceResource,
        counts: SpanCounts,
        log: GatewayLog
    ) {
        self.settings = settings
        self.loop = loop
        self.resource = resource
        sampler = TraceSampler(settings)
        queue = SpanQueue(maximumCount: settings.maxQueue, maximumBytes: settings.maxQueueBytes, counts: counts)
        logger = Logger(label: "headgate.tracing") { log.makeHandler(label: $0) }
        var options = HTTPClientOptions()
        options.maximumConnections = 1
        options.maximumIdle = 1
        let origin = HTTPOrigin(isSecure: endpoint.scheme == .https, host: endpoint.host, port: endpoint.port)
        client = HTTPClient(loop: loop, origin: origin, tls: tls, options: options)
        guard let target = RequestTarget(checking: endpoint.path + "/v1/traces") else {
            preconditionFailure("the loader checks the endpoint")
        }
        var fields: HTTPFields = ["content-type": "application/json", "accept-encoding": "identity"]
        fields.append("user-agent", "headgate")
        if let key = settings.apiKey { _ = fields.append("authorization", checking: "Bearer \(key.reveal())") }
        for header in settings.headers {
            guard let name = HTTPToken(checking: header.name) else { continue }
            _ = fields.append(name, checking: header.value.reveal())
        }
        preamble = client.preamble(method: .post, target: target, fields: fields)
    }

    /// Takes spans to send, or drops and counts them. Any thread.
    nonisolated func add(_ batch: SpanQueue.Batch) {
        queue.add(batch)
        loop.execute { self.assumeIsolated { $0.begin() } }
    }

    /// Sends what is there, each batch once, and drops what cannot be sent within the limit. Returns when that is done; safe to call
    /// twice.
    func close(within limit: Duration) async {
        isClosing = true
        pause?.cancel()
        begin()
        let task = task
        let watch = Task(executorPreference: loop) {
            try? await self.loop.sleep(for: limit)
            if !Task.isCancelled { task?.cancel() }
        }
        await task?.value
        watch.cancel()
        queue.close()
        await client.retire()
    }

    private func begin() {
        guard task == nil else { return }
        task = Task(executorPreference: loop) { await self.run() }
    }

    private func run() async {
        while !Task.isCancelled, let batch = queue.take() { await export(batch) }
        task = nil
    }

    private func export(_ batch: SpanQueue.Batch) async {
        var tries = 0
        while true {
            tries += 1
            switch await send(batch) {
            case .taken(let rejected):
                if failures > 0 { logger.notice("spans exported again") }
                failures = 0
                queue.counts.countExported(batch.count - rejected)
                if rejected > 0 { lose(rejected, .refused, "the collector took the others") }
                return
            case .refused(let reason): return lose(batch.count, .refused, reason)
            case .unavailable(let reason, let retryAfter):
                failures += 1
                guard !isClosing, !Task.isCancelled else { return lose(batch.count, .stopped, reason) }
                guard tries < TraceExporter.mostTries else { return lose(batch.count, .unavailable, reason) }
                await wait(retryAfter)
            }
        }
    }

    /// Pauses before another try; a closing exporter does not wait.
    private func wait(_ retryAfter: Duration?) async {
        let limit = TraceExporter.pause(afterFailures: failures, retryAfter: retryAfter, chance: .random(in: 0...1))
        let pause = Task(executorPreference: loop) { _ = try? await self.loop.sleep(for: limit) }
        self.pause = pause
        if isClosing { pause.cancel() }
        await pause.value
        self.pause = nil
    }

    /// How long to wait before another try.
    ///
    /// - Parameters:
    ///   - retryAfter: what the collector asked for: it gets at least that, up to ten minutes.
    ///   - chance: from 0 to 1; half of the pause goes by it, so that a fleet does not come back in step.
    static func pause(afterFailures failures: Int, retryAfter: Duration?, chance: Double) -> Duration {
        var length = firstPause
        for _ in 1..<min(max(failures, 1), 8) { length = min(length * 2, longestPause) }
        length = length / 2 + length / 2 * chance
        return max(length, min(retryAfter ?? .zero, longestRetryAfter))
    }

    private func send(_ batch: SpanQueue.Batch) async -> Outcome {
        let request = ClientRequest(
            method: .post,
            preamble: preamble,
            body: resource.prefix + batch.bytes + TraceResource.suffix
        )
        var limits = ExchangeLimits()
        limits.connect = settings.timeout
        limits.tls = settings.timeout
        limits.head = settings.timeout
        limits.deadline = .now + settings.timeout
        let response: ClientResponse
        do throws(HTTPClientError) {
            response = try await client.send(request, limits: limits)
        } catch {
            return .unavailable(error.description, retryAfter: nil)
        }
        // The head has said what became of the spans. A body that is too long, late or cut changes nothing about that.
        let body = try? await response.collect(
            maximum: TraceExporter.maximumAnswer,
            before: limits.deadline,
            phase: .timeoutTotal
        )
        return outcome(response.head, body ?? [], batch.count)
    }

    private func outcome(_ head: ResponseHead, _ body: [UInt8], _ count: Int) -> Outcome {
        switch head.status {
        case 200..<300: .taken(rejected: min(count, rejected(in: body)))
        // What OTLP calls retryable; all others would be refused again.
        case 429, 502, 503, 504:
            .unavailable("the collector answered \(head.status)", retryAfter: RetryAfter.duration(in: head.fields))
        default: .refused("the collector answered \(head.status)")
        }
    }

    /// Spans that a collector did not take, though it took the others: `partialSuccess.rejectedSpans`, a number or its text.
    private func rejected(in body: [UInt8]) -> Int {
        guard !body.isEmpty else { return 0 }
        let count = try? reader.read(body) { view -> Int? in
            guard let spans = view["partialSuccess"]?["rejectedSpans"] else { return nil }
            return spans.int ?? spans.string.flatMap { Int($0) }
        }
        return max(0, (count ?? nil) ?? 0)
    }

    private func lose(_ count: Int, _ loss: SpanLoss, _ reason: String) {
        queue.counts.countLost(count, loss)
        guard nextComplaint <= .now else { return }
        nextComplaint = .now + TraceExporter.complaintInterval
        logger.warning("spans lost", metadata: ["count": "\(count)", "why": "\(loss.rawValue)", "reason": "\(reason)"])
    }
}
