/// Runnables one after the other: what one makes, the next one takes. Made with `|`.
///
/// - Streams: pieces pass through every step that can work on pieces, one at a time and only when asked for; a step that needs its
///   whole input is a barrier for what is before it, and what comes after it streams again.
/// - Blocks: `invoke` calls the steps' `invoke` on the calling thread; the other blocking methods wait for the asynchronous ones.
/// - Cancels: dropping a stream's iterator, or cancelling the task, ends the step that is working and all streams before it.
/// - Batches: each input goes through all steps at its own pace; there is no barrier between steps.
/// - Retries nothing.
public struct RunnableSequence<Input: Sendable, InputChunk: Sendable, Output: Sendable, Chunk: Sendable>: AsyncRunnable
{
    /// `RunnableSequence`, LangChain's name, unless it was named.
    public var name = "RunnableSequence"

    let steps: [SequenceStep]

    init(steps: [SequenceStep]) {
        precondition(steps.count >= 2)
        self.steps = steps
    }

    /// Hands the input from step to step on the calling thread.
    public func invoke(_ input: Input, config: RunConfig) throws -> Output {
        try RunScope(name, .chain, config).run(input) { config in
            var value: any Sendable = input
            for (place, step) in steps.enumerated() {
                try config.checkpoint()
                value = try step.invoke(value, config.child(ofSequenceAt: place))
            }
            return try output(value)
        }
    }

    /// Hands the input from step to step.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        // Apart, as every call of an asynchronous function and its closure costs.
        guard config.isObserved else { return try await run(input, config) }
        return try await RunScope(name, .chain, config).run(input) { try await run(input, $0) }
    }

    private func run(_ input: Input, _ config: RunConfig) async throws -> Output {
        var value: any Sendable = input
        for place in steps.indices {
            if steps[place].isImmediate {
                value = try steps[place].invoke(value, config.child(ofSequenceAt: place))
            } else {
                value = try await steps[place].ainvoke(value, config.child(ofSequenceAt: place))
            }
        }
        return try output(value)
    }

    private func output(_ value: any Sendable) throws -> Output {
        guard let output = value as? Output else {
            throw RunError(.internal, detail: "the last step gave \(type(of: value)) for \(Output.self)")
        }
        return output
    }

    /// The last step's stream, fed by the streams of the steps before it.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> {
        let steps = steps
        return RunScope(name, .chain, config).streaming(input) { config in
            let first = config.child(ofSequenceAt: 0)
            // Watched, the first step is fed by a stream too, and reports its runs as LangChain's do.
            let stream = config.isObserved ? steps[0].atransformWhole(input, first) : steps[0].astream(input, first)
            return Self.chain(stream, steps, config)
        }
    }

    /// The last step's stream, fed by the streams of the steps before it, the first of which works on `input`.
    public func atransform(_ input: RunStream<InputChunk>, config: RunConfig) -> RunStream<Chunk> {
        let steps = steps
        return RunScope(name, .chain, config).transforming(input) { input, config in
            Self.chain(steps[0].atransform(input, config.child(ofSequenceAt: 0)), steps, config)
        }
    }

    private static func chain(
        _ first: any Sendable,
        _ steps: [SequenceStep],
        _ config: RunConfig
    ) -> RunStream<Chunk> {
        var stream = first
        for place in steps.indices.dropFirst() {
            stream = steps[place].atransform(stream, config.child(ofSequenceAt: place))
        }
        guard let chunks = stream as? RunStream<Chunk> else {
            preconditionFailure("a step's types were checked when the sequence was made")
        }
        return chunks
    }
}

/// A runnable as a step of a sequence, its types forgotten. Only values and whole streams are boxed, never a stream's elements.
final class SequenceStep: Sendable {
    let runnable: any Runnable
    let isImmediate: Bool
    let invoke: @Sendable (any Sendable, RunConfig) throws -> any Sendable
    let ainvoke: @Sendable (any Sendable, RunConfig) async throws -> any Sendable
    /// From the whole input to a stream of the step's chunks.
    let astream: @Sendable (any Sendable, RunConfig) -> any Sendable
    /// From the whole input, too, but as a stream of one element.
    let atransformWhole: @Sendable (any Sendable, RunConfig) -> any Sendable
    /// From a stream of the step's input chunks to one of its chunks.
    let atransform: @Sendable (any Sendable, RunConfig) -> any Sendable

    init<Base: Runnable>(_ runnable: Base) {
        self.runnable = runnable
        isImmediate = runnable.isImmediate
        invoke = { try runnable.invoke(Self.cast($0), config: $1) }
        ainvoke = { try await runnable.ainvoke(Self.cast($0), config: $1) }
        astream = { runnable.astream(Self.cast($0), config: $1) }
        atransformWhole = {
            let whole = RunStream<Base.Input>.elements([Self.cast($0) as Base.Input])
            return runnable.atransform(PieceFitting.fit(whole, to: Base.InputChunk.self), config: $1)
        }
        atransform = { runnable.atransform(Self.cast($0), config: $1) }
    }

    /// A step that takes its stream in another form.
    private init(_ step: SequenceStep, atransform: @escaping @Sendable (any Sendable, RunConfig) -> any Sendable) {
        runnable = step.runnable
        isImmediate = step.isImmediate
        invoke = step.invoke
        ainvoke = step.ainvoke
        astream = step.astream
        atransformWhole = step.atransformWhole
        self.atransform = atransform
    }

    private static func cast<T>(_ value: any Sendable) -> T {
        guard let value = value as? T else {
            preconditionFailure("a step got \(type(of: value)); sequences are made with equal types")
        }
        return value
    }

    /// This step behind one that streams `Previous`.
    func fed<Previous: Sendable, InputChunk: Sendable>(
        by type: Previous.Type,
        in inputType: InputChunk.Type
    ) -> SequenceStep {
        guard Previous.self != InputChunk.self else { return self }
        return SequenceStep(self) { [atransform] stream, config in
            let pieces: RunStream<Previous> = Self.cast(stream)
            return atransform(PieceFitting.fit(pieces, to: InputChunk.self), config)
        }
    }
}

/// Something with steps of its own, which become part of the sequence it is put into.
private protocol HasSteps {
    var steps: [SequenceStep] { get }
}

extension RunnableSequence: HasSteps {}

extension Runnable {
    fileprivate var sequenceSteps: [SequenceStep] {
        let erased = erased
        // A sequence with a name of its own is a run of its own.
        if let sequence = erased.base as? any HasSteps, erased.name == "RunnableSequence" { return sequence.steps }
        return [erased.sequenceStep]
    }
}

/// Both, one after the other; see ``RunnableSequence``. Sequences on either side become part of the new one.
public func | <First: Runnable, Second: Runnable>(
    first: First,
    second: Second
) -> RunnableSequence<First.Input, First.InputChunk, Second.Output, Second.Chunk> where First.Output == Second.Input {
    var rest = second.sequenceSteps
    rest[0] = rest[0].fed(by: First.Chunk.self, in: Second.InputChunk.self)
    return RunnableSequence(steps: first.sequenceSteps + rest)
}

/// A runnable and then a function, as a ``RunnableLambda``.
public func | <First: Runnable, Output: Sendable>(
    first: First,
    function: @escaping @Sendable (First.Output) throws -> Output
) -> RunnableSequence<First.Input, First.InputChunk, Output, Output> {
    first | RunnableLambda(function)
}
