/// A runnable and others that are called instead, in order, when it failed. Made with ``Runnable/withFallbacks(_:handling:clock:)``.
///
/// - Falls back: on errors that are handled; others are thrown at once. Never on a cancellation, and not when the run's deadline has
///   passed. When all failed the first one's error is thrown, but in a batch each input's last error, as in LangChain.
/// - Streams: as the one that was chosen does. What can be chosen is over with the first piece: a later error is thrown. A stream
///   that ends without any piece counts as failed. The input of a transform is added up first.
/// - Blocks: `invoke` calls on the calling thread; the other blocking methods wait for the asynchronous ones.
/// - Cancels: cancelling, or dropping a stream's iterator, ends the call in progress.
/// - Batches: each input at its own pace; only those that failed are given to the next one.
public struct RunnableFallbacks<Base: Runnable>: AsyncRunnable {
    /// What the runnables inside take.
    public typealias Input = Base.Input
    /// What the runnables inside take in pieces.
    public typealias InputChunk = Base.InputChunk
    /// What the runnables inside make.
    public typealias Output = Base.Output
    /// What the runnables inside stream.
    public typealias Chunk = Base.Chunk

    /// `RunnableWithFallbacks`, LangChain's name, unless it was named.
    public var name = "RunnableWithFallbacks"

    /// Those of all runnables inside.
    public var configurableSpecs: [ConfigurableField] { .of(choices) }

    let choices: [Base.Erased]
    let handles: @Sendable (any Error) -> Bool
    let clock: any RunClock
    /// The input for the next one, given what the one before failed with.
    var inputAfter: @Sendable (Input, any Error) -> Input = { input, _ in input }
    /// Refuses inputs that must not get to any of them.
    var check: @Sendable (Input) throws -> Void = { _ in }
    /// Is told each time that one is called because the one before it failed.
    var onFallback: (@Sendable () -> Void)?
    private var throwsLast = false

    init(_ choices: [Base.Erased], _ handles: @escaping @Sendable (any Error) -> Bool, _ clock: any RunClock) {
        self.choices = choices
        self.handles = handles
        self.clock = clock
    }

    /// Calls one after the other on the calling thread until one succeeds.
    public func invoke(_ input: Input, config: RunConfig) throws -> Output {
        let scope = RunScope(name, .chain, config)
        return try scope.run(input) { config in
            var failures = try Failures(self, input, config)
            for choice in choices {
                do { return try choice.invoke(failures.input, config: config.child()) } catch {
                    try failures.add(error)
                }
            }
            throw failures.verdict
        }
    }

    /// Calls one after the other until one succeeds.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        try await RunScope(name, .chain, config).run(input) { config in
            var failures = try Failures(self, input, config)
            for choice in choices {
                do { return try await choice.ainvoke(failures.input, config: config.child()) } catch {
                    try failures.add(error)
                }
            }
            throw failures.verdict
        }
    }

    /// The stream of the first one that has a first piece.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> {
        RunScope(name, .chain, config).streaming(input) { config in
            RunStream { FallbackSource(choices, try Failures(self, input, config), config) }
        }
    }

    /// What failed so far of one call.
    fileprivate struct Failures {
        private let fallbacks: RunnableFallbacks
        private let deadline: ContinuousClock.Instant?
        private let original: Input
        private var first: (any Error)?
        private var last: (any Error)?
        private var count = 0
        /// What the next one gets.
        private(set) var input: Input

        init(_ fallbacks: RunnableFallbacks, _ input: Input, _ config: RunConfig) throws {
            try fallbacks.check(input)
            self.fallbacks = fallbacks
            self.input = input
            original = input
            deadline = config.deadline
        }

        /// Notes a failure. Throws when nothing more is to be tried.
        mutating func add(_ error: any Error) throws {
            guard !isCancellation(error), !Task.isCancelled, error is NoPieces || fallbacks.handles(error) else {
                throw error
            }
            first = first ?? error
            last = error
            if fallbacks.clock.isPast(deadline) { throw verdict }
            input = fallbacks.inputAfter(original, error)
            count += 1
            if count < fallbacks.choices.count { fallbacks.onFallback?() }
        }

        /// What to throw when all failed.
        var verdict: any Error {
            guard let error = fallbacks.throwsLast ? last : first, !(error is NoPieces) else {
                return RunError(.truncated, detail: "a stream with fallbacks ended without any piece", source: .gateway)
            }
            return error
        }
    }
}

