import WorkerPool

/// The items of a batch on threads of its own: never more than `limit` at once, begun in input order.
///
/// Threads have no task; what an item's work sees of cancellation is `WorkerPool.isCurrentWorkCancelled`.
final class ThreadBatch<Input: Sendable, Output: Sendable>: Sendable {
    private struct State {
        var begun = 0
        var ended = 0
        var running: [Int: WorkCancellation] = [:]
        var results: [Result<Output, any Error>?]
        /// Completed items that nobody has taken yet, and how many of them were.
        var completed: [Int] = []
        var taken = 0
        var firstFailure = Int.max
        var isStopped = false
    }

    private let inputs: [Input]
    private let configs: BatchConfig
    private let limit: Int
    private let isFailureFatal: Bool
    private let cancelsEarlier: Bool
    private let work: @Sendable (Input, RunConfig) throws -> Output
    private let monitor: Monitor<State>
    private let surroundingRun = RunConfig.current
    private let surroundingWork = WorkerPool.current

    /// - Parameters:
    ///   - isFailureFatal: whether the first failure keeps further items from beginning; a cancellation always does.
    ///   - cancelsEarlier: whether such a failure cancels all that runs, and not the items after it alone.
    init(
        _ inputs: [Input],
        _ configs: BatchConfig,
        isFailureFatal: Bool,
        cancelsEarlier: Bool = false,
        _ work: @escaping @Sendable (Input, RunConfig) throws -> Output
    ) throws(RunError) {
        limit = min(
            try configs.checkedLimit(inputCount: inputs.count) ?? WorkerPool.defaultThreadCount,
            max(inputs.count, 1)
        )
        self.inputs = inputs
        self.configs = configs
        self.isFailureFatal = isFailureFatal
        self.cancelsEarlier = cancelsEarlier
        self.work = work
        monitor = Monitor(State(results: Array(repeating: nil, count: inputs.count)))
    }

    /// Runs all items and returns their results; items that never began have none. The calling thread works too, so
    /// a batch inside a batch, or on a thread of a full pool, cannot lock up, and a single item runs where it was asked for.
    func run() -> (results: [Result<Output, any Error>?], firstFailure: Int?) {
        // What cannot get a thread is done by the threads there are, in the end by this one.
        try? startThreads(limit - 1)
        drain(isCaller: true)
        return monitor.wait { state in
            guard state.ended == state.begun, state.isStopped || state.begun == self.inputs.count else { return nil }
            return (state.results, state.firstFailure < .max ? state.firstFailure : nil)
        }
    }

    /// Starts the batch on threads, for ``nextCompleted()``.
    func start() throws {
        guard !inputs.isEmpty else { return }
        do { try startThreads(limit) } catch {
            throw RunError(.internal, detail: "no thread for a batch: \(error)")
        }
    }

    /// The next item in completion order, nil when all were taken. Blocks until there is one.
    func nextCompleted() -> BatchItem<Output>? {
        monitor.wait { state in
            if state.taken < state.completed.count {
                let index = state.completed[state.taken]
                state.taken += 1
                guard let result = state.results[index].take() else { preconditionFailure("an item completed twice") }
                return .some(BatchItem(index: index, result: result))
            }
            let isOver = state.ended == state.begun && (state.isStopped || state.begun == self.inputs.count)
            return isOver ? .some(nil) : nil
        }
    }

    /// Begins nothing more, and cancels what runs as far as it asks.
    func stop() { stop(after: -1) }

    /// Blocks until nothing runs any more. Only after ``stop()``.
    func waitForEnd() {
        monitor.wait { $0.ended == $0.begun ? () : nil }
    }

    private func stop(after index: Int) {
        let unwanted = monitor.withLock { state in
            state.isStopped = true
            return state.running.filter { $0.key > index }.map(\.value)
        }
        monitor.broadcast()
        for cancellation in unwanted { cancellation.cancel() }
    }

    private func startThreads(_ count: Int) throws(WorkerPoolError) {
        guard count > 0 else { return }
        // Dropping the pool lets its threads go as soon as they have no work.
        let pool = WorkerPool(name: "batch", maximumThreads: count)
        for started in 0..<count {
            do throws(WorkerPoolError) {
                try pool.submit { [self] in drain(isCaller: false) }
            } catch  where started > 0 {
                return
            }
        }
    }

    private func drain(isCaller: Bool) {
        while let (index, cancellation) = begin() {
            let result = WorkerPool.$current.withValue(cancellation) {
                RunConfig.$current.withValue(surroundingRun) { self.result(at: index) }
            }
            end(index, result)
            if isCaller, Task.isCancelled { stop() }
        }
    }

    private func result(at index: Int) -> Result<Output, any Error> {
        let config = configs.config(at: index)
        return Result {
            try config.checkpoint()
            return try work(inputs[index], config)
        }
    }

    private func begin() -> (Int, WorkCancellation)? {
        let isCancelled = surroundingWork?.isCancelled ?? false
        return monitor.withLock { state in
            if isCancelled { state.isStopped = true }
            guard !state.isStopped, state.begun < inputs.count else { return nil }
            let cancellation = WorkCancellation(parent: surroundingWork)
            defer { state.begun += 1 }
            state.running[state.begun] = cancellation
            return (state.begun, cancellation)
        }
    }

    private func end(_ index: Int, _ result: Result<Output, any Error>) {
        var isFatal = false
        if case .failure(let error) = result { isFatal = isFailureFatal || isCancellation(error) }
        monitor.withLock { state in
            state.ended += 1
            state.running[index] = nil
            state.results[index] = result
            state.completed.append(index)
            if isFatal {
                state.firstFailure = min(state.firstFailure, index)
                state.isStopped = true
            }
        }
        monitor.broadcast()
        if isFatal { stop(after: cancelsEarlier ? -1 : index) }
    }
}
