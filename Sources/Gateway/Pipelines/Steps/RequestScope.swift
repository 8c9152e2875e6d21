import Runnable
import WorkerPool

/// What one request has in common, however deep in its pipeline: the tokens that its models took, and permits for calls of models.
///
/// Permits bound all of a request together: items of a batch, elements of maps inside them, branches of parallels inside those. Only calls of
/// models take one, and nothing that holds one waits for another, as a model begins when its whole input is there.
final class RequestScope: Sendable {
    /// The scope of the request that the current task works for.
    @TaskLocal static var current: RequestScope?

    private typealias Waiter = UnsafeContinuation<Void, any Error>

    private struct State {
        var tokens: (input: Int, output: Int)?
        var limit = Int.max
        var held = 0
        /// Who waits for a permit, in order; nil for who gave up.
        var queue: [(ticket: Int, waiter: Waiter?)] = []
        var lastTicket = 0
    }

    private let state = Locked(State())
    private let counts: PermitCounts?

    /// - Parameter counts: counts its permits with those of others.
    init(counts: PermitCounts? = nil) { self.counts = counts }

    // MARK: Tokens

    /// Adds what one answer took.
    func count(_ usage: UsageMetadata?) {
        guard let usage else { return }
        state.withLock { state in
            let sum = state.tokens ?? (0, 0)
            state.tokens = (sum.input.addingClamped(usage.inputTokens), sum.output.addingClamped(usage.outputTokens))
        }
    }

    /// All tokens so far, nil when no model told any.
    var tokens: (input: Int, output: Int)? { state.withLock { $0.tokens } }

    // MARK: Permits

    /// How many calls may be under way at once. To be set before the first one.
    func limit(to count: Int) { state.withLock { $0.limit = count } }

    /// Takes a permit if there is one and nobody waits for it.
    func tryAcquire() -> Bool {
        state.withLock { state in
            guard state.held < state.limit, state.queue.isEmpty else { return false }
            state.held += 1
            counts?.changeHeld(by: 1)
            return true
        }
    }

    /// Takes a permit as soon as it is this one's turn.
    /// - Throws: `CancellationError`.
    func acquire(isolation: isolated (any Actor)? = #isolation) async throws {
        if tryAcquire() { return }
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        try await withTaskCancellationHandler {
            _ = isolation  // a closure given to the standard library stays on the actor only if it captures it
            try await withUnsafeThrowingContinuation { (waiter: Waiter) in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.held < state.limit, state.queue.isEmpty {
                        state.held += 1
                        counts?.changeHeld(by: 1)
                        return .success(())
                    }
                    state.queue.append((ticket, waiter))
                    counts?.changeWaiting(by: 1)
                    return nil
                }
                if let result { waiter.resume(with: result) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let place = state.queue.firstIndex(where: { $0.ticket == ticket }) else { return nil }
                counts?.changeWaiting(by: -1)
                return state.queue.remove(at: place).waiter
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    /// Gives a permit back, to the one who has waited longest.
    func release() {
        let waiter = state.withLock { state -> Waiter? in
            guard !state.queue.isEmpty else {
                state.held -= 1
                counts?.changeHeld(by: -1)
                return nil
            }
            counts?.changeWaiting(by: -1)
            return state.queue.removeFirst().waiter
        }
        waiter?.resume()
    }
}
