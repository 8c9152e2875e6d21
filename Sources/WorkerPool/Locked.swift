import Glibc

/// A state behind a lock: a `pthread_mutex_t`, in one allocation with the state.
///
/// Instead of `Synchronization.Mutex`, whose lock the thread sanitizer does not know on Linux: it reports every use as a race.
package struct Locked<State>: @unchecked Sendable {  // the state is touched with the mutex held only
    private let buffer: ManagedBuffer<State, pthread_mutex_t>

    package init(_ state: sending State) {
        buffer = LockBuffer<State>.create(minimumCapacity: 1) { buffer in
            buffer.withUnsafeMutablePointerToElements { _ = pthread_mutex_init($0, nil) }
            return state
        }
    }

    /// Runs `body` with the lock held. `body` must not come back to this lock.
    package func withLock<R, E: Error>(_ body: (inout State) throws(E) -> R) throws(E) -> R {
        try buffer.withUnsafeMutablePointers { state, mutex throws(E) -> R in
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            return try body(&state.pointee)
        }
    }
}

private final class LockBuffer<State>: ManagedBuffer<State, pthread_mutex_t> {
    deinit {
        withUnsafeMutablePointerToElements { _ = pthread_mutex_destroy($0) }
    }
}
