import WorkerPool

/// Turns a structured loop that delivers elements into something to pull from.
///
/// The loop runs in a task of its own, on the executor that the first puller's task prefers, and waits at every delivery until
/// the element is taken; so does each of its child tasks, if several deliver. Cancelling the source or the task that pulls cancels the loop; a pull returns only after
/// a failed or cancelled loop has ended.
final class CompletionSource<Element: Sendable>: RunSource {
    typealias Deliver = @Sendable (Element) async throws -> Void

    private let produce: @Sendable (_ deliver: @escaping Deliver) async throws -> Void
    private let handoff = Handoff<Element>()
    private var task: Task<Void, Never>?

    init(_ produce: @escaping @Sendable (_ deliver: @escaping Deliver) async throws -> Void) {
        self.produce = produce
    }

    func next() async throws -> Element? {
        try await pull()
    }

    private func pull(isolation: isolated (any Actor)? = #isolation) async throws -> Element? {
        let task = self.task ?? start()
        self.task = task
        let handoff = handoff
        return try await withTaskCancellationHandler {
            _ = isolation  // a closure given to the standard library stays on the actor only if it captures it
            return try await handoff.take()
        } onCancel: {
            task.cancel()
            handoff.giveUp()
        }
    }

    func cancel() {
        task?.cancel()
        handoff.giveUp()
    }

    private func start() -> Task<Void, Never> {
        let produce = produce
        let handoff = handoff
        let executor = withUnsafeCurrentTask { $0?.unownedTaskExecutor?.asTaskExecutor() }
        return Task(executorPreference: executor) {
            do {
                try await produce { try await handoff.give($0) }
                handoff.finish(.success(nil))
            } catch {
                handoff.finish(.failure(error))
            }
        }
    }
}

/// A place for elements between tasks that give, each one at a time, and one that takes.
private final class Handoff<Element: Sendable>: Sendable {
    private typealias Taker = UnsafeContinuation<Element?, any Error>
    private typealias Giver = UnsafeContinuation<Void, any Error>

    private struct State {
        var taker: Taker?
        /// Those who wait with an element, the first come first.
        var givers: [(element: Element, continuation: Giver)] = []
        var end: Result<Element?, any Error>?
        var isGivenUp = false
    }

    private let state = Locked(State())

    /// The next element, nil or an error at the end.
    func take() async throws -> Element? {
        try await withUnsafeThrowingContinuation { (taker: Taker) in
            let (result, giver) = state.withLock { state -> (Result<Element?, any Error>?, Giver?) in
                if !state.givers.isEmpty {
                    let giver = state.givers.removeFirst()
                    return (.success(giver.element), giver.continuation)
                }
                if let end = state.end { return (end, nil) }
                state.taker = taker
                return (nil, nil)
            }
            giver?.resume()
            if let result { taker.resume(with: result) }
        }
    }

    /// Waits until the element is taken. Throws `CancellationError` when nobody will.
    func give(_ element: Element) async throws {
        try await withUnsafeThrowingContinuation { (giver: Giver) in
            let (taker, isGivenUp) = state.withLock { state -> (Taker?, Bool) in
                if state.isGivenUp { return (nil, true) }
                if let taker = state.taker.take() { return (taker, false) }
                state.givers.append((element, giver))
                return (nil, false)
            }
            if let taker {
                taker.resume(returning: element)
                giver.resume()
            } else if isGivenUp {
                giver.resume(throwing: CancellationError())
            }
        }
    }

    func finish(_ end: Result<Element?, any Error>) {
        let taker = state.withLock { state in
            state.end = end
            return state.taker.take()
        }
        taker?.resume(with: end)
    }

    func giveUp() {
        let givers = state.withLock { state in
            state.isGivenUp = true
            defer { state.givers = [] }
            return state.givers
        }
        for giver in givers { giver.continuation.resume(throwing: CancellationError()) }
    }
}
