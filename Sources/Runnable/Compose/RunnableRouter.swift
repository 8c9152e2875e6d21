/// An input that says which runnable it is for.
public protocol RoutedInput: Sendable {
    /// What that runnable takes.
    associatedtype Payload: Sendable

    /// The runnable's key, and its input.
    /// - Throws: `caller_invalid` when the input does not say.
    func route() throws(RunError) -> (key: String, input: Payload)
}

/// A key and an input.
public struct Routed<Payload: Sendable>: RoutedInput {
    /// Which runnable.
    public var key: String
    /// What it is given.
    public var input: Payload

    /// An input for the runnable with a key.
    public init(_ key: String, _ input: Payload) {
        self.key = key
        self.input = input
    }

    /// Both.
    public func route() throws(RunError) -> (key: String, input: Payload) { (key, input) }
}

extension RunValue: RoutedInput {
    /// The members `key`, a string, and `input` of an object.
    public func route() throws(RunError) -> (key: String, input: RunValue) {
        guard case .value(.string(let key))? = self["key"], let input = self["input"] else {
            throw RunError(.callerInvalid, "a router needs an object with a string `key` and an `input`", status: 422)
        }
        return (key, input)
    }
}

/// Hands each input to the runnable that it names; the input is a ``Routed``, or a ``RunValue`` such as `{"key": "add", "input": 1}`.
///
/// It has no run of its own: events are those of the runnable inside.
///
/// - Streams: the runnable's stream; the whole input is needed before.
/// - Blocks, cancels and retries: as the runnable does.
/// - Errors: `caller_invalid` (422) for an unknown key, in a batch before anything runs.
public struct RunnableRouter<Input: RoutedInput, Output: Sendable, Chunk: Sendable>: Runnable {
    /// `RouterRunnable`, LangChain's name.
    public var name: String { "RouterRunnable" }

    private typealias Target = WholeInputRunnable<Input.Payload, Output, Chunk>

    private let dispatch: Dispatch

    /// Those of all runnables in the order of their keys, each id once.
    public var configurableSpecs: [ConfigurableField] {
        .distinct(dispatch.targets.sorted { $0.key < $1.key }.flatMap(\.value.configurableSpecs))
    }

    /// The runnables by key.
    public init<InputChunk: Sendable>(_ runnables: [String: AnyRunnable<Input.Payload, InputChunk, Output, Chunk>]) {
        dispatch = Dispatch(targets: runnables.mapValues { WholeInputRunnable($0) })
    }

    /// Calls the runnable on the calling thread.
    public func invoke(_ input: Input, config: RunConfig) throws -> Output {
        try dispatch.invoke(input, config: config)
    }

    /// Calls the runnable.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        try await dispatch.ainvoke(input, config: config)
    }

    /// The runnable's stream.
    public func stream(_ input: Input, config: RunConfig) -> RunSequence<Chunk> {
        dispatch.stream(input, config: config)
    }

    /// The runnable's stream.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> {
        dispatch.astream(input, config: config)
    }

    /// The router without the look at all inputs of a batch.
    private struct Dispatch: Runnable {
        let targets: [String: Target]

        func target(of input: Input) throws -> (runnable: Target, input: Input.Payload) {
            let (key, payload) = try input.route()
            guard let runnable = targets[key] else {
                throw RunError(.callerInvalid, "No runnable associated with key '\(key)'", status: 422)
            }
            return (runnable, payload)
        }

        func check(_ inputs: [Input]) throws {
            for input in inputs { _ = try target(of: input) }
        }

        func invoke(_ input: Input, config: RunConfig) throws -> Output {
            let (runnable, input) = try target(of: input)
            return try runnable.invoke(input, config)
        }

        func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
            let (runnable, input) = try target(of: input)
            return try await runnable.ainvoke(input, config)
        }

        func stream(_ input: Input, config: RunConfig) -> RunSequence<Chunk> {
            RunSequence {
                let (runnable, input) = try target(of: input)
                var iterator = runnable.stream(input, config).makeIterator()
                return { try iterator.next() }
            }
        }

        func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> {
            RunStream {
                let (runnable, input) = try target(of: input)
                return try runnable.astream(input, config).makeSource()
            }
        }
    }
}

/// Batches, which look at all keys first.
extension RunnableRouter {
    /// See the requirement; refuses unknown keys before anything runs.
    public func batch(_ inputs: [Input], configs: BatchConfig) throws -> [Output] {
        try dispatch.check(inputs)
        return try dispatch.batch(inputs, configs: configs)
    }

    /// See the requirement; refuses unknown keys before anything runs.
    public func batchResults(_ inputs: [Input], configs: BatchConfig) throws -> [Result<Output, any Error>] {
        try dispatch.check(inputs)
        return try dispatch.batchResults(inputs, configs: configs)
    }

    /// See the requirement; refuses unknown keys before anything runs.
    public func abatch(_ inputs: [Input], configs: BatchConfig) async throws -> [Output] {
        try dispatch.check(inputs)
        return try await dispatch.abatch(inputs, configs: configs)
    }

    /// See the requirement; refuses unknown keys before anything runs.
    public func abatchResults(_ inputs: [Input], configs: BatchConfig) async throws -> [Result<Output, any Error>] {
        try dispatch.check(inputs)
        return try await dispatch.abatchResults(inputs, configs: configs)
    }

    /// See the requirement; refuses unknown keys before anything runs.
    public func batchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool
    ) -> RunSequence<BatchItem<Output>> {
        RunSequence {
            try dispatch.check(inputs)
            var items = dispatch.batchAsCompleted(inputs, configs: configs, returnExceptions: returnExceptions)
                .makeIterator()
            return { try items.next() }
        }
    }

    /// See the requirement; refuses unknown keys before anything runs.
    public func abatchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool
    ) -> RunStream<BatchItem<Output>> {
        RunStream {
            try dispatch.check(inputs)
            return try dispatch.abatchAsCompleted(inputs, configs: configs, returnExceptions: returnExceptions)
                .makeSource()
        }
    }

    /// See the requirement; refuses unknown keys before anything runs.
    public func abatchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool,
        forEach body: (BatchItem<Output>) async throws -> Void
    ) async throws {
        try dispatch.check(inputs)
        try await dispatch.abatchAsCompleted(
            inputs,
            configs: configs,
            returnExceptions: returnExceptions,
            forEach: body
        )
    }
}
