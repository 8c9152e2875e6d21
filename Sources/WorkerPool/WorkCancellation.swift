/// Whether somebody still wants the result of some blocking work. A thread finds its own in `WorkerPool.current`.
package final class WorkCancellation: Sendable {
    private struct State {
        var isCancelled = false
        var handlers: [Int: @Sendable () -> Void] = [:]
        var nextHandler = 0
    }

    private let parent: WorkCancellation?
    private let state = Locked(State())

    /// - Parameter parent: work that this is a part of: cancelling it cancels this.
    package init(parent: WorkCancellation? = nil) {
        self.parent = parent
    }

    package var isCancelled: Bool { state.withLock { $0.isCancelled } || parent?.isCancelled ?? false }

    /// Calls the handlers on this thread. Further calls do nothing.
    package func cancel() {
        let handlers = state.withLock { state in
            state.isCancelled = true
            defer { state.handlers = [:] }
            return state.handlers
        }
        for handler in handlers.values { handler() }
    }

    /// Runs `body`; calls `handler` as soon as this or a parent is cancelled meanwhile or was before. Twice is possible.
    package func withHandler<R>(_ handler: @escaping @Sendable () -> Void, _ body: () throws -> R) rethrows -> R {
        guard let parent else { return try withOwnHandler(handler, body) }
        return try parent.withHandler(handler) { try withOwnHandler(handler, body) }
    }

    private func withOwnHandler<R>(_ handler: @escaping @Sendable () -> Void, _ body: () throws -> R) rethrows -> R {
        let number: Int? = state.withLock { state in
            guard !state.isCancelled else { return nil }
            defer { state.nextHandler += 1 }
            state.handlers[state.nextHandler] = handler
            return state.nextHandler
        }
        guard let number else {
            handler()
            return try body()
        }
        defer { state.withLock { _ = $0.handlers.removeValue(forKey: number) } }
        return try body()
    }
}
