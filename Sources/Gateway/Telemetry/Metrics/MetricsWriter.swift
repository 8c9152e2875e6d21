import EventLoop
import HTTP

/// How metrics are written.
enum MetricsFormat: Sendable {
    /// Prometheus's text format, version 0.0.4.
    case prometheus
    /// OpenMetrics 1.0, with exemplars.
    case openMetrics

    /// OpenMetrics where `Accept` names it with a weight as good as plain text's; else Prometheus's own.
    static func negotiated(_ fields: HTTPFields) -> MetricsFormat {
        var openMetrics = 0.0
        var text = 0.0
        for range in MediaRange.all(in: fields.values("accept").joined(separator: ",")) {
            switch range.name {
            case "application/openmetrics-text": openMetrics = max(openMetrics, range.weight)
            case "text/plain": text = max(text, range.weight)
            default: continue
            }
        }
        return openMetrics > 0 && openMetrics >= text ? .openMetrics : .prometheus
    }

    var contentType: StaticString {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }
}

/// Writes metrics in one of the formats.
struct MetricsWriter {
    private let format: MetricsFormat
    private let clock: ExemplarClock
    private var family: MetricFamily?
    private(set) var bytes: [UInt8] = []

    /// - Parameter clock: tells when exemplars were observed.
    init(_ format: MetricsFormat, clock: ExemplarClock = ExemplarClock()) {
        self.format = format
        self.clock = clock
    }

    /// Begins a metric; its samples follow.
    mutating func begin(_ family: MetricFamily) {
        self.family = family
        let name = format == .openMetrics ? family.baseName : family.name
        // OpenMetrics wants the unit and the help behind the type, Prometheus does not mind.
        append("# TYPE \(name) \(family.kind.rawValue)\n")
        if format == .openMetrics, let unit = family.unit { append("# UNIT \(name) \(unit)\n") }
        append("# HELP \(name) \(Self.escaped(family.help, quotes: format == .openMetrics)).\n")
    }

    /// One number.
    /// - Parameter labels: values for the metric's labels; nil leaves a label out.
    mutating func sample(_ labels: [String?] = [], _ value: Int) {
        beginSample("", labels)
        append(" \(value)\n")
    }

    /// One number that may have a fraction.
    mutating func sample(_ labels: [String?] = [], _ value: Double) {
        beginSample("", labels)
        append(" \(value)\n")
    }

    /// A whole histogram.
    mutating func histogram(
        _ labels: [String?],
        _ histogram: Histogram,
        _ bounds: BucketBounds,
        exemplars: [Exemplar?] = []
    ) {
        guard let family else { preconditionFailure("a sample without a metric") }
        // Written once for all buckets: they are most of the text.
        var shared: [UInt8] = []
        appendLabels(labels, to: &shared)
        let bucket = Array("\(family.name)_bucket{".utf8) + shared + Array((shared.isEmpty ? "le=\"" : ",le=\"").utf8)
        var sum = 0
        for (place, count) in histogram.counts.enumerated() {
            sum &+= count
            bytes.append(contentsOf: bucket)
            append(place < bounds.texts.count ? bounds.texts[place] : "+Inf")
            append("\"} ")
            append("\(sum)")
            if format == .openMetrics, place < exemplars.count, let exemplar = exemplars[place] {
                append(exemplar, bounds)
            }
            append("\n")
        }
        beginSample("_sum", labels)
        append(" \(Double(histogram.sum) / Double(bounds.scale))\n")
        beginSample("_count", labels)
        append(" \(sum)\n")
    }

    /// Ends the text.
    mutating func end() {
        if format == .openMetrics { append("# EOF\n") }
    }

    private mutating func beginSample(_ ending: String, _ labels: [String?]) {
        guard let family else { preconditionFailure("a sample without a metric") }
        append(family.name)
        append(ending)
        var text: [UInt8] = []
        appendLabels(labels, to: &text)
        guard !text.isEmpty else { return }
        append("{")
        bytes.append(contentsOf: text)
        append("}")
    }

    private func appendLabels(_ labels: [String?], to text: inout [UInt8]) {
        guard let family else { return }
        for (name, value) in zip(family.labels, labels) {
            guard let value else { continue }
            if !text.isEmpty { text.append(UInt8(ascii: ",")) }
            text.append(contentsOf: name.utf8)
            text.append(contentsOf: "=\"".utf8)
            text.append(contentsOf: Self.escaped(value).utf8)
            text.append(UInt8(ascii: "\""))
        }
    }

    private mutating func append(_ exemplar: Exemplar, _ bounds: BucketBounds) {
        guard let label = exemplar.label else { return }
        let value = Double(exemplar.value) / Double(bounds.scale)
        append(" # {\(label.name)=\"\(label.value)\"} \(value) \(clock.text(of: exemplar.time))")
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private static func escaped(_ text: String, quotes: Bool = true) -> String {
        guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x22 || $0 == 0x0A }) else { return text }
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"" where quotes: result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}

/// Turns points of the monotonic clock into seconds since 1970.
struct ExemplarClock: Sendable {
    private let monotonic: MonotonicTime
    private let wall: LogTime

    init(monotonic: MonotonicTime = .now, wall: LogTime = .now) {
        self.monotonic = monotonic
        self.wall = wall
    }

    /// With milliseconds.
    func text(of time: MonotonicTime) -> String {
        let ago = (monotonic - time).wholeMilliseconds
        let milliseconds = wall.seconds * 1000 + Int64(wall.nanoseconds) / 1_000_000 - ago
        let fraction = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}
