import Synchronization

/// How many retries there may be among many calls: a share of the calls, and a few more.
///
/// In any span of time, at most `ratio` times the calls begun in it, plus `reserve`. So an upstream that fails altogether is asked
/// little more than one that works. Shared by all threads; never waits.
public final class RetryBudget: Sendable {
    /// Thousandths of a retry.
    private let balance: Atomic<Int>
    private let deposit: Int
    private let most: Int

    /// A budget that is full.
    /// - Parameters:
    ///   - ratio: retries for each call. Default a fifth.
    ///   - reserve: what is there at first, and the most that is saved up.
    public init(ratio: Double = 0.2, reserve: Int = 10) {
        precondition(ratio >= 0 && ratio <= 1000 && reserve >= 0 && reserve <= 1_000_000)
        deposit = Int(ratio * 1000)
        most = reserve * 1000
        balance = Atomic(most)
    }

    /// How many retries there could be now.
    public var available: Int { balance.load(ordering: .relaxed) / 1000 }

    /// A call begins, which is not a retry.
    public func noteCall() {
        change { min($0 + deposit, most) }
    }

    /// Takes one retry; false when there is none.
    public func takeRetry() -> Bool {
        change { $0 >= 1000 ? $0 - 1000 : nil }
    }

    @discardableResult
    private func change(_ body: (Int) -> Int?) -> Bool {
        var known = balance.load(ordering: .relaxed)
        while let wanted = body(known) {
            let (isDone, now) = balance.weakCompareExchange(expected: known, desired: wanted, ordering: .relaxed)
            if isDone { return true }
            known = now
        }
        return false
    }
}
