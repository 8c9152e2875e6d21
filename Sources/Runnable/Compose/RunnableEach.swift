/// A runnable for every element of a list: the batch of another one, as a runnable. Made with ``Runnable/map()``.
///
/// - Streams: nothing in pieces: one chunk, the whole list, from the whole list.
/// - Blocks: `invoke` is the runnable's `batch`; `ainvoke` its `abatch`, with the limits of those: ``RunConfig/maxConcurrency``.
/// - Cancels: as the batch does, which reports the failure with the lowest index. Retries nothing.
/// - Events: a run of its own, and one below it for each element.
public struct RunnableEach<Element: Sendable, ElementOutput: Sendable>: AsyncRunnable {
    /// What it takes.
    public typealias Input = [Element]
    /// What it makes.
    public typealias Output = [ElementOutput]

    private let runName: String
    /// Those of the runnable inside.
    public let configurableSpecs: [ConfigurableField]
    private let batch: @Sendable ([Element], BatchConfig) throws -> [ElementOutput]
    private let abatch: @Sendable ([Element], BatchConfig) async throws -> [ElementOutput]

    /// `RunnableEach<name>` with the runnable's name.
    public var name: String { "RunnableEach<\(runName)>" }

    /// A runnable for every element.
    public init<R: Runnable>(_ runnable: R) where R.Input == Element, R.Output == ElementOutput {
        let runnable = runnable.erased
        runName = runnable.name
        configurableSpecs = runnable.configurableSpecs
        batch = { try runnable.batch($0, configs: $1) }
        abatch = { try await runnable.abatch($0, configs: $1) }
    }

    /// The batch of the elements, on the calling thread and on threads of its own.
    public func invoke(_ input: [Element], config: RunConfig) throws -> [ElementOutput] {
        try RunScope(name, .chain, config).run(Described(list: input)) { config in
            try batch(input, .shared(config.childWithArguments()))
        }
    }

    /// The batch of the elements.
    public func ainvoke(_ input: [Element], config: RunConfig) async throws -> [ElementOutput] {
        try await RunScope(name, .chain, config).run(Described(list: input)) { config in
            try await abatch(input, .shared(config.childWithArguments()))
        }
    }

    /// A list as events show it.
    private struct Described: RunValueConvertible {
        let list: [Element]
        var runValue: RunValue { RunValue(list.map { RunValue(describing: $0) }) }
    }
}

/// ``RunnableEach`` for pipelines made at run time: takes any list.
struct RunnableEachValue: AsyncRunnable {
    let each: RunnableEach<RunValue, RunValue>

    var configurableSpecs: [ConfigurableField] { each.configurableSpecs }

    var name: String { each.name }

    func invoke(_ input: RunValue, config: RunConfig) throws -> RunValue {
        RunValue(try each.invoke(Self.elements(of: input), config: config))
    }

    func ainvoke(_ input: RunValue, config: RunConfig) async throws -> RunValue {
        RunValue(try await each.ainvoke(Self.elements(of: input), config: config))
    }

    private static func elements(of input: RunValue) throws -> [RunValue] {
        if let elements = input.elements { return elements }
        throw RunError(.callerInvalid, "map needs a list, not \(input.typeName)", status: 422)
    }
}

extension Runnable {
    /// This runnable for every element of a list.
    public func map() -> RunnableEach<Input, Output> { RunnableEach(self) }
}

extension Runnable where Input == RunValue, Output == RunValue {
    /// This runnable for every element of a ``RunValue`` that is a list, anything else is `caller_invalid` (422).
    public func mapValues() -> ValueRunnable { RunnableEachValue(each: RunnableEach(self)).erased }
}
