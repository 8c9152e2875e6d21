/// Pieces of one piece of work as child tasks of the caller's that stand or fall together.
///
/// Child tasks inherit the caller's executor preference, task-local values and cancellation.
enum TaskFan {
    /// Runs `work` for 0 to `count` - 1, at most `limit` at once, begun in that order, and returns what each made.
    ///
    /// The first failure keeps more from beginning and cancels all that run; all have ended when this throws. The error thrown is that
    /// with the lowest index of those that failed, where failing counts more than having been cancelled.
    static func run<Output: Sendable>(
        count: Int,
        limit: Int,
        isolation: isolated (any Actor)? = #isolation,
        _ work: @escaping @Sendable (Int) async throws -> Output
    ) async throws -> [Output] {
        var outputs = [Output?](repeating: nil, count: count)
        var failures = FanFailures()
        await withTaskGroup(of: BatchItem<Output>.self) { group in
            _ = isolation  // a closure given to the standard library stays on the actor only if it captures it
            var begun = 0
            func begin() {
                let index = begun
                begun += 1
                group.addTask {
                    do { return BatchItem(index: index, result: .success(try await work(index))) } catch {
                        return BatchItem(index: index, result: .failure(error))
                    }
                }
            }
            while begun < min(limit, count) { begin() }
            while let item = await group.next() {
                switch item.result {
                case .success(let output): outputs[item.index] = output
                case .failure(let error):
                    failures.add(error, at: item.index)
                    group.cancelAll()
                }
                if failures.isEmpty, begun < count, !Task.isCancelled { begin() }
            }
        }
        if !failures.isEmpty { try Task.checkCancellation() }
        try failures.rethrow()
        return try outputs.map { output in
            guard let output else { throw CancellationError() }
            return output
        }
    }
}

/// Which of several errors to report.
struct FanFailures {
    private var first: (index: Int, error: any Error, isCancellation: Bool)?

    var isEmpty: Bool { first == nil }

    mutating func add(_ error: any Error, at index: Int) {
        let isCancelled = isCancellation(error)
        if let first, (first.isCancellation ? 1 : 0, first.index) < (isCancelled ? 1 : 0, index) { return }
        first = (index, error, isCancelled)
    }

    func rethrow() throws {
        if let first { throw first.error }
    }
}
