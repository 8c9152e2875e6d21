import EventLoop
import Providers
import Runnable

/// How the latest calls of one loop ended, for a look at the backends. On the loop.
final class RecentCalls {
    /// Calls that are kept.
    static let longest = 512

    private var calls: [Entry] = []
    private var next = 0

    private struct Entry {
        let target: CallTarget
        let ended: MonotonicTime
        let error: RunError.Code?
    }

    /// A call is over.
    func add(_ call: ModelCall) {
        let entry = Entry(target: call.target, ended: call.ended ?? .now, error: call.error)
        guard calls.count == RecentCalls.longest else { return calls.append(entry) }
        calls[next] = entry
        next = (next + 1) % RecentCalls.longest
    }

    /// How many calls of each backend ended how since `time`: `ok`, or the error's code.
    func outcomes(since time: MonotonicTime) -> [String: [String: Int]] {
        var outcomes: [String: [String: Int]] = [:]
        for call in calls where call.ended >= time {
            outcomes[call.target.backend, default: [:]][call.error?.rawValue ?? "ok", default: 0] += 1
        }
        return outcomes
    }
}
