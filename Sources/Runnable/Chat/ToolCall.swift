/// A tool the model wants to have called.
public struct ToolCall: Sendable, Hashable {
    /// The tool's name.
    public var name: String
    /// The arguments.
    public var arguments: Value.Object
    /// The id that the tool's answer must carry.
    public var id: String?

    /// A tool call.
    public init(name: String, arguments: Value.Object, id: String?) {
        self.name = name
        self.arguments = arguments
        self.id = id
    }
}

/// A tool call whose arguments are not a JSON object.
public struct InvalidToolCall: Sendable, Hashable {
    /// The tool's name, as far as the model gave it.
    public var name: String?
    /// The arguments as the model wrote them.
    public var arguments: String?
    /// The id of the call.
    public var id: String?
    /// What is wrong.
    public var error: String?

    /// An invalid tool call.
    public init(name: String?, arguments: String?, id: String?, error: String? = nil) {
        self.name = name
        self.arguments = arguments
        self.id = id
        self.error = error
    }
}

/// A piece of a tool call. Name and id come in the first piece of a call only.
public struct ToolCallChunk: Sendable, Hashable {
    /// A piece of the tool's name.
    public var name: String?
    /// A piece of the arguments' JSON text.
    public var arguments: String?
    /// The id of the call.
    public var id: String?
    /// Which call of the message this belongs to; pieces without an index are never joined.
    public var index: Int?

    /// A piece of a tool call.
    public init(name: String?, arguments: String?, id: String?, index: Int?) {
        self.name = name
        self.arguments = arguments
        self.id = id
        self.index = index
    }
}
