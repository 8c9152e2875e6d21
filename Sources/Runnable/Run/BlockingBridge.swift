import WorkerPool

/// Waits for asynchronous work on a thread that may block.
enum BlockingBridge {
    /// Runs `work` as a task and blocks the calling thread until it is done.
    ///
    /// The task inherits task-local values. It is cancelled with the pool's work that this thread runs, if any, and what it runs
    /// on threads has a pool of its own then: it must not wait for threads that wait for it.
    static func run<T: Sendable>(_ work: @escaping @Sendable () async throws -> T) throws -> T {
        let outcome = Monitor<Result<T, any Error>?>(nil)
        let task = WorkerPool.withPoolForWaiting {
            Task {
                let result: Result<T, any Error>
                do { result = .success(try await work()) } catch { result = .failure(error) }
                outcome.withLock { $0 = result }
                outcome.signal()
            }
        }
        return try cancelling(task) { try outcome.wait { $0 }.get() }
    }

    static func cancelling<R>(_ task: Task<Void, Never>, _ body: () throws -> R) rethrows -> R {
        guard let work = WorkerPool.current else { return try body() }
        return try work.withHandler({ task.cancel() }, body)
    }

    /// The elements of a stream for a thread that may block; each is pulled when the thread asks for it.
    static func sequence<Element>(of stream: RunStream<Element>) -> RunSequence<Element> {
        RunSequence {
            let pump = StreamPump(stream)
            return { try pump.next() }
        }
    }
}

/// A task that pulls a stream's elements on demand of a blocking thread. Dropping the pump cancels the task.
private final class StreamPump<Element: Sendable> {
    private let exchange: StreamExchange<Element>
    private let task: Task<Void, Never>

    init(_ stream: RunStream<Element>) {
        let exchange = StreamExchange<Element>()
        self.exchange = exchange
        task = WorkerPool.withPoolForWaiting { Task { await exchange.serve(stream) } }
    }

    deinit {
        exchange.drop()
        task.cancel()
    }

    func next() throws -> Element? {
        exchange.demand()
        return try BlockingBridge.cancelling(task) { try exchange.wait().get() }
    }
}

/// Where a blocking thread and the task that pulls for it meet.
private final class StreamExchange<Element: Sendable>: Sendable {
    private struct State {
        var isWanted = false
        var isDropped = false
        var waitingForDemand: UnsafeContinuation<Bool, Never>?
        var result: Result<Element?, any Error>?
    }

    private let monitor = Monitor(State())

    func demand() {
        let waiting = monitor.withLock { state in
            let waiting = state.waitingForDemand.take()
            state.isWanted = waiting == nil
            return waiting
        }
        waiting?.resume(returning: true)
    }

    func wait() -> Result<Element?, any Error> {
        monitor.wait { $0.result.take() }
    }

    func drop() {
        let waiting = monitor.withLock { state in
            state.isDropped = true
            return state.waitingForDemand.take()
        }
        waiting?.resume(returning: false)
    }

    /// Pulls one element for each demand. Dropping the iterator at the end cancels the run.
    func serve(_ stream: RunStream<Element>) async {
        var iterator = stream.makeAsyncIterator()
        while await isDemanded() {
            let result: Result<Element?, any Error>
            do { result = .success(try await iterator.next()) } catch { result = .failure(error) }
            monitor.withLock { $0.result = result }
            monitor.signal()
        }
    }

    /// Waits until an element is asked for; false when nobody will ask any more.
    private func isDemanded() async -> Bool {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Bool, Never>) in
            let answer: Bool? = monitor.withLock { state in
                if state.isDropped { return false }
                if state.isWanted {
                    state.isWanted = false
                    return true
                }
                state.waitingForDemand = continuation
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }
}
