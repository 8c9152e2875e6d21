/// One message of a conversation, in LangChain's terms (`langserve-protocol.md` 2.2).
public struct Message: Sendable, Hashable {
    /// Who speaks. The raw values are LangChain's `type` tags.
    public enum Role: String, Sendable, Hashable, CaseIterable {
        /// The model.
        case ai
        /// The user.
        case human
        /// The operator of the conversation.
        case system
        /// The result of a tool call.
        case tool
        /// The result of a function call, the older form of a tool call.
        case function
        /// Somebody else, named by ``Message/chatRole``.
        case chat
    }

    /// How a tool call went.
    public enum ToolStatus: String, Sendable, Hashable {
        /// It worked.
        case success
        /// It failed; the content says how.
        case error
    }

    /// Who speaks.
    public var role: Role
    /// What is said.
    public var content: MessageContent
    /// Vendor data that has no field of its own.
    public var additionalKwargs: Value.Object = [:]
    /// Data about the answer: model name, finish reason, log probabilities.
    public var responseMetadata: Value.Object = [:]
    /// The speaker's name; for `function` messages the function's, which they must have.
    public var name: String?
    /// The message's id.
    public var id: String?
    /// Tool calls the model asks for (`ai` only).
    public var toolCalls: [ToolCall] = []
    /// Tool calls whose arguments could not be read (`ai` only).
    public var invalidToolCalls: [InvalidToolCall] = []
    /// What the answer cost (`ai` only).
    public var usage: UsageMetadata?
    /// The call this answers (`tool` only, where it must be set).
    public var toolCallID: String?
    /// Data of the tool that the model does not see (`tool` only).
    public var artifact: Value?
    /// How the tool call went (`tool` only).
    public var toolStatus: ToolStatus = .success
    /// The speaker's role (`chat` only, where it must be set).
    public var chatRole: String?

    /// A message; set further fields afterwards.
    public init(role: Role, content: MessageContent, id: String? = nil) {
        self.role = role
        self.content = content
        self.id = id
    }

    /// What the user says.
    public static func human(_ text: String) -> Message { Message(role: .human, content: .text(text)) }
    /// What the model says.
    public static func ai(_ text: String) -> Message { Message(role: .ai, content: .text(text)) }
    /// What the operator says.
    public static func system(_ text: String) -> Message { Message(role: .system, content: .text(text)) }
    /// The result of a tool call.
    public static func tool(_ text: String, callID: String) -> Message {
        var message = Message(role: .tool, content: .text(text))
        message.toolCallID = callID
        return message
    }
}
