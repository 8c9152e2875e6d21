import Synchronization

/// Whether the service takes requests; shared by all loops.
final class ServiceState: Sendable {
    private let draining = Atomic<Bool>(false)
    private let stopping = Atomic<Bool>(false)

    /// Set once, when the process begins to end, also behind a handover, where the service goes on.
    var isStopping: Bool {
        get { stopping.load(ordering: .relaxed) }
        set { stopping.store(newValue, ordering: .relaxed) }
    }

    /// Set once, when the service begins to stop.
    var isDraining: Bool {
        get { draining.load(ordering: .relaxed) }
        set { draining.store(newValue, ordering: .relaxed) }
    }
}
