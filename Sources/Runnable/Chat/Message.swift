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
    /// The message's id.
    public var id: String?
    private var rest: Rest?

    /// A message; set further fields afterwards.
    public init(role: Role, content: MessageContent, id: String? = nil) {
        self.role = role
        self.content = content
        self.id = id
    }

    /// Vendor data that has no field of its own.
    public var additionalKwargs: Value.Object {
        get { rest?.fields.additionalKwargs ?? [:] }
        _modify { yield &ownRest.fields.additionalKwargs }
    }

    /// Data about the answer: model name, finish reason, log probabilities.
    public var responseMetadata: Value.Object {
        get { rest?.fields.responseMetadata ?? [:] }
        _modify { yield &ownRest.fields.responseMetadata }
    }

    /// The speaker's name; for `function` messages the function's, which they must have.
    public var name: String? {
        get { rest?.fields.name }
        _modify { yield &ownRest.fields.name }
    }

    /// Tool calls the model asks for (`ai` only).
    public var toolCalls: [ToolCall] {
        get { rest?.fields.toolCalls ?? [] }
        _modify { yield &ownRest.fields.toolCalls }
    }

    /// Tool calls whose arguments could not be read (`ai` only).
    public var invalidToolCalls: [InvalidToolCall] {
        get { rest?.fields.invalidToolCalls ?? [] }
        _modify { yield &ownRest.fields.invalidToolCalls }
    }

    /// What the answer cost (`ai` only).
    public var usage: UsageMetadata? {
        get { rest?.fields.usage }
        _modify { yield &ownRest.fields.usage }
    }

    /// The call this answers (`tool` only, where it must be set).
    public var toolCallID: String? {
        get { rest?.fields.toolCallID }
        _modify { yield &ownRest.fields.toolCallID }
    }

    /// Data of the tool that the model does not see (`tool` only).
    public var artifact: Value? {
        get { rest?.fields.artifact }
        _modify { yield &ownRest.fields.artifact }
    }

    /// How the tool call went (`tool` only).
    public var toolStatus: ToolStatus {
        get { rest?.fields.toolStatus ?? .success }
        _modify { yield &ownRest.fields.toolStatus }
    }

    /// The speaker's role (`chat` only, where it must be set).
    public var chatRole: String? {
        get { rest?.fields.chatRole }
        _modify { yield &ownRest.fields.chatRole }
    }

    /// What most messages of a conversation leave empty.
    fileprivate struct Fields: Sendable, Hashable {
        var additionalKwargs: Value.Object = [:]
        var responseMetadata: Value.Object = [:]
        var name: String?
        var toolCalls: [ToolCall] = []
        var invalidToolCalls: [InvalidToolCall] = []
        var usage: UsageMetadata?
        var toolCallID: String?
        var artifact: Value?
        var toolStatus: ToolStatus = .success
        var chatRole: String?
    }

    /// Behind one pointer, so that a message costs a few words to hand on.
    private final class Rest: @unchecked Sendable {  // @unchecked: changed only while a single message refers to it
        // Unchecked for the same reason: whoever changes it has the message to itself.
        @exclusivity(unchecked) var fields: Fields

        init(_ fields: Fields) { self.fields = fields }
    }

    /// The rest, shared with no other message.
    private var ownRest: Rest {
        mutating get {
            if isKnownUniquelyReferenced(&rest), let rest { return rest }
            let own = Rest(rest?.fields ?? Fields())
            rest = own
            return own
        }
    }

    private var fields: Fields { rest?.fields ?? Fields() }

    /// Whether all fields are equal.
    public static func == (left: Message, right: Message) -> Bool {
        left.role == right.role && left.content == right.content && left.id == right.id
            && (left.rest === right.rest || left.fields == right.fields)
    }

    /// Hashes all fields.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(role)
        hasher.combine(content)
        hasher.combine(id)
        hasher.combine(fields)
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
