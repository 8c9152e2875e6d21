/// The first runnable whose condition holds for the input, or else a default one.
///
/// ```swift
/// RunnableBranch(.when({ $0 > 9 }, large), .when(isOdd, odd), default: small)
/// ```
///
/// - Streams: the taken arm's stream; the whole input is needed before, as the conditions look at it.
/// - Blocks: `invoke` calls conditions and arms on the calling thread.
/// - Cancels: what is running, a condition or the arm. Retries nothing.
/// - Order: conditions one after the other, none after the first that holds.
public struct RunnableBranch<Input: Sendable, Output: Sendable, Chunk: Sendable>: AsyncRunnable {
    /// A condition and what to run when it holds.
    public struct Arm: Sendable {
        let holds: @Sendable (Input, RunConfig) throws -> Bool
        let aholds: @Sendable (Input, RunConfig) async throws -> Bool
        let runnable: WholeInputRunnable<Input, Output, Chunk>

        /// An arm whose condition is a runnable.
        public static func when<Condition: Runnable, R: Runnable>(_ condition: Condition, _ runnable: R) -> Arm
        where Condition.Input == Input, Condition.Output == Bool, R.Input == Input, R.Output == Output, R.Chunk == Chunk
        {
            Arm(
                holds: { try condition.invoke($0, config: $1) },
                aholds: { try await condition.ainvoke($0, config: $1) },
                runnable: WholeInputRunnable(runnable)
            )
        }

        /// An arm whose condition is a runnable of any value; it holds when that is ``RunValue/isTruthy``.
        public static func when<Condition: Runnable, R: Runnable>(_ condition: Condition, _ runnable: R) -> Arm
        where
            Condition.Input == Input,
            Condition.Output == RunValue,
            R.Input == Input,
            R.Output == Output,
            R.Chunk == Chunk
        {
            Arm(
                holds: { try condition.invoke($0, config: $1).isTruthy },
                aholds: { try await condition.ainvoke($0, config: $1).isTruthy },
                runnable: WholeInputRunnable(runnable)
            )
        }

        /// An arm whose condition is a function, as a lambda. It must not block: it runs on the caller's executor. Give a
        /// ``RunnableLambda`` for one that does.
        public static func when<R: Runnable>(
            _ condition: @escaping @Sendable (Input) throws -> Bool,
            _ runnable: R
        ) -> Arm where R.Input == Input, R.Output == Output, R.Chunk == Chunk {
            let (blocking, native) = (
                RunnableLambda(condition), AsyncRunnableLambda { (input: Input) in try condition(input) }
            )
            return Arm(
                holds: { try blocking.invoke($0, config: $1) },
                aholds: { try await native.ainvoke($0, config: $1) },
                runnable: WholeInputRunnable(runnable)
            )
        }
    }

    /// `RunnableBranch`, LangChain's name.
    public var name: String { "RunnableBranch" }

    /// Those of all arms, each id once.
    public var configurableSpecs: [ConfigurableField] {
        .distinct(arms.flatMap(\.runnable.configurableSpecs) + otherwise.configurableSpecs)
    }

    private let arms: [Arm]
    private let otherwise: WholeInputRunnable<Input, Output, Chunk>

    /// A branch of one condition or more, and a default.
    public init<R: Runnable>(_ first: Arm, _ more: Arm..., default runnable: R)
    where R.Input == Input, R.Output == Output, R.Chunk == Chunk {
        arms = [first] + more
        otherwise = WholeInputRunnable(runnable)
    }

    /// A branch of conditions that are known at run time.
    /// - Throws: `caller_invalid` (422) when there is none.
    public init<R: Runnable>(arms: [Arm], default runnable: R) throws(RunError)
    where R.Input == Input, R.Output == Output, R.Chunk == Chunk {
        guard !arms.isEmpty else { throw RunError(.callerInvalid, "a branch needs a condition", status: 422) }
        self.arms = arms
        otherwise = WholeInputRunnable(runnable)
    }

    private struct Choice: Sendable {
        let runnable: WholeInputRunnable<Input, Output, Chunk>
        let config: RunConfig
    }

    /// Calls conditions and the arm on the calling thread.
    public func invoke(_ input: Input, config: RunConfig) throws -> Output {
        try RunScope(name, .chain, config).run(input) { config in
            for (place, arm) in arms.enumerated() {
                try config.checkpoint()
                guard try arm.holds(input, config.child(step: .condition(place + 1))) else { continue }
                return try arm.runnable.invoke(input, config.childWithArguments(step: .branch(place + 1)))
            }
            return try otherwise.invoke(input, config.childWithArguments(step: .branchDefault))
        }
    }

    /// Calls conditions and the arm.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        try await RunScope(name, .chain, config).run(input) { config in
            let choice = try await choose(input, config)
            return try await choice.runnable.ainvoke(input, choice.config)
        }
    }

    /// The stream of the arm.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> {
        RunScope(name, .chain, config).streaming(input) { config in
            RunStream {
                ChainedSource(OneElement { try await choose(input, config) }) { choice in
                    choice.runnable.astream(input, choice.config)
                }
            }
        }
    }

    private func choose(_ input: Input, _ config: RunConfig) async throws -> Choice {
        for (place, arm) in arms.enumerated() {
            try config.checkpoint()
            guard try await arm.aholds(input, config.child(step: .condition(place + 1))) else { continue }
            return Choice(runnable: arm.runnable, config: config.childWithArguments(step: .branch(place + 1)))
        }
        return Choice(runnable: otherwise, config: config.childWithArguments(step: .branchDefault))
    }
}
