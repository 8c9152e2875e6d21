extension Runnable {
    /// See the requirement.
    public func batch(_ inputs: [Input], configs: BatchConfig) throws -> [Output] {
        let batch = try ThreadBatch(inputs, configs, isFailureFatal: true) { try self.invoke($0, config: $1) }
        let (results, firstFailure) = batch.run()
        if let firstFailure, let result = results[firstFailure] { _ = try result.get() }
        return try results.map { result in
            guard let result else { throw CancellationError() }
            return try result.get()
        }
    }

    /// See the requirement.
    public func batchResults(_ inputs: [Input], configs: BatchConfig) throws -> [Result<Output, any Error>] {
        let batch = try ThreadBatch(inputs, configs, isFailureFatal: false) { try self.invoke($0, config: $1) }
        let (results, cancelled) = batch.run()
        if let cancelled, let result = results[cancelled] { _ = try result.get() }
        return try results.map { result in
            guard let result else { throw CancellationError() }
            return result
        }
    }

    /// See the requirement.
    public func abatch(_ inputs: [Input], configs: BatchConfig) async throws -> [Output] {
        try await TaskBatch(inputs, configs) { try await self.ainvoke($0, config: $1) }.outputs()
    }

    /// See the requirement.
    public func abatchResults(_ inputs: [Input], configs: BatchConfig) async throws -> [Result<Output, any Error>] {
        try await TaskBatch(inputs, configs) { try await self.ainvoke($0, config: $1) }.results()
    }

    /// See the requirement.
    public func batchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool
    ) -> RunSequence<BatchItem<Output>> {
        RunSequence {
            let batch = try ThreadBatch(inputs, configs, isFailureFatal: !returnExceptions) {
                try self.invoke($0, config: $1)
            }
            try batch.start()
            let stopping = StopOnDrop { batch.stop() }
            return {
                withExtendedLifetime(stopping) {}
                if Task.isCancelled { throw CancellationError() }
                guard let item = batch.nextCompleted() else { return nil }
                if let error = item.failure, !returnExceptions || isCancellation(error) {
                    batch.stop()
                    batch.waitForEnd()
                    throw error
                }
                return item
            }
        }
    }

    /// See the requirement.
    public func abatchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool
    ) -> RunStream<BatchItem<Output>> {
        RunStream {
            CompletionSource { deliver in
                try await self.abatchAsCompleted(
                    inputs,
                    configs: configs,
                    returnExceptions: returnExceptions,
                    forEach: deliver
                )
            }
        }
    }

    /// See the requirement.
    public func abatchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool,
        forEach body: (BatchItem<Output>) async throws -> Void
    ) async throws {
        let batch = try TaskBatch(inputs, configs) { try await self.ainvoke($0, config: $1) }
        try await batch.forEachCompleted { item in
            if let error = item.failure, !returnExceptions || isCancellation(error) { throw error }
            try await body(item)
        }
    }
}

/// The methods as parts of the surrounding run, if there is one.
extension Runnable {
    /// ``batch(_:configs:)`` as part of the surrounding run.
    public func batch(_ inputs: [Input]) throws -> [Output] {
        try batch(inputs, configs: .shared(.inherited))
    }

    /// ``batchResults(_:configs:)`` as part of the surrounding run.
    public func batchResults(_ inputs: [Input]) throws -> [Result<Output, any Error>] {
        try batchResults(inputs, configs: .shared(.inherited))
    }

    /// ``abatch(_:configs:)`` as part of the surrounding run.
    public func abatch(_ inputs: [Input]) async throws -> [Output] {
        try await abatch(inputs, configs: .shared(.inherited))
    }

    /// ``abatchResults(_:configs:)`` as part of the surrounding run.
    public func abatchResults(_ inputs: [Input]) async throws -> [Result<Output, any Error>] {
        try await abatchResults(inputs, configs: .shared(.inherited))
    }
}

/// Calls a function when the last reference to it goes.
private final class StopOnDrop {
    private let stop: () -> Void

    init(_ stop: @escaping () -> Void) { self.stop = stop }

    deinit { stop() }
}
