/// An event as clients of LangChain's event streams know it, version 2 (`langserve-protocol.md` 4.4).
public struct StreamEvent: Sendable, Hashable {
    /// What happened: `on_chain_start`, `on_chat_model_stream`, `on_tool_error`, `on_custom_event` and so on.
    public var event: String
    /// What the run is called; for a custom event what that is called.
    public var name: String
    /// The run's id.
    public var runID: RunID
    /// The runs it is a part of, the root first.
    public var parentIDs: [RunID]
    /// The run's labels.
    public var tags: [String]
    /// Data about the run, without the keys that begin with two underscores.
    public var metadata: Value.Object
    /// Input, chunk, output or error, in an object; a custom event's own data as it is.
    public var data: RunValue

    /// The event in the form clients know, nil for what they are not told: failures of anything but tools, and the pieces of prompts,
    /// tools and retrievers.
    /// - Parameters:
    ///   - isRoot: whether the run is the one that was asked for, whose end does not repeat its input. Default: whether it has no
    ///     parents.
    ///   - toolInput: for a tool's failure what the tool was given, if the caller remembers; left out otherwise.
    public init?(_ event: RunEvent, isRoot: Bool? = nil, toolInput: RunValue? = nil) {
        let isRoot = isRoot ?? event.parentIDs.isEmpty
        guard let (word, data) = Self.data(of: event, isRoot, toolInput) else { return nil }
        self.event = word == "custom_event" ? "on_custom_event" : "on_\(event.kind.rawValue)_\(word)"
        name = event.name
        runID = event.runID
        parentIDs = event.parentIDs
        tags = event.tags
        metadata = event.metadata.withoutHiddenKeys
        self.data = data
    }

    private static func data(of event: RunEvent, _ isRoot: Bool, _ toolInput: RunValue?) -> (String, RunValue)? {
        switch event.phase {
        case .start(let input):
            return ("start", RunValue(object(("input", input.map { shown($0, to: event.kind) }))))
        case .stream(let chunk):
            guard event.kind.streamsPieces else { return nil }
            let isGeneration = event.kind == .llm && !isRoot
            return ("stream", ["chunk": isGeneration ? .generation(chunk) : chunk])
        case .end(let output, let input):
            let input = isRoot ? nil : input.map { shown($0, to: event.kind) }
            return ("end", RunValue(object(("output", shown(output ?? .null, from: event.kind)), ("input", input))))
        case .error(let error):
            guard event.kind == .tool else { return nil }
            let error = RunError(error)
            let shownError: RunValue = [
                "status_code": .value(.integer(error.status)), "message": .string(error.message),
            ]
            let callID = toolInput?["type"] == "tool_call" ? toolInput?["id"] : nil
            let members = object(("error", shownError), ("input", toolInput), ("tool_call_id", callID ?? .null))
            return ("error", RunValue(members))
        case .custom(_, let data):
            return ("custom_event", data)
        }
    }

    private static func object(_ members: (String, RunValue?)...) -> RunValue.Members {
        var object = RunValue.Members()
        for (key, value) in members { object[key] = value }
        return object
    }

    /// How a run's input is shown.
    private static func shown(_ input: RunValue, to kind: RunKind) -> RunValue {
        switch kind {
        case .chatModel:
            guard case .prompt(let prompt) = input else { return input }
            return ["messages": RunValue([RunValue(prompt.messages.map { .message($0) })])]
        case .llm:
            return ["prompts": RunValue([input])]
        case .retriever:
            return input.members == nil ? ["query": input] : input
        case .chain, .tool, .prompt, .parser:
            return input
        }
    }

    /// How a run's output is shown.
    private static func shown(_ output: RunValue, from kind: RunKind) -> RunValue {
        guard kind == .llm else { return output }
        return ["generations": RunValue([RunValue([.generation(output)])]), "llm_output": nil]
    }
}

extension RunKind {
    /// Whether clients are told of the pieces of its output.
    var streamsPieces: Bool {
        switch self {
        case .chain, .llm, .chatModel, .parser: true
        case .tool, .retriever, .prompt: false
        }
    }
}

extension Value.Object {
    /// The members whose keys do not begin with two underscores, which are not for clients.
    var withoutHiddenKeys: Value.Object {
        guard contains(where: { $0.key.hasPrefix("__") }) else { return self }
        return Value.Object(lazy.filter { !$0.key.hasPrefix("__") }.map { ($0.key, $0.value) })
    }
}

extension RunValue {
    /// What a model made, as LangChain's generation: of a message with the message in it.
    static func generation(_ output: RunValue) -> RunValue {
        let (text, type) =
            switch output {
            case .message(let message): (message.content.text, "ChatGeneration")
            case .chunk(let chunk): (chunk.content.text, "ChatGenerationChunk")
            case .value(.string(let text)): (text, "Generation")
            default: ("", "Generation")
            }
        var members = Members("text", .string(text))
        members["generation_info"] = .null
        members["type"] = .string(type)
        if type != "Generation" { members["message"] = output }
        return RunValue(members)
    }
}
