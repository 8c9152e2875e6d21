import EventLoop
import HTTP
import Providers
import Runnable

/// One observation behind a bucket, by which its request is found in the log, or its trace.
struct Exemplar: Sendable {
    /// What it is found by.
    enum Name: Sendable {
        /// The `id` of its access line.
        case request(AccessRecord.ID)
        /// Its sampled trace.
        case trace(TraceID)
    }

    let name: Name
    /// In the unit that is observed.
    let value: Int
    let time: MonotonicTime

    /// Callers' own ids beyond that are left out: OpenMetrics allows 128 characters for all labels of an exemplar.
    static let longestID = 64

    /// The label and its value, which needs no escapes; nil when there is none that fits.
    var label: (name: String, value: String)? {
        switch name {
        case .request(.run(let id)): return ("request_id", id.description)
        case .request(.text(let text)):
            // Not every reader of OpenMetrics knows escapes in exemplars (prometheus_client 0.26 does not).
            let isPlain = text.utf8.allSatisfy { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
            return isPlain && text.utf8.count <= Self.longestID ? ("request_id", text) : nil
        case .trace(let id):
            var digits: [UInt8] = []
            id.append(to: &digits)
            return ("trace_id", String(decoding: digits, as: UTF8.self))
        }
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
    func exemplar(_ record: borrowing AccessRecord) -> Exemplar.Name {
        if let trace = calls?.trace, trace.isRecorded { return .trace(trace.traceID) }
        return .request(record.requestID)
    }
}
