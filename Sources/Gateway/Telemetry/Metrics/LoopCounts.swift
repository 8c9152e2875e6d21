import EventLoop
import Providers
import Runnable

/// What one loop has counted of the requests to one endpoint of a route.
struct RequestCounts: Sendable {
    /// Ended ones, by outcome and class of status.
    private(set) var ended = [Int](
        repeating: 0,
        count: MetricLabels.outcomes.count * MetricLabels.statusClasses.count
    )
    /// Running now.
    var active = 0
    /// Bytes of answers' bodies.
    private(set) var bytes = 0
    /// Inputs of batches.
    private(set) var items = 0
    /// From a request's first byte to the end of its answer, in nanoseconds, by type of error.
    private(set) var durations: [ExemplarHistogram?] = []
    /// To the first content of successful streams.
    private(set) var firstToken: Histogram?
    /// Per token behind the first, of successful streams whose upstream told tokens.
    private(set) var perToken: Histogram?

    /// Counts a request that has ended.
    mutating func add(
        _ record: borrowing AccessRecord,
        _ endpoint: EndpointLabel,
        _ exemplar: Exemplar.Name,
        at time: MonotonicTime
    ) {
        let status = MetricLabels.statusClass(record.status)
        ended[record.outcome.place * MetricLabels.statusClasses.count + status] &+= 1
        bytes &+= record.bytes
        guard endpoint.isRun else { return }
        items &+= record.items ?? 0
        let total = Int(record.total.wholeNanoseconds)
        let error =
            record.outcome == .clientGone ? MetricLabels.errorType(.clientGone) : MetricLabels.errorType(record.error)
        if durations.isEmpty { durations = Array(repeating: nil, count: MetricLabels.errorTypes.count) }
        if durations[error] == nil { durations[error] = ExemplarHistogram(.duration) }
        durations[error]?.observe(total, .duration, exemplar, at: time)
        guard endpoint.isStream, error == 0, let first = record.firstToken else { return }
        let wait = Int(first.wholeNanoseconds)
        firstToken.observe(wait, .firstToken)
        guard let tokens = record.outputTokens, tokens > 1 else { return }
        perToken.observe((total - wait) / (tokens - 1), .perToken)
    }

    /// Adds what another loop has.
    mutating func add(_ other: RequestCounts) {
        for place in ended.indices { ended[place] &+= other.ended[place] }
        active &+= other.active
        bytes &+= other.bytes
        items &+= other.items
        firstToken.add(other.firstToken)
        perToken.add(other.perToken)
        if durations.isEmpty {
            durations = other.durations
        } else {
            for (place, histogram) in other.durations.enumerated() {
                guard let histogram else { continue }
                if durations[place] == nil { durations[place] = histogram } else { durations[place]?.add(histogram) }
            }
        }
    }
}

/// What one loop has counted of the calls to one model of a backend.
struct CallCounts: Sendable {
    /// Under way now.
    var active = 0
    /// From beginning to end, in nanoseconds, by type of error.
    private(set) var durations: [Histogram?] = []
    /// To the first content of streams.
    private(set) var firstChunk: Histogram?
    /// By type of token.
    private(set) var tokens: [Histogram?] = []
    /// Waiting for a connection to come free.
    private(set) var queue: Histogram?
    /// Resolving, connecting and TLS, of calls that opened a connection.
    private(set) var connect: Histogram?

    /// Counts a call that has ended.
    mutating func add(_ call: ModelCall) {
        guard let end = call.ended else { return }
        if durations.isEmpty {
            durations = Array(repeating: nil, count: MetricLabels.errorTypes.count)
            tokens = Array(repeating: nil, count: MetricLabels.tokenTypes.count)
        }
        durations[MetricLabels.errorType(call.error)].observe(
            Int((end - call.began).wholeNanoseconds),
            .duration
        )
        if call.isStream, let first = call.firstContent {
            firstChunk.observe(Int((first - call.began).wholeNanoseconds), .duration)
        }
        queue.observe(Int(call.queue.wholeNanoseconds), .waits)
        let connecting = Int(call.connect.wholeNanoseconds)
        if connecting > 0 { connect.observe(connecting, .waits) }
        guard let usage = call.usage else { return }
        tokens[0].observe(usage.inputTokens, .tokens)
        tokens[1].observe(usage.outputTokens, .tokens)
        if let count = usage.inputTokenDetails?["cache_read"] { tokens[2].observe(count, .tokens) }
        if let count = usage.outputTokenDetails?["reasoning"] { tokens[3].observe(count, .tokens) }
    }

    /// Adds what another loop has.
    mutating func add(_ other: CallCounts) {
        active &+= other.active
        Self.add(other.durations, to: &durations)
        Self.add(other.tokens, to: &tokens)
        firstChunk.add(other.firstChunk)
        queue.add(other.queue)
        connect.add(other.connect)
    }

    private static func add(_ others: [Histogram?], to histograms: inout [Histogram?]) {
        guard !histograms.isEmpty else { return histograms = others }
        for (place, other) in others.enumerated() { histograms[place].add(other) }
    }
}

/// What one loop has counted of the steps of one route.
struct StepCounts: Sendable {
    /// Calls beyond the first of `retry`.
    var retries = 0
    /// Calls of `fallbacks`.
    var fallbacks = 0
}
