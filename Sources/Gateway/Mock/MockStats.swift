import JSON
import Synchronization
import WorkerPool

/// What a mock server has done, over all its loops. Any thread.
///
/// Counts chat completions only; `requests` is always `completed + cancelled + concurrent`.
public final class MockStats: Sendable {
    private let requestCount = Atomic<Int>(0)
    private let concurrentCount = Atomic<Int>(0)
    private let peakCount = Atomic<Int>(0)
    private let tokenCount = Atomic<Int>(0)
    private let completedCount = Atomic<Int>(0)
    private let cancelledCount = Atomic<Int>(0)
    private let statuses = Locked<[Int: Int]>([:])
    private let trace = Locked<String?>(nil)

    init() {}

    /// Requests begun.
    public var requests: Int { requestCount.load(ordering: .relaxed) }
    /// Requests under way now.
    public var concurrent: Int { concurrentCount.load(ordering: .relaxed) }
    /// The most requests that were under way at once.
    public var peak: Int { peakCount.load(ordering: .relaxed) }
    /// Tokens produced, those of cancelled answers included.
    public var tokens: Int { tokenCount.load(ordering: .relaxed) }
    /// Requests that went as scripted to their end, whatever that was.
    public var completed: Int { completedCount.load(ordering: .relaxed) }
    /// Requests whose client left before that.
    public var cancelled: Int { cancelledCount.load(ordering: .relaxed) }
    /// How many responses had which status.
    public var byStatus: [Int: Int] { statuses.withLock { $0 } }

    func began() {
        requestCount.wrappingAdd(1, ordering: .relaxed)
        let now = concurrentCount.wrappingAdd(1, ordering: .relaxed).newValue
        if now > peakCount.load(ordering: .relaxed) { peakCount.max(now, ordering: .relaxed) }
    }

    func produced(_ count: Int) { tokenCount.wrappingAdd(count, ordering: .relaxed) }

    func answered(_ status: Int) { statuses.withLock { $0[status, default: 0] += 1 } }

    func ended(isCancelled: Bool) {
        if isCancelled {
            cancelledCount.wrappingAdd(1, ordering: .relaxed)
        } else {
            completedCount.wrappingAdd(1, ordering: .relaxed)
        }
        concurrentCount.wrappingSubtract(1, ordering: .relaxed)
    }

    /// The `traceparent` of the latest request that had one.
    public var traceparent: String? { trace.withLock { $0 } }

    func carried(_ traceparent: String) { trace.withLock { $0 = traceparent } }

    /// Begins again at zero. Requests under way count as begun now.
    func reset() {
        let now = concurrentCount.load(ordering: .relaxed)
        requestCount.store(now, ordering: .relaxed)
        peakCount.store(now, ordering: .relaxed)
        tokenCount.store(0, ordering: .relaxed)
        completedCount.store(0, ordering: .relaxed)
        cancelledCount.store(0, ordering: .relaxed)
        statuses.withLock { $0 = [:] }
        trace.withLock { $0 = nil }
    }

    /// Everything as one JSON object.
    ///
    /// - Parameter connections: open ones, and all that were ever accepted.
    func json(connections: (open: Int, accepted: Int)) -> [UInt8] {
        var body: [UInt8] = []
        let numbers: [(StaticString, Int)] = [
            ("{\"requests\":", requests), (",\"concurrent\":", concurrent), (",\"peak\":", peak),
            (",\"tokens\":", tokens),
            (",\"completed\":", completed), (",\"cancelled\":", cancelled), (",\"connections\":", connections.open),
            (",\"accepted\":", connections.accepted),
        ]
        for (key, number) in numbers {
            body.appendRaw(key)
            body.appendJSON(number)
        }
        body.appendRaw(",\"by_status\":{")
        for (place, entry) in byStatus.sorted(by: { $0.key < $1.key }).enumerated() {
            body.appendRaw(place == 0 ? "\"" : ",\"")
            body.appendJSON(entry.key)
            body.appendRaw("\":")
            body.appendJSON(entry.value)
        }
        body.appendRaw("}")
        if let traceparent {
            body.appendRaw(",\"traceparent\":")
            body.appendJSON(traceparent)
        }
        body.appendRaw("}")
        return body
    }
}
