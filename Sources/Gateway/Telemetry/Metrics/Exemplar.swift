import EventLoop
import Runnable

/// One observation behind a bucket, by which its request is found in the log, or its trace.
struct Exemplar: Sendable {
    /// What it is found by.
    enum Name: Sendable {
        /// The `id` of its access line.
        case request(AccessRecord.ID)
        /// Its sampled trace.
        case trace(high: UInt64, low: UInt64)
    }

    let name: Name
    /// In the unit that is observed.
    let value: Int
    let time: MonotonicTime

    /// Callers' own ids beyond that are left out: OpenMetrics allows 128 characters for all labels of an exemplar.
    static let longestID = 64

    /// The label and its value; nil when there is none that fits.
    var label: (name: String, value: String)? {
        switch name {
        case .request(.run(let id)): return ("request_id", id.description)
        case .request(.text(let text)): return text.utf8.count <= Self.longestID ? ("request_id", text) : nil
        case .trace(let high, let low): return ("trace_id", Self.hexadecimal(high) + Self.hexadecimal(low))
        }
    }

    private static func hexadecimal(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// A histogram that remembers the latest observation of each bucket.
struct ExemplarHistogram: Sendable {
    private(set) var histogram: Histogram
    private(set) var exemplars: [Exemplar?]

    init(_ bounds: BucketBounds) {
        histogram = Histogram(bounds)
        exemplars = [Exemplar?](repeating: nil, count: bounds.limits.count + 1)
    }

    /// Adds a value that `name` is to be remembered for.
    mutating func observe(_ value: Int, _ bounds: BucketBounds, _ name: Exemplar.Name, at time: MonotonicTime) {
        let place = histogram.observe(value, bounds)
        exemplars[place] = Exemplar(name: name, value: value, time: time)
    }

    /// Adds what another one with the same bounds has; of two exemplars the later stays.
    mutating func add(_ other: ExemplarHistogram) {
        histogram.add(other.histogram)
        for (place, exemplar) in other.exemplars.enumerated() {
            guard let exemplar else { continue }
            if let known = exemplars[place], known.time > exemplar.time { continue }
            exemplars[place] = exemplar
        }
    }
}

extension RunReport {
    /// What an observation of this request is found by.
    func exemplar(_ record: borrowing AccessRecord) -> Exemplar.Name { .request(record.requestID) }
}
