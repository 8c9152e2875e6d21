/// A runnable that is natively asynchronous: implement ``ainvoke(_:config:)`` and, when it can stream,
/// ``Runnable/astream(_:config:)``.
///
/// Nothing of it runs on the thread pool. Its blocking methods wait for the asynchronous ones: the calling thread sleeps
/// while a task does the work on the default executor. Do not call them from asynchronous code or on an event loop's
/// thread, where a blocked thread may be the one the work needs.
public protocol AsyncRunnable: Runnable {
    /// Turns `input` into an output without blocking. Should return soon after its task is cancelled and must not
    /// outlive `config.deadline` by more than it takes to notice.
    func ainvoke(_ input: Input, config: RunConfig) async throws -> Output
}

extension AsyncRunnable {
    /// Not a default: it would run `invoke` on the pool, which would wait for `ainvoke`.
    @available(*, unavailable, message: "an AsyncRunnable must implement ainvoke(_:config:)")
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        fatalError("unavailable")
    }

    /// Blocks the calling thread until ``ainvoke(_:config:)`` is done on the default executor.
    public func invoke(_ input: Input, config: RunConfig) throws -> Output {
        try BlockingBridge.run { try await self.ainvoke(input, config: config) }
    }

    /// The elements of ``Runnable/astream(_:config:)``, each pulled by a task when the blocked thread asks for it.
    public func stream(_ input: Input, config: RunConfig) -> RunSequence<Chunk> {
        BlockingBridge.sequence(of: astream(input, config: config))
    }
}

extension AsyncRunnable {
    /// The elements of ``Runnable/atransform(_:config:)``, each pulled by a task when the blocked thread asks for it. The input's
    /// pieces are pulled on the thread pool.
    public func transform(_ input: RunSequence<InputChunk>, config: RunConfig) -> RunSequence<Chunk> {
        BlockingBridge.sequence(of: atransform(RunStream(pulling: input), config: config))
    }
}

/// Blocking batches: the calling thread waits for the asynchronous ones, whose items are tasks and not threads.
extension AsyncRunnable {
    /// Waits for ``Runnable/abatch(_:configs:)``, with its limits.
    public func batch(_ inputs: [Input], configs: BatchConfig) throws -> [Output] {
        try BlockingBridge.run { try await self.abatch(inputs, configs: configs) }
    }

    /// Waits for ``Runnable/abatchResults(_:configs:)``, with its limits.
    public func batchResults(_ inputs: [Input], configs: BatchConfig) throws -> [Result<Output, any Error>] {
        try BlockingBridge.run { try await self.abatchResults(inputs, configs: configs) }
    }

    /// The outcomes of ``Runnable/abatchAsCompleted(_:configs:returnExceptions:)``.
    public func batchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool
    ) -> RunSequence<BatchItem<Output>> {
        BlockingBridge.sequence(of: abatchAsCompleted(inputs, configs: configs, returnExceptions: returnExceptions))
    }
}

extension AsyncRunnable where Chunk == Output {
    /// The elements of ``Runnable/astream(_:config:)``, each pulled by a task when the blocked thread asks for it.
    public func stream(_ input: Input, config: RunConfig) -> RunSequence<Chunk> {
        BlockingBridge.sequence(of: astream(input, config: config))
    }
}
