import Synchronization

/// Permits of pipelines (``RequestScope``) that are held and waited for, in the whole process. Any thread.
final class PermitCounts: Sendable {
    private let heldCount = Atomic<Int>(0)
    private let waitingCount = Atomic<Int>(0)

    /// Held now.
    var held: Int { heldCount.load(ordering: .relaxed) }
    /// Calls that wait for one now.
    var waiting: Int { waitingCount.load(ordering: .relaxed) }

    func changeHeld(by count: Int) { heldCount.add(count, ordering: .relaxed) }
    func changeWaiting(by count: Int) { waitingCount.add(count, ordering: .relaxed) }
}
