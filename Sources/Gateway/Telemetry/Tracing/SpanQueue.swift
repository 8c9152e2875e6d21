import Synchronization
import WorkerPool

/// Why spans never reached the collector. A closed set, so that it can be a metric's label.
public enum SpanLoss: String, Sendable, CaseIterable {
    /// Too many waited for the collector already.
    case queueFull = "queue_full"
    /// The collector could not be reached, or asked to wait, until there were no tries left.
    case unavailable
    /// The collector refused them.
    case refused
    /// The program ended, or was given another collector, before they were sent.
    case stopped
}

/// What became of spans, since the start. Any thread.
public final class SpanCounts: Sendable {
    private let exportedCount = Atomic<Int>(0)
    private let queueFull = Atomic<Int>(0)
    private let unavailable = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)
    private let stopped = Atomic<Int>(0)

    /// Spans that the collector took.
    public var exported: Int { exportedCount.load(ordering: .relaxed) }

    /// Spans that were lost for one reason.
    public func lost(_ reason: SpanLoss) -> Int {
        switch reason {
        case .queueFull: queueFull.load(ordering: .relaxed)
        case .unavailable: unavailable.load(ordering: .relaxed)
        case .refused: refused.load(ordering: .relaxed)
        case .stopped: stopped.load(ordering: .relaxed)
        }
    }

    /// Spans that were lost.
    public var lost: Int { SpanLoss.allCases.reduce(0) { $0 + lost($1) } }

    func countExported(_ count: Int) { exportedCount.wrappingAdd(count, ordering: .relaxed) }

    func countLost(_ count: Int, _ reason: SpanLoss) {
        switch reason {
        case .queueFull: queueFull.wrappingAdd(count, ordering: .relaxed)
        case .unavailable: unavailable.wrappingAdd(count, ordering: .relaxed)
        case .refused: refused.wrappingAdd(count, ordering: .relaxed)
        case .stopped: stopped.wrappingAdd(count, ordering: .relaxed)
        }
    }
}

/// Spans that wait for the collector: bounded in their number and in bytes. Any thread; what does not fit is counted and dropped.
final class SpanQueue: Sendable {
    /// Spans with commas between them.
    struct Batch {
        var bytes: [UInt8]
        var count: Int
    }

    private struct State {
        var batches: [Batch] = []
        var count = 0
        var bytes = 0
        var isClosed = false
    }

    /// A request to the collector holds about this many bytes at most, unless one of a loop's batches alone is larger.
    static let requestSize = 512 << 10

    let counts: SpanCounts
    private let maximumCount: Int
    private let maximumBytes: Int
    private let state = Locked(State())

    init(maximumCount: Int, maximumBytes: Int, counts: SpanCounts) {
        self.maximumCount = maximumCount
        self.maximumBytes = maximumBytes
        self.counts = counts
    }

    /// Adds spans.
    func add(_ batch: Batch) {
        let loss = state.withLock { state -> SpanLoss? in
            if state.isClosed { return .stopped }
            guard state.count + batch.count <= maximumCount, state.bytes + batch.bytes.count <= maximumBytes else {
                return .queueFull
            }
            state.batches.append(batch)
            state.count += batch.count
            state.bytes += batch.bytes.count
            return nil
        }
        if let loss { counts.countLost(batch.count, loss) }
    }

    /// Takes the oldest, as many as make one request; nil when there are none.
    func take() -> Batch? {
        state.withLock { state in
            guard var taken = state.batches.first else { return nil }
            var used = 1
            while used < state.batches.count {
                let next = state.batches[used]
                guard taken.bytes.count + next.bytes.count < SpanQueue.requestSize else { break }
                taken.bytes.append(UInt8(ascii: ","))
                taken.bytes.append(contentsOf: next.bytes)
                taken.count += next.count
                used += 1
            }
            for batch in state.batches[..<used] {
                state.count -= batch.count
                state.bytes -= batch.bytes.count
            }
            state.batches.removeFirst(used)
            return taken
        }
    }

    /// Takes no more, and drops what is left.
    func close() {
        let left = state.withLock { state in
            let left = state.count
            state = State(isClosed: true)
            return left
        }
        if left > 0 { counts.countLost(left, .stopped) }
    }
}