/// A stream that ended without any piece.
private struct NoPieces: Error {}

private final class FallbackSource<Base: Runnable>: RunSource {
    private var choices: ArraySlice<Base.Erased>
    private var failures: RunnableFallbacks<Base>.Failures
    private let config: RunConfig
    private var iterator: RunStream<Base.Chunk>.Iterator?
    private var hasBegun = false

    init(_ choices: [Base.Erased], _ failures: RunnableFallbacks<Base>.Failures, _ config: RunConfig) {
        self.choices = choices[...]
        self.failures = failures
        self.config = config
    }

    func next() async throws -> Base.Chunk? {
        if hasBegun { return try await iterator?.next() }
        return try await first()
    }

    private func first() async throws -> Base.Chunk? {
        while let choice = choices.popFirst() {
            iterator = choice.astream(failures.input, config: config.child()).makeAsyncIterator()
            do {
                guard let piece = try await iterator?.next() else { throw NoPieces() }
                hasBegun = true
                return piece
            } catch {
                iterator = nil
                try failures.add(error)
            }
        }
        throw failures.verdict
    }

    func nextReady() throws -> ReadyElement<Base.Chunk> {
        guard hasBegun else { return .pending }
        return try iterator?.nextReady() ?? .end
    }

    func cancel() { iterator?.cancel() }
}

/// Batches, in which an input's last error is told.
extension RunnableFallbacks {
    private var tellingLast: RunnableFallbacks {
        var copy = self
        copy.throwsLast = true
        return copy
    }

    /// As ``Runnable/abatch(_:configs:)`` by default; an input that fails everywhere throws its last error.
    public func abatch(_ inputs: [Input], configs: BatchConfig) async throws -> [Output] {
        let each = tellingLast
        return try await TaskBatch(inputs, configs) { try await each.ainvoke($0, config: $1) }.outputs()
    }

    /// As ``Runnable/abatchResults(_:configs:)`` by default; an input that fails everywhere has its last error.
    public func abatchResults(_ inputs: [Input], configs: BatchConfig) async throws -> [Result<Output, any Error>] {
        let each = tellingLast
        return try await TaskBatch(inputs, configs) { try await each.ainvoke($0, config: $1) }.results()
    }
}

extension Runnable {
    /// This, and what is called instead when it failed. See ``RunnableFallbacks``.
    /// - Parameters:
    ///   - fallbacks: in the order they are tried.
    ///   - handling: which errors lead to the next one. Default all.
    ///   - clock: what tells whether a run's deadline has passed.
    ///   - onFallback: is told each time that one is called because the one before it failed.
    public func withFallbacks(
        _ fallbacks: [Erased],
        handling: @escaping @Sendable (any Error) -> Bool = { _ in true },
        clock: any RunClock = .system,
        onFallback: (@Sendable () -> Void)? = nil
    ) -> RunnableFallbacks<Self> {
        var runnable = RunnableFallbacks<Self>([erased] + fallbacks, handling, clock)
        runnable.onFallback = onFallback
        return runnable
    }
}

extension Runnable where Input == RunValue {
    /// This, and what is called instead when it failed, being told why.
    ///
    /// Fallbacks get a copy of the input, with the previous error's words under `exceptionKey`: the message of a ``RunError``, the
    /// description of any other error. An input that is not an object is refused with `caller_invalid` before anything is called.
    public func withFallbacks(
        _ fallbacks: [Erased],
        handling: @escaping @Sendable (any Error) -> Bool = { _ in true },
        exceptionKey: String,
        clock: any RunClock = .system
    ) -> RunnableFallbacks<Self> {
        var runnable = withFallbacks(fallbacks, handling: handling, clock: clock)
        runnable.check = { input in
            guard input.members == nil else { return }
            throw RunError(.callerInvalid, "The input must be an object, not \(input.typeName)", status: 422)
        }
        runnable.inputAfter = { input, error in
            var members = input.members ?? .init()
            members[exceptionKey] = .string((error as? RunError)?.message ?? String(describing: error))
            return RunValue(members)
        }
        return runnable
    }
}
