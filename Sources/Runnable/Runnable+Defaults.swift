import WorkerPool

extension Runnable {
    /// The type's name.
    public var name: String { String(describing: Self.self) }

    /// See the requirement.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        try config.checkpoint()
        let surrounding = RunConfig.current
        do {
            return try await (WorkerPool.substitute ?? .shared).run {
                try RunConfig.$current.withValue(surrounding) {
                    try config.checkpoint()
                    return try self.invoke(input, config: config)
                }
            }
        } catch let error as WorkerPoolError {
            throw RunError(.policyQueue, detail: "worker pool: \(error)", source: .gateway)
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
