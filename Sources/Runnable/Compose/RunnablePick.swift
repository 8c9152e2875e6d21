/// Takes an object and gives the value under a key, or an object of some of its keys.
///
/// - Streams: what is picked from every piece of the input, when it is asked for; nothing for a piece that gives null.
/// - Blocks: nothing. Cancels: dropping the iterator drops that of the input. Retries nothing.
/// - Errors: `caller_invalid` (422) for an input that is no object.
public struct RunnablePick: AsyncRunnable {
    /// What it takes.
    public typealias Input = RunValue
    /// What it makes.
    public typealias Output = RunValue

    private let keys: [String]
    private let isSingle: Bool

    /// `RunnablePick<a,b>` with the keys.
    public var name: String { "RunnablePick<\(keys.joined(separator: ","))>" }

    /// The value under `key`, null when there is none.
    public init(_ key: String) {
        keys = [key]
        isSingle = true
    }

    /// An object of those keys that there are, in the order given here; null when there is none of them.
    public init(_ keys: [String]) {
        self.keys = keys
        isSingle = false
    }

    /// What is picked.
    public func invoke(_ input: RunValue, config: RunConfig) throws -> RunValue {
        try RunScope(name, .chain, config).run(input) { _ in try pick(from: input) }
    }

    /// What is picked.
    public func ainvoke(_ input: RunValue, config: RunConfig) async throws -> RunValue {
        try RunScope(name, .chain, config).run(input) { _ in try pick(from: input) }
    }

    /// What is picked, unless it is null.
    public func astream(_ input: RunValue, config: RunConfig) -> RunStream<RunValue> {
        RunScope(name, .chain, config).streaming(input) { _ in picks(from: .elements([input])) }
    }

    /// What is picked from each piece, unless it is null.
    public func atransform(_ input: RunStream<RunValue>, config: RunConfig) -> RunStream<RunValue> {
        RunScope(name, .chain, config).transforming(input) { input, _ in picks(from: input) }
    }

    private func picks(from pieces: RunStream<RunValue>) -> RunStream<RunValue> {
        pieces.compactMapElements { piece in
            let picked = try pick(from: piece)
            return picked.isNull ? Optional.none : picked  // a plain nil would be JSON's
        }
    }

    private func pick(from input: RunValue) throws -> RunValue {
        switch input {
        case .value(.object), .object: break
        default: throw RunError(.callerInvalid, "pick needs an object, not \(input.typeName)", status: 422)
        }
        if isSingle { return input[keys[0]] ?? .null }
        var picked = RunValue.Members()
        for key in keys { picked[key] = input[key] }
        return picked.isEmpty ? .null : RunValue(picked)
    }
}

extension Runnable where Output == RunValue {
    /// This runnable, whose output must be an object, and then the value under `key`.
    public func picking(_ key: String) -> RunnableSequence<Input, InputChunk, RunValue, RunValue> {
        self | RunnablePick(key)
    }

    /// This runnable, whose output must be an object, and then an object of some keys.
    public func picking(_ keys: [String]) -> RunnableSequence<Input, InputChunk, RunValue, RunValue> {
        self | RunnablePick(keys)
    }
}
