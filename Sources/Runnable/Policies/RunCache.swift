import WorkerPool

/// What a call is recognised by when it comes again.
public struct RunCacheKey: Sendable, Hashable {
    /// What the call is about.
    public let input: any Hashable & Sendable
    /// What runnable it goes to.
    public let runnable: String
    /// All that changes the answer beside the input: the model's parameters, stop words and the like.
    public let parameters: Value.Object

    /// A key. Of a ``ChatPrompt`` the messages' ids do not count.
    public init(_ input: some Hashable & Sendable, runnable: String, parameters: Value.Object = [:]) {
        switch input {
        case let prompt as ChatPrompt: self.input = prompt.withoutIDs
        case let value as RunValue:
            if case .prompt(let prompt) = value {
                self.input = RunValue.prompt(prompt.withoutIDs)
            } else {
                self.input = value
            }
        default: self.input = input
        }
        self.runnable = runnable
        self.parameters = parameters
    }

    /// Whether input, runnable and parameters are equal.
    public static func == (left: RunCacheKey, right: RunCacheKey) -> Bool {
        func isEqual<Input: Hashable>(_ input: Input) -> Bool { right.input as? Input == input }
        return left.runnable == right.runnable && left.parameters == right.parameters && isEqual(left.input)
    }

    /// Hashes all of it.
    public func hash(into hasher: inout Hasher) {
        input.hash(into: &hasher)
        hasher.combine(runnable)
        hasher.combine(parameters)
    }
}

extension ChatPrompt {
    fileprivate var withoutIDs: ChatPrompt {
        var prompt = self
        for place in prompt.messages.indices where prompt.messages[place].id != nil { prompt.messages[place].id = nil }
        return prompt
    }
}

/// Keeps outputs of calls. A cache that fails is one that has nothing.
public protocol RunCache<Output>: Sendable {
    /// What it keeps.
    associatedtype Output: Sendable

    /// What was stored, nil when it is not there or no longer.
    func output(for key: RunCacheKey) async -> Output?

    /// Keeps an output, if there is room.
    func store(_ output: Output, for key: RunCacheKey) async
}

/// Keeps outputs in memory, so many and so large altogether; the one stored first goes first, used or not, as in LangChain.
public final class InMemoryRunCache<Output: Sendable>: RunCache {
    private struct Entry {
        let key: RunCacheKey
        let bytes: Int
    }

    private struct State {
        var outputs: [RunCacheKey: Output] = [:]
        /// In the order they were stored. What is before `oldest` is gone, and is swept out now and then.
        var order: [Entry?] = []
        var oldest = 0
        var bytes = 0
    }

    private let maximumSize: Int
    private let maximumBytes: Int
    private let size: @Sendable (RunCacheKey, Output) -> Int
    private let state = Locked(State())

    /// An empty cache.
    /// - Parameters:
    ///   - maximumSize: how many outputs it keeps at most.
    ///   - maximumBytes: how large they may be altogether. What is larger alone is not kept.
    ///   - size: how large one is with its key. Default: about the bytes of its text.
    /// - Throws: ``RunError`` `caller_invalid` for a bound below 1.
    public init(
        maximumSize: Int,
        maximumBytes: Int = .max,
        size: @escaping @Sendable (RunCacheKey, Output) -> Int = {
            RunCacheSize.of($0.input) + RunCacheSize.of(Value.object($0.parameters)) + RunCacheSize.of($1)
        }
    ) throws(RunError) {
        guard maximumSize >= 1, maximumBytes >= 1 else {
            throw RunError(.callerInvalid, "a cache must have room for something")
        }
        self.maximumSize = maximumSize
        self.maximumBytes = maximumBytes
        self.size = size
    }

    /// How many outputs there are.
    public var count: Int { state.withLock { $0.outputs.count } }

    /// What was stored, nil when it is not there or no longer.
    public func output(for key: RunCacheKey) async -> Output? { state.withLock { $0.outputs[key] } }

    /// Keeps an output, in place of what may be there for the key, and lets the oldest go as far as room is needed.
    public func store(_ output: Output, for key: RunCacheKey) async {
        let bytes = size(key, output)
        guard bytes <= maximumBytes else { return }
        state.withLock { state in
            if state.outputs.updateValue(output, forKey: key) != nil { return }
            state.order.append(Entry(key: key, bytes: bytes))
            state.bytes += bytes
            while state.outputs.count > maximumSize || state.bytes > maximumBytes { Self.dropOldest(&state) }
            if state.oldest > 64, state.oldest * 2 > state.order.count {
                state.order.removeFirst(state.oldest)
                state.oldest = 0
            }
        }
    }

    private static func dropOldest(_ state: inout State) {
        guard let entry = state.order[state.oldest].take() else { return }
        state.oldest += 1
        state.bytes -= entry.bytes
        state.outputs[entry.key] = nil
    }
}

/// About how much memory something takes.
public enum RunCacheSize {
    /// The bytes of its text and a little for each part; for a type without a form as ``RunValue`` the size of its head.
    public static func of(_ value: any Sendable) -> Int {
        guard let value = value as? any RunValueConvertible else { return 64 }
        return of(value.runValue)
    }

    static func of(_ value: RunValue) -> Int {
        switch value {
        case .value(let value), .snapshot(let value): of(value)
        case .message(let message): of(message)
        case .chunk(let chunk): of(Message(chunk))
        case .prompt(let prompt): prompt.messages.reduce(32) { $0 + of($1) }
        case .object(let members): members.all.reduce(32) { $0 + 32 + $1.key.utf8.count + of($1.value) }
        case .list(let elements): elements.reduce(32) { $0 + of($1) }
        }
    }

    private static func of(_ message: Message) -> Int {
        let content =
            switch message.content {
            case .text(let text): text.utf8.count
            case .blocks(let blocks): of(Value.array(blocks))
            }
        let calls = message.toolCalls.reduce(0) { $0 + 64 + $1.name.utf8.count + of(.object($1.arguments)) }
        let invalid = message.invalidToolCalls.reduce(0) { $0 + 64 + ($1.arguments?.utf8.count ?? 0) }
        return 128 + content + calls + invalid + of(.object(message.additionalKwargs))
            + of(.object(message.responseMetadata)) + (message.artifact.map { of($0) } ?? 0)
    }

    private static func of(_ value: Value) -> Int {
        switch value {
        case .null, .bool: 16
        case .number(let text), .string(let text): 16 + text.utf8.count
        case .array(let elements): elements.reduce(32) { $0 + of($1) }
        case .object(let members): members.reduce(32) { $0 + 32 + $1.key.utf8.count + of($1.value) }
        }
    }
}
