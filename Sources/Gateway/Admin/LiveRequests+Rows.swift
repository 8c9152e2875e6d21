import EventLoop
import HTTP
import Providers
import Runnable

// Short jobs of a loop that others ask for. On the loop.

extension LiveRequests {
    /// The first `limit` requests in an order. Only these become rows: texts are made for what is shown, not for thousands.
    func rows(_ limit: Int, by order: RequestOrder, at now: MonotonicTime) -> [RequestRow] {
        selected(limit, by: order, at: now).map { RequestRow($0, at: now) }
    }

    /// Keeps the best few in one pass, and sorts these.
    private func selected(_ limit: Int, by order: RequestOrder, at now: MonotonicTime) -> [RunReport] {
        typealias Ranked = (key: Int, report: RunReport)
        var best: [Ranked] = []
        var least = Int.min  // what a request must exceed to be kept, once there are enough
        func cut() {
            best.sort { $0.key > $1.key }
            guard best.count >= limit else { return }
            best.removeLast(best.count - limit)
            least = best.last?.key ?? .max
        }
        for report in reports {
            let key = report.rank(by: order, at: now)
            guard best.count < limit || key > least else { continue }
            best.append((key, report))
            if best.count >= 2 * limit { cut() }
        }
        cut()
        return best.map(\.report)
    }

    /// Requests whose id, or whose run's, begins with `prefix`; of several at most `limit`.
    func matches(_ prefix: String, limit: Int, at now: MonotonicTime) -> [RequestMatch] {
        var prefix = prefix
        return prefix.withUTF8 { prefix in
            var matches: [RequestMatch] = []
            var text: [UInt8] = []
            for report in reports where matches.count < limit {
                text.removeAll(keepingCapacity: true)
                report.runID.append(to: &text)
                let isRun = text.starts(with: prefix)
                guard isRun || report.requestID?.utf8.starts(with: prefix) == true else { continue }
                let isWhole = isRun ? text.count == prefix.count : report.requestID?.utf8.count == prefix.count
                matches.append(
                    RequestMatch(
                        row: RequestRow(report, at: now),
                        isExact: isWhole,
                        runID: report.runID,
                        received: report.received
                    )
                )
            }
            return matches
        }
    }

    /// Ends the request of a match that was made before.
    ///
    /// - Returns: false when it has ended since.
    func kill(_ match: RequestMatch) -> Bool {
        guard let report = reports.first(where: { $0.runID == match.runID && $0.received == match.received }) else {
            return false
        }
        report.run?.response.kill()
        return true
    }

    /// How many answer piece by piece.
    var streamCount: Int { reports.count { $0.run?.method.isStream == true } }
}

/// A request that a prefix of an id leads to.
struct RequestMatch: Sendable {
    let row: RequestRow
    /// Whether the whole id was given.
    let isExact: Bool
    let runID: RunID
    let received: MonotonicTime
}

extension RunReport {
    fileprivate func rank(by order: RequestOrder, at now: MonotonicTime) -> Int {
        switch order {
        case .age: Int((now - received).wholeMicroseconds)
        case .tokens: tokens
        case .waiting: run?.response.pendingBytes ?? 0
        }
    }

    /// Tokens that models have made for this request so far.
    fileprivate var tokens: Int {
        guard let calls, calls.begun > 0 else { return contents }
        return calls.outputTokens
    }

    fileprivate var state: RequestRow.State {
        if run?.response.isBlocked == true { return .blockedOnClient }
        // Of several calls the one that is furthest says most about the request.
        switch calls?.furthest {
        case .streaming: return .streaming
        case .waitingForContent: return .waitingForFirstToken
        case .waitingForHead: return .waitingForHead
        case .queued: return .queued
        case .ended, nil: return .running
        }
    }

    fileprivate var upstream: String? {
        guard let calls, let latest = calls.latestTarget else { return nil }
        // A log that has not kept all of its calls knows no better than the latest.
        let isWhole = calls.begun == calls.calls.count
        let target = isWhole ? calls.calls.last { $0.phase != .ended }?.target ?? latest : latest
        return "\(target.backend)/\(target.model)"
    }
}

extension RequestRow {
    fileprivate init(_ report: RunReport, at now: MonotonicTime) {
        let runID = report.runID.description
        self.runID = runID
        id = report.requestID ?? runID
        route = report.run?.route.settings.path ?? "-"
        endpoint = report.run.map { "\($0.method.name)" } ?? "-"
        upstream = report.upstream
        state = report.state
        age = Int((now - report.received).wholeMilliseconds)
        firstToken = report.firstToken.map { Int($0.wholeMilliseconds) }
        tokens = report.tokens
        calls = report.calls?.begun ?? 0
        activeCalls = report.calls?.active ?? 0
        items = report.items
        pendingBytes = report.run?.response.pendingBytes ?? 0
        client = report.run.map(\.request.peer).map { if case .unix = $0 { "unix" } else { $0.description } } ?? "-"
    }
}

extension RouteTable.RunMethod {
    /// Whether the answer comes piece by piece.
    fileprivate var isStream: Bool {
        switch self {
        case .stream, .streamLog, .streamEvents: true
        case .invoke, .batch: false
        }
    }
}
