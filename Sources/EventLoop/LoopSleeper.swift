/// Lets one task sleep on a loop's timer, as often as it likes: the timer is made once, and no thread waits.
///
/// Belongs to one task at a time. May be used from any executor while the loop runs; from the loop's own thread a sleep costs no
/// lock and no wake-up. A task that has been cancelled does not sleep any more.
public final class LoopSleeper: @unchecked Sendable {
    // @unchecked: everything mutable is touched by the loop's thread only

    private let loop: EventLoop
    private var timer: LoopTimer?
    private var continuation: CheckedContinuation<Void, Never>?
    private var isCancelled = false

    /// Makes a sleeper; nothing is allocated on the loop until the first sleep.
    public init(on loop: EventLoop) { self.loop = loop }

    deinit {
        guard let timer else { return }
        if loop.isCurrent {
            timer.cancel()
        } else {
            let bound = LoopBound(timer, loop: loop)
            loop.execute { bound.value.cancel() }
        }
    }

    /// Returns when `time` has come; always suspends, at least until the loop's next turn.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(
        until time: MonotonicTime,
        isolation: isolated (any Actor)? = #isolation
    ) async throws(CancellationError) {
        await withTaskCancellationHandler {
            _ = isolation  // a closure given to the standard library stays on the actor only if it captures it
            await withCheckedContinuation { continuation in
                onLoop { $0.begin(until: time, continuation) }
            }
        } onCancel: {
            onLoop { $0.interrupt() }
        }
        if Task.isCancelled { throw CancellationError() }
    }

    private func begin(until time: MonotonicTime, _ continuation: CheckedContinuation<Void, Never>) {
        precondition(self.continuation == nil, "a LoopSleeper serves one task at a time")
        guard !isCancelled else { return continuation.resume() }
        self.continuation = continuation
        let timer = timer ?? LoopTimer(on: loop) { [unowned self] in wake() }
        self.timer = timer
        timer.arm(at: time)
    }

    private func interrupt() {
        isCancelled = true
        timer?.disarm()
        wake()
    }

    private func wake() {
        let continuation = continuation.take()
        continuation?.resume()
    }

    private func onLoop(_ body: @escaping @Sendable (LoopSleeper) -> Void) {
        if loop.isCurrent { body(self) } else { loop.execute { body(self) } }
    }
}
