/// The items of a batch as child tasks of the caller's: never more than `limit` at once, begun in input order.
///
/// Child tasks inherit the caller's executor preference, task-local values and cancellation. All of them have ended when
/// a method here returns or throws.
struct TaskBatch<Input: Sendable, Output: Sendable> {
    let inputs: [Input]
    let configs: BatchConfig
    let limit: Int
    let work: @Sendable (Input, RunConfig) async throws -> Output

    init(
        _ inputs: [Input],
        _ configs: BatchConfig,
        _ work: @escaping @Sendable (Input, RunConfig) async throws -> Output
    ) throws(RunError) {
        self.inputs = inputs
        self.configs = configs
        limit = try configs.checkedLimit(inputCount: inputs.count) ?? max(inputs.count, 1)
        self.work = work
    }

    /// All results in input order. Only a cancellation makes it throw; it cancels the items that still run.
    func results(isolation: isolated (any Actor)? = #isolation) async throws -> [Result<Output, any Error>] {
        var results = [Result<Output, any Error>?](repeating: nil, count: inputs.count)
        try await forEachCompleted { item in
            if let error = item.failure, isCancellation(error) { throw error }
            results[item.index] = item.result
        }
        return try results.map { result in
            guard let result else { throw CancellationError() }
            return result
        }
    }

    /// All outputs in input order, or the error of the failed input with the lowest index.
    ///
    /// A failure stops what comes after its input: nothing more is begun, and the later items that run are cancelled.
    /// Earlier ones go on, as one of them may fail too; that makes the reported error the same every time.
    func outputs(isolation: isolated (any Actor)? = #isolation) async throws -> [Output] {
        var outputs = [Output?](repeating: nil, count: inputs.count)
        var failure: (index: Int, error: any Error)?
        let siblings = SiblingTasks()
        await withTaskGroup(of: BatchItem<Output>.self) { group in
            _ = isolation  // a closure given to the standard library stays on the actor only if it captures it
            var begun = 0
            while begun < min(limit, inputs.count) {
                begin(begun, in: &group, siblings)
                begun += 1
            }
            while let item = await group.next() {
                switch item.result {
                case .success(let output): outputs[item.index] = output
                case .failure(let error) where item.index < failure?.index ?? .max:
                    failure = (item.index, error)
                    siblings.cancel(after: item.index)
                case .failure: break
                }
                if failure == nil, begun < inputs.count, !Task.isCancelled {
                    begin(begun, in: &group, siblings)
                    begun += 1
                }
            }
        }
        if let failure {
            try Task.checkCancellation()
            throw failure.error
        }
        return try outputs.map { output in
            guard let output else { throw CancellationError() }
            return output
        }
    }

    /// Calls `body` with each item as it completes, on the caller's executor. An error of `body` cancels all items and is
    /// thrown when they have ended. Throws `CancellationError` when the caller was cancelled before all items were begun.
    func forEachCompleted(
        isolation: isolated (any Actor)? = #isolation,
        _ body: (BatchItem<Output>) async throws -> Void
    ) async throws {
        let (failure, begun) = await withTaskGroup(of: BatchItem<Output>.self) { group in
            _ = isolation  // a closure given to the standard library stays on the actor only if it captures it
            var begun = 0
            while begun < min(limit, inputs.count) {
                begin(begun, in: &group, nil)
                begun += 1
            }
            var failure: (any Error)?
            while let item = await group.next() {
                guard failure == nil else { continue }
                do { try await body(item) } catch {
                    failure = error
                    group.cancelAll()
                    continue
                }
                if begun < inputs.count, !Task.isCancelled {
                    begin(begun, in: &group, nil)
                    begun += 1
                }
            }
            return (failure, begun)
        }
        if let failure { throw failure }
        if begun < inputs.count { throw CancellationError() }
    }

    private func begin(_ index: Int, in group: inout TaskGroup<BatchItem<Output>>, _ siblings: SiblingTasks?) {
        let input = inputs[index]
        let config = configs.config(at: index)
        let work = work
        group.addTask {
            guard let siblings else { return await Self.item(index, input, config, work) }
            return await withUnsafeCurrentTask { task in
                siblings.enter(index, task)
                defer { siblings.leave(index) }
                return await Self.item(index, input, config, work)
            }
        }
    }

    private static func item(
        _ index: Int,
        _ input: Input,
        _ config: RunConfig,
        _ work: @Sendable (Input, RunConfig) async throws -> Output
    ) async -> BatchItem<Output> {
        do {
            try config.checkpoint()
            return BatchItem(index: index, result: .success(try await work(input, config)))
        } catch {
            return BatchItem(index: index, result: .failure(error))
        }
    }
}
