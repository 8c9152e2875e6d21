import EventLoop

/// One question to several, who answer in their own time: waits for all, but no longer than a limit. On one loop.
final class Round<Answer: Sendable> {
    /// By place; nil where none has come.
    private(set) var answers: [Answer?]
    private var missing: Int
    private var isOver = false
    private var waiter: CheckedContinuation<Void, Never>?

    init(_ count: Int) {
        answers = Array(repeating: nil, count: count)
        missing = count
    }

    /// An answer comes; one that comes too late is dropped.
    func take(_ answer: Answer, at place: Int) {
        guard !isOver, answers[place] == nil else { return }
        answers[place] = answer
        missing -= 1
        if missing == 0 { finish() }
    }

    private func finish() {
        isOver = true
        waiter.take()?.resume()
    }

    /// Returns when all have answered, after `limit`, or when the task is cancelled.
    func wait(_ limit: Duration, on loop: EventLoop, isolation: isolated (any Actor)? = #isolation) async {
        guard missing > 0 else { return }
        let timer = LoopTimer(on: loop) { [unowned self] in finish() }
        timer.arm(after: limit)
        let bound = LoopBound(self, loop: loop)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                _ = isolation
                if isOver { continuation.resume() } else { waiter = continuation }
            }
        } onCancel: {
            loop.execute { bound.value.finish() }
        }
        timer.cancel()
    }
}
