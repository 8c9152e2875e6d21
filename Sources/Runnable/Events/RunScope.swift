/// One run of a runnable, from where it begins to where it ends: the way a runnable reports what happens to it.
///
/// Costs nothing when nobody watches. Emits one start and then exactly one end or error.
public struct RunScope: Sendable {
    /// The run's config. What it calls gets a ``RunConfig/child(step:)`` of it.
    public let config: RunConfig
    private let name: String
    private let kind: RunKind

    /// A run of a runnable with a config.
    /// - Parameters:
    ///   - name: what the runnable is called; the config's own name comes before it.
    ///   - kind: what sort of runnable it is.
    public init(_ name: @autoclosure () -> String, _ kind: RunKind, _ config: RunConfig) {
        self.kind = kind
        guard config.isObserved else {
            self.config = config
            self.name = ""
            return
        }
        self.config = config.withRunID()
        self.name = config.runName ?? name()
    }

    /// Whether somebody watches.
    public var isObserved: Bool { config.isObserved }

    /// Reports the beginning. Nil for an input that is not known yet.
    public func start(_ input: @autoclosure () -> RunValue?) {
        if isObserved { emit(.start(input: input())) }
    }

    /// Reports a piece of the output.
    public func stream(_ chunk: @autoclosure () -> RunValue) {
        if isObserved { emit(.stream(chunk: chunk())) }
    }

    /// Reports the end.
    public func end(_ output: @autoclosure () -> RunValue?, input: @autoclosure () -> RunValue?) {
        if isObserved { emit(.end(output: output(), input: input())) }
    }

    /// Reports a failure, to be called before it is thrown on.
    public func fail(_ error: any Error) {
        if isObserved { emit(.error(error)) }
    }

    /// Waits until the observer wants more.
    func ready() async throws {
        if let trace = config.trace { try await trace.observer.ready() }
    }

    private func emit(_ phase: RunEvent.Phase) {
        guard let trace = config.trace, let runID = config.runID else { return }
        trace.observer.observe(
            RunEvent(
                phase: phase,
                name: name,
                kind: kind,
                runID: runID,
                parentIDs: trace.ancestors,
                tags: config.allTags,
                metadata: config.metadata
            )
        )
    }
}

extension RunScope {
    /// Runs `body` as this run: reports its beginning with `input` and its end with what it returns, or its failure.
    public func run<Output: Sendable>(
        _ input: some Sendable,
        _ body: (RunConfig) throws -> Output
    ) throws -> Output {
        guard isObserved else { return try body(config) }
        let input = RunValue(describing: input)
        start(input)
        do {
            let output = try body(config)
            end(RunValue(describing: output), input: input)
            return output
        } catch {
            fail(error)
            throw error
        }
    }

    /// Runs `body` as this run, on the caller's executor.
    public func run<Output: Sendable>(
        _ input: some Sendable,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (RunConfig) async throws -> Output
    ) async throws -> Output {
        guard isObserved else { return try await body(config) }
        let input = RunValue(describing: input)
        start(input)
        do {
            let output = try await body(config)
            end(RunValue(describing: output), input: input)
            return output
        } catch {
            fail(error)
            throw error
        }
    }

    /// A stream as this run's output, for an input that is known: reports each piece.
    public func streaming<Piece: Sendable>(
        _ input: some Sendable,
        _ body: @escaping @Sendable (RunConfig) -> RunStream<Piece>
    ) -> RunStream<Piece> {
        guard isObserved else { return body(config) }
        return RunStream { ObservedSource(self, input: RunValue(describing: input), body) }
    }

    /// A stream as this run's output, made from a stream: begins with the first piece of the input, whose whole is told at the end.
    public func transforming<InputPiece: Sendable, Piece: Sendable>(
        _ input: RunStream<InputPiece>,
        _ body: @escaping @Sendable (RunStream<InputPiece>, RunConfig) -> RunStream<Piece>
    ) -> RunStream<Piece> {
        guard isObserved else { return body(input, config) }
        return RunStream { ObservedTransformSource(self, input, body) }
    }
}
