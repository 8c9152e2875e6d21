/// A runnable that chooses, for each call and by its config, the one that does the work, and is transparent beyond that: it has no run
/// of its own, and streams, blocks, cancels and batches as the chosen one does.
public protocol SelectingRunnable: AsyncRunnable {
    /// What does the work of a call, and with which config.
    /// - Throws: ``RunError`` `caller_invalid` when the config makes no sense.
    func selected(
        for config: RunConfig
    ) throws -> (runnable: AnyRunnable<Input, InputChunk, Output, Chunk>, config: RunConfig)
}

extension SelectingRunnable {
    /// As the chosen runnable.
    public func invoke(_ input: Input, config: RunConfig) throws -> Output {
        let choice = try selected(for: config)
        return try choice.runnable.invoke(input, config: choice.config)
    }

    /// As the chosen runnable.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        let choice = try selected(for: config)
        return try await choice.runnable.ainvoke(input, config: choice.config)
    }

    /// As the chosen runnable.
    public func stream(_ input: Input, config: RunConfig) -> RunSequence<Chunk> {
        RunSequence {
            let choice = try selected(for: config)
            var iterator = choice.runnable.stream(input, config: choice.config).makeIterator()
            return { try iterator.next() }
        }
    }

    /// As the chosen runnable.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> {
        do {
            let choice = try selected(for: config)
            return choice.runnable.astream(input, config: choice.config)
        } catch {
            return .failing(error)
        }
    }

    /// As the chosen runnable.
    public func transform(_ input: RunSequence<InputChunk>, config: RunConfig) -> RunSequence<Chunk> {
        RunSequence {
            let choice = try selected(for: config)
            var iterator = choice.runnable.transform(input, config: choice.config).makeIterator()
            return { try iterator.next() }
        }
    }

    /// As the chosen runnable.
    public func atransform(_ input: RunStream<InputChunk>, config: RunConfig) -> RunStream<Chunk> {
        do {
            let choice = try selected(for: config)
            return choice.runnable.atransform(input, config: choice.config)
        } catch {
            return .failing(error)
        }
    }
}
