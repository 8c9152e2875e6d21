/// Takes an object and adds keys to it, or replaces them, with what branches make of the object: LangChain's `assign`.
///
/// - Streams: the pieces of the input pass first, without the computed keys; what is left empty by that is left out. Then come the chunks of
///   the computed keys as the branches make them, from the same pieces, which are kept until then.
/// - Blocks and limits: as the ``RunnableParallel`` of the computed keys does.
/// - Cancels: as the parallel does. Retries nothing.
/// - Errors: `caller_invalid` (422) for an input that is no object.
public struct RunnableAssign: AsyncRunnable {
    /// What it takes.
    public typealias Input = RunValue
    /// What it makes.
    public typealias Output = RunValue

    private let computed: RunnableParallel<RunValue, RunValue>

    /// Those of all computed members, each id once.
    public var configurableSpecs: [ConfigurableField] { computed.configurableSpecs }

    /// `RunnableAssign<a,b>` with the computed keys.
    public var name: String { "RunnableAssign<\(computed.keys.joined(separator: ","))>" }

    /// An object with the given keys computed.
    public init(_ computed: RunnableParallel<RunValue, RunValue>) { self.computed = computed }

    /// An object with one key computed.
    public init(_ key: String, _ runnable: some Runnable<RunValue, some Sendable>) {
        self.init(RunnableParallel<RunValue, RunValue>().adding(key, runnable))
    }

    /// Computes the keys on the calling thread and on threads of its own.
    public func invoke(_ input: RunValue, config: RunConfig) throws -> RunValue {
        try RunScope(name, .chain, config).run(input) { config in
            let object = try Self.members(of: input)
            return Self.merge(object, try computed.invoke(input, config: config.child()))
        }
    }

    /// Computes the keys in child tasks.
    public func ainvoke(_ input: RunValue, config: RunConfig) async throws -> RunValue {
        try await RunScope(name, .chain, config).run(input) { config in
            let object = try Self.members(of: input)
            return Self.merge(object, try await computed.ainvoke(input, config: config.child()))
        }
    }

    /// The input without the computed keys, then their chunks.
    public func astream(_ input: RunValue, config: RunConfig) -> RunStream<RunValue> {
        RunScope(name, .chain, config).streaming(input) { config in
            RunStream { AssignSource(.elements([input]), computed, config) }
        }
    }

    /// The pieces of the input without the computed keys, then their chunks.
    public func atransform(_ input: RunStream<RunValue>, config: RunConfig) -> RunStream<RunValue> {
        RunScope(name, .chain, config).transforming(input) { input, config in
            RunStream { AssignSource(input, computed, config) }
        }
    }

    fileprivate static func members(of input: RunValue) throws -> RunValue.Members {
        if let members = input.members { return members }
        throw RunError(.callerInvalid, "assign needs an object, not \(input.typeName)", status: 422)
    }

    private static func merge(_ members: RunValue.Members, _ computed: RunValue) -> RunValue {
        var members = members
        for member in computed.members?.all ?? [] { members[member.key] = member.value }
        return RunValue(members)
    }
}

private final class AssignSource: RunSource {
    private var input: RunStream<RunValue>.Iterator?
    private let parallel: RunnableParallel<RunValue, RunValue>
    private let config: RunConfig
    private var pieces: [RunValue] = []
    private var computed: RunStream<RunValue>.Iterator?

    init(_ input: RunStream<RunValue>, _ parallel: RunnableParallel<RunValue, RunValue>, _ config: RunConfig) {
        self.input = input.makeAsyncIterator()
        self.parallel = parallel
        self.config = config
    }

    func next() async throws -> RunValue? {
        while let piece = try await input?.next() {
            var members = try RunnableAssign.members(of: piece)
            pieces.append(piece)
            for key in parallel.keys { members[key] = nil }
            if !members.isEmpty { return RunValue(members) }
        }
        if input != nil {
            input = nil
            guard !pieces.isEmpty else { return nil }
            computed = parallel.atransform(.elements(pieces), config: config.child()).makeAsyncIterator()
            pieces = []
        }
        return try await computed?.next()
    }

    func cancel() {
        input?.cancel()
        computed?.cancel()
    }
}

extension Runnable where Output == RunValue {
    /// This runnable, whose output must be an object, and then keys computed from that object.
    public func assigning(
        _ computed: RunnableParallel<RunValue, RunValue>
    ) -> RunnableSequence<Input, InputChunk, RunValue, RunValue> {
        self | RunnableAssign(computed)
    }

    /// This runnable, whose output must be an object, and then one key computed from that object.
    public func assigning(
        _ key: String,
        _ runnable: some Runnable<RunValue, some Sendable>
    ) -> RunnableSequence<Input, InputChunk, RunValue, RunValue> {
        self | RunnableAssign(key, runnable)
    }
}
