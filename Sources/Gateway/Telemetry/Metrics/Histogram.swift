import Runnable

/// Upper bounds of a histogram's buckets.
struct BucketBounds: Sendable {
    /// In the unit that is observed, ascending.
    let limits: [Int]
    /// The same as a label's value, in the metric's unit.
    let texts: [String]
    /// What is observed, per unit of the metric.
    let scale: Int

    /// - Parameters:
    ///   - limits: in the metric's unit.
    ///   - scale: 1,000,000,000 where nanoseconds are observed and seconds are shown.
    init(_ limits: [Double], scale: Int = 1) {
        self.limits = limits.map { Int(($0 * Double(scale)).rounded()) }
        texts = limits.map { "\($0)" }
        self.scale = scale
    }

    /// The bucket of a value: the first whose bound is not below it.
    func bucket(of value: Int) -> Int {
        // Few bounds, and most values are among the first: a search by halves is no faster.
        var place = 0
        while place < limits.count, value > limits[place] { place += 1 }
        return place
    }
}

extension BucketBounds {
    private static func seconds(_ limits: [Double]) -> BucketBounds { BucketBounds(limits, scale: 1_000_000_000) }

    /// Of `gen_ai.server.request.duration` and `gen_ai.client.operation.duration`: OpenTelemetry's semantic conventions for generative AI.
    static let duration = seconds([
        0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
    ])
    /// Of `gen_ai.server.time_to_first_token`: the same source.
    static let firstToken = seconds([
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ])
    /// Of `gen_ai.server.time_per_output_token`: the same source.
    static let perToken = seconds([0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5])
    /// Of `gen_ai.client.token.usage`: the same source.
    static let tokens = BucketBounds([
        1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
    ])
    /// Of waits that should be short: for a connection, for a turn of the loop.
    static let waits = seconds([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
}

/// Counts of observed values by bucket, and their sum. Plain integers, no locks.
struct Histogram: Sendable, Equatable {
    /// Observations by bucket, the last of them beyond all bounds.
    private(set) var counts: [Int]
    /// Of all values, in the unit that is observed; never less than before, even where upstreams count nonsense.
    private(set) var sum = 0

    /// Nothing observed yet.
    init(_ bounds: BucketBounds) { counts = [Int](repeating: 0, count: bounds.limits.count + 1) }

    /// Adds a value.
    /// - Parameter bounds: what the histogram was made with.
    /// - Returns: its bucket.
    @discardableResult
    mutating func observe(_ value: Int, _ bounds: BucketBounds) -> Int {
        let place = bounds.bucket(of: value)
        counts[place] &+= 1
        sum = sum.addingClamped(value)
        return place
    }

    /// Adds what another one with the same bounds has.
    mutating func add(_ other: Histogram) {
        for place in counts.indices { counts[place] &+= other.counts[place] }
        sum = sum.addingClamped(other.sum)
    }

    /// All observations.
    var count: Int { counts.reduce(0, &+) }
}

extension Histogram? {
    /// Adds a value, making the histogram where there is none yet.
    @discardableResult
    mutating func observe(_ value: Int, _ bounds: BucketBounds) -> Int {
        if self == nil { self = Histogram(bounds) }
        return self?.observe(value, bounds) ?? 0
    }

    mutating func add(_ other: Histogram?) {
        guard let other else { return }
        if self == nil { self = other } else { self?.add(other) }
    }
}
