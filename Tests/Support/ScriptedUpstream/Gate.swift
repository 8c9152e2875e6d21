import Glibc
import WorkerPool

/// Closed until opened, once and for good. Threads wait for it by blocking, tasks by suspending.
public final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Locked(State())
    private let semaphore = Semaphore()

    /// A closed gate.
    public init() {}

    /// Lets everybody through. Opening twice does nothing.
    public func open() {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard !state.isOpen else { return [] }
            state.isOpen = true
            semaphore.post()
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Whether it has been opened.
    public var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Blocks the thread until the gate is open.
    public func block() {
        semaphore.wait()
        semaphore.post()
    }

    /// Suspends the task until the gate is open.
    public func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

/// A POSIX semaphore, first at zero.
final class Semaphore: @unchecked Sendable {  // @unchecked: the semaphore is the synchronisation
    private let raw = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(raw, 0, 0) }

    deinit {
        sem_destroy(raw)
        raw.deallocate()
    }

    func post() { sem_post(raw) }

    func wait() { while sem_wait(raw) != 0 {} }
}
