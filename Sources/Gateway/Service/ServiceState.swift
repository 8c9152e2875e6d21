import Synchronization

/// Whether the service takes requests; shared by all loops.
final class ServiceState: Sendable {
    private let draining = Atomic<Bool>(false)

    /// Set once, when the service begins to stop.
    var isDraining: Bool {
        get { draining.load(ordering: .relaxed) }
        set { draining.store(newValue, ordering: .relaxed) }
    }
}
