import Glibc
import WorkerPool

/// Runs blocking code on a thread of its own, so that the few threads of Swift's pool stay free.
func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        startThread { continuation.resume(with: Result { try body() }) }
    }
}

/// Starts a thread nobody waits for.
func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let context = Unmanaged.passRetained(Work(body)).toOpaque()
    let result = pthread_create(
        &thread,
        nil,
        { context in
            guard let context else { return nil }
            Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
            return nil
        },
        context
    )
    precondition(result == 0, "no thread")
    pthread_detach(thread)
}

/// Happens once or several times; tasks and threads wait for it to have happened often enough.
final class Event: Sendable {
    private struct State {
        var count = 0
        var waiters: [(Int, CheckedContinuation<Void, Never>)] = []
    }

    private let state = Monitor(State())  // and no `Mutex`: the thread sanitizer does not see into that one

    var count: Int { state.withLock { $0.count } }

    func happen() {
        let due = state.withLock { state in
            state.count += 1
            let due = state.waiters.filter { $0.0 <= state.count }
            state.waiters.removeAll { $0.0 <= state.count }
            return due
        }
        state.broadcast()
        for (_, continuation) in due { continuation.resume() }
    }

    /// Waits until it has happened `times` times.
    func wait(_ times: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isDue = state.withLock { state in
                if state.count >= times { return true }
                state.waiters.append((times, continuation))
                return false
            }
            if isDue { continuation.resume() }
        }
    }

    /// The same for a thread.
    func waitOnThread(_ times: Int = 1) {
        state.wait { $0.count >= times ? () : nil }
    }
}

/// A value shared between a test, its handlers and its threads.
final class Shared<Value: Sendable>: Sendable {
    private let state: Monitor<Value>
    init(_ value: Value) { state = Monitor(value) }
    var value: Value { state.withLock { $0 } }
    func with<R: Sendable>(_ body: (inout Value) -> R) -> R { state.withLock(body) }
}

/// Waits for a condition that nothing announces, looking at it again and again without hogging a thread. Ends without it when
/// the test's time is up.
func eventually(_ condition: () async -> Bool) async {
    while await !condition(), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
}
