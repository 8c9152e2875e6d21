/// Steps one after the other in a pipeline that is put together at run time: ``RunnableSequence`` for the one type that everything has
/// there, so that nothing is boxed between steps.
///
/// - Streams: pieces pass through every step that can work on pieces, one at a time and only when asked for; a step that needs its
///   whole input is a barrier for what is before it, and what comes after it streams again.
/// - Blocks: `invoke` calls the steps' `invoke` on the calling thread; the other blocking methods wait for the asynchronous ones.
/// - Cancels: dropping a stream's iterator, or cancelling the task, ends the step that is working and all streams before it.
/// - Batches: each input goes through all steps at its own pace; there is no barrier between steps.
/// - Retries nothing.
public struct RunnableValueSequence: AsyncRunnable {
    /// `RunnableSequence`, LangChain's name.
    public var name: String { "RunnableSequence" }

    private let steps: [ValueRunnable]

    /// Steps in order; sequences among them become part of this one.
    /// - Throws: `caller_invalid` (422) for fewer than two.
    public init(_ steps: [ValueRunnable]) throws(RunError) {
        guard steps.count >= 2 else {
            throw RunError(.callerInvalid, "a sequence needs at least two steps, not \(steps.count)", status: 422)
        }
        self.steps = steps.flatMap { ($0.base as? RunnableValueSequence)?.steps ?? [$0] }
    }

    /// The fields of all steps.
    public var configurableSpecs: [ConfigurableField] { .of(steps) }

    /// Hands the input from step to step on the calling thread.
    public func invoke(_ input: RunValue, config: RunConfig) throws -> RunValue {
        try RunScope(name, .chain, config).run(input) { config in
            var value = input
            for place in steps.indices {
                try config.checkpoint()
                value = try steps[place].invoke(value, config: config.child(ofSequenceAt: place))
            }
            return value
        }
    }

    /// Hands the input from step to step.
    public func ainvoke(_ input: RunValue, config: RunConfig) async throws -> RunValue {
        // Apart, as every call of an asynchronous function and its closure costs.
        guard config.isObserved else { return try await run(input, config) }
        return try await RunScope(name, .chain, config).run(input) { try await run(input, $0) }
    }

    private func run(_ input: RunValue, _ config: RunConfig) async throws -> RunValue {
        var value = input
        for place in steps.indices {
            if steps[place].isImmediate {
                value = try steps[place].invoke(value, config: config.child(ofSequenceAt: place))
            } else {
                value = try await steps[place].ainvoke(value, config: config.child(ofSequenceAt: place))
            }
        }
        return value
    }

    /// The last step's stream, fed by the streams of the steps before it.
    public func astream(_ input: RunValue, config: RunConfig) -> RunStream<RunValue> {
        let steps = steps
        return RunScope(name, .chain, config).streaming(input) { config in
            let first = config.child(ofSequenceAt: 0)
            guard config.isObserved else {
                return Self.chain(first: steps[0].astream(input, config: first), steps, config)
            }
            // Watched, the first step is fed by a stream too, and reports its runs as LangChain's do.
            return Self.chain(first: steps[0].atransform(.elements([input]), config: first), steps, config)
        }
    }

    /// The last step's stream, fed by the streams of the steps before it, the first of which works on `input`.
    public func atransform(_ input: RunStream<RunValue>, config: RunConfig) -> RunStream<RunValue> {
        let steps = steps
        return RunScope(name, .chain, config).transforming(input) { input, config in
            Self.chain(first: steps[0].atransform(input, config: config.child(ofSequenceAt: 0)), steps, config)
        }
    }

    private static func chain(
        first: RunStream<RunValue>,
        _ steps: [ValueRunnable],
        _ config: RunConfig
    ) -> RunStream<RunValue> {
        var stream = first
        for place in steps.indices.dropFirst() {
            stream = steps[place].atransform(stream, config: config.child(ofSequenceAt: place))
        }
        return stream
    }
}

extension RunConfig {
    /// The config of a sequence's step, counted from 0. The first one gets the call's arguments, too.
    func child(ofSequenceAt place: Int) -> RunConfig {
        place == 0 ? childWithArguments(step: .sequence(1)) : child(step: .sequence(place + 1))
    }
}
