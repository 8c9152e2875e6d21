import WorkerPool

extension Runnable {
    /// The type's name.
    public var name: String { String(describing: Self.self) }

    /// ``RunKind/chain``.
    public var kind: RunKind { .chain }

    /// False.
    public var isImmediate: Bool { false }

    /// See the requirement.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        try config.checkpoint()
        return try await WorkerPool.runBlocking {
            try config.checkpoint()
            return try self.invoke(input, config: config)
        }
    }

    /// ``invoke(_:config:)`` as part of the surrounding run, if there is one.
    public func invoke(_ input: Input) throws -> Output { try invoke(input, config: .inherited) }

    /// ``ainvoke(_:config:)`` as part of the surrounding run, if there is one.
    public func ainvoke(_ input: Input) async throws -> Output { try await ainvoke(input, config: .inherited) }

    /// ``stream(_:config:)`` as part of the surrounding run, if there is one.
    public func stream(_ input: Input) -> RunSequence<Chunk> { stream(input, config: .inherited) }

    /// ``astream(_:config:)`` as part of the surrounding run, if there is one.
    public func astream(_ input: Input) -> RunStream<Chunk> { astream(input, config: .inherited) }
}

extension Runnable {
    /// See the requirement.
    public func transform(_ input: RunSequence<InputChunk>, config: RunConfig) -> RunSequence<Chunk> {
        RunSequence {
            var output: RunSequence<Chunk>.Iterator?
            var isSummed = false
            return {
                if !isSummed {
                    isSummed = true
                    let sum = PieceSum<InputChunk>.make()
                    try input.forEach { sum.add($0) }
                    output = try sum.whole(as: Input.self).map { self.stream($0, config: config).makeIterator() }
                }
                return try output?.next()
            }
        }
    }

    /// See the requirement.
    public func atransform(_ input: RunStream<InputChunk>, config: RunConfig) -> RunStream<Chunk> {
        RunStream {
            ChainedSource(SummedSource(input) { try $0.whole(as: Input.self) }) { self.astream($0, config: config) }
        }
    }

    /// ``transform(_:config:)`` as part of the surrounding run, if there is one.
    public func transform(_ input: RunSequence<InputChunk>) -> RunSequence<Chunk> {
        transform(input, config: .inherited)
    }

    /// ``atransform(_:config:)`` as part of the surrounding run, if there is one.
    public func atransform(_ input: RunStream<InputChunk>) -> RunStream<Chunk> { atransform(input, config: .inherited) }
}

extension Runnable where Chunk == Output {
    /// One piece: what `invoke` returns.
    public func stream(_ input: Input, config: RunConfig) -> RunSequence<Chunk> {
        .one { try self.invoke(input, config: config) }
    }

    /// One piece: what `ainvoke` returns. Cancelling the iteration cancels the call.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> {
        .one { try await self.ainvoke(input, config: config) }
    }
}
