import EventLoop
import Runnable

/// Everybody who follows finished requests, with what waits for each. On the admin loop.
final class TailHub {
    /// Half of the admin socket's connections: the others are for whoever asks something.
    static let mostFollowers = 16
    /// Of these for root and the daemon's own user alone.
    static let reservedFollowers = 4

    private var followers: [TailFollower] = []
    private var announcement: [UInt8]?
    private let redact: (String) -> String

    /// - Parameter redact: takes secrets out of texts for operators.
    init(redact: @escaping (String) -> String) { self.redact = redact }

    var count: Int { followers.count }

    func add(_ follower: TailFollower) {
        followers.append(follower)
        if let announcement { follower.announce(announcement) }
    }

    /// Tells every follower, also later ones, that another process serves from now on: it is to be followed as well.
    func handOver(from pid: Int32, to next: Int32) {
        let line = Array("{\"msg\":\"handed_over\",\"from\":\(pid),\"to\":\(next)}\n".utf8)
        announcement = line
        for follower in followers { follower.announce(line) }
    }

    func remove(_ follower: TailFollower) { followers.removeAll { $0 === follower } }

    /// Ends every follower's stream.
    func close() {
        for follower in followers { follower.close() }
    }

    /// Requests of one loop have ended.
    ///
    /// - Parameter dropped: further ones, which this loop was too slow for.
    func take(_ records: [AccessRecord], dropped: Int) {
        if dropped > 0 {
            for follower in followers { follower.drop(dropped) }
        }
        for record in records {
            var line: [UInt8]?
            for follower in followers where follower.filter.matches(record) {
                let bytes = line ?? encoded(record)
                line = bytes
                follower.add(bytes)
            }
        }
    }

    /// As in the log's JSON.
    private func encoded(_ record: AccessRecord) -> [UInt8] {
        var line = LogLine(format: .json, clock: .system)
        line.append(record, record.outcome.level, detail: record.detail.flatMap { $0.isEmpty ? nil : redact($0) })
        return Array(line.bytes)
    }
}

/// Which finished requests somebody wants to see.
struct TailFilter: Sendable, Equatable {
    /// Only this route's.
    var route: String?
    /// Only those that ended so.
    var outcome: AccessRecord.Outcome?
    /// Only those that went wrong: neither `ok` nor left by their client.
    var isErrorsOnly = false

    func matches(_ record: borrowing AccessRecord) -> Bool {
        if let route, record.route != route { return false }
        if let outcome, record.outcome != outcome { return false }
        return !isErrorsOnly || (record.outcome != .ok && record.outcome != .clientGone)
    }
}

/// What waits for one follower: a bounded amount, and a count of what did not fit. On the admin loop.
final class TailFollower {
    /// Bytes that wait; lines beyond are dropped.
    static let longest = 128 << 10

    let filter: TailFilter
    private let loop: EventLoop
    private var bytes: [UInt8] = []
    private var dropped = 0
    private var isClosed = false
    private var waiter: CheckedContinuation<Void, Never>?

    init(_ filter: TailFilter, loop: EventLoop) {
        self.filter = filter
        self.loop = loop
    }

    func add(_ line: [UInt8]) {
        // Once some are lost the rest of the moment is too, so that the note stands where the gap is.
        guard dropped == 0, bytes.count + line.count <= TailFollower.longest else { return drop(1) }
        bytes.append(contentsOf: line)
        wake()
    }

    /// Adds a line that is not lost when many wait.
    func announce(_ line: [UInt8]) {
        bytes.append(contentsOf: line)
        wake()
    }

    func drop(_ count: Int) {
        dropped += count
        wake()
    }

    /// Nothing comes any more.
    func close() {
        isClosed = true
        wake()
    }

    private func wake() {
        waiter.take()?.resume()
    }

    /// What has come since the last call, as lines; nil at the end. Ends early when the task is cancelled.
    func next(isolation: isolated (any Actor)? = #isolation) async -> [UInt8]? {
        let bound = LoopBound(self, loop: loop)
        while bytes.isEmpty, dropped == 0, !isClosed {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    _ = isolation
                    waiter = continuation
                    // Coming here may have taken a turn of the loop.
                    if !bytes.isEmpty || dropped > 0 || isClosed || Task.isCancelled { wake() }
                }
            } onCancel: {
                bound.loop.execute { bound.value.close() }
            }
        }
        guard !bytes.isEmpty || dropped > 0 else { return nil }
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        if dropped > 0 { taken.append(contentsOf: Array("{\"msg\":\"dropped\",\"count\":\(dropped)}\n".utf8)) }
        dropped = 0
        return taken
    }
}
