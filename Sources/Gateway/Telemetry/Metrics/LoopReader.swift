import EventLoop
import WorkerPool

/// Gets one loop's counters by a short job on the loop, and never waits for it. Any thread.
final class LoopReader: Sendable {
    private struct State {
        var last: LoopSnapshot?
        /// A job is on its way, or stuck with the loop: no other is sent after it.
        var isAsked = false
        var rounds: [ScrapeRound] = []
    }

    let loop: EventLoop
    private let read: @Sendable () -> LoopSnapshot
    private let state = Locked(State())

    /// - Parameter read: reads the counters; called on the loop.
    init(loop: EventLoop, read: @escaping @Sendable () -> LoopSnapshot) {
        self.loop = loop
        self.read = read
    }

    /// Asks the loop; `round` hears of its answer.
    func ask(_ round: ScrapeRound) {
        let asks = state.withLock { state in
            state.rounds.append(round)
            defer { state.isAsked = true }
            return !state.isAsked
        }
        if asks { loop.execute { self.answer() } }
    }

    private func answer() {
        let snapshot = read()
        let rounds = state.withLock { state in
            state.last = snapshot
            state.isAsked = false
            defer { state.rounds = [] }
            return state.rounds
        }
        for round in rounds { round.arrived() }
    }

    /// A round waits no longer: what the loop said last, and how long it has been silent where it owes this very round an answer.
    func result(of round: ScrapeRound) -> MetricsDocument.Loop {
        let (last, isOwed) = state.withLock { state in
            let waiting = state.rounds.count
            state.rounds.removeAll { $0 === round }
            return (state.last, state.rounds.count < waiting)
        }
        let silence = isOwed ? MonotonicTime.now - loop.lastTurn : nil
        return MetricsDocument.Loop(name: loop.name, snapshot: last, silence: silence)
    }
}

/// One scrape's wait for all loops. Any thread.
final class ScrapeRound: Sendable {
    private let state: Locked<(open: Int, continuation: CheckedContinuation<Void, Never>?)>

    /// - Parameter count: how many loops are waited for.
    init(_ count: Int, _ continuation: CheckedContinuation<Void, Never>) {
        state = Locked((count, continuation))
    }

    /// One loop has answered.
    func arrived() {
        finish { state in
            state.open -= 1
            return state.open == 0
        }
    }

    /// The time is up.
    func giveUp() { finish { _ in true } }

    private func finish(
        when isDone: (inout (open: Int, continuation: CheckedContinuation<Void, Never>?)) -> Bool
    ) {
        let continuation = state.withLock { isDone(&$0) ? $0.continuation.take() : nil }
        continuation?.resume()
    }
}
