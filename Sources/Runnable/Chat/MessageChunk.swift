/// A piece of a message as it streams.
///
/// The fields that almost every piece leaves empty live in one box behind a pointer, so a token costs a few words.
public struct MessageChunk: Sendable, Hashable {
    /// Whose message this is a piece of.
    public var role: Message.Role
    /// Whether this is the final piece; there is exactly one in a stream.
    public var isLast: Bool
    /// What is added to the content.
    public var content: MessageContent
    /// The message's id, the same on every piece of a stream.
    public var id: String?
    var rare: Rare?

    /// A piece of a message; set further fields afterwards.
    public init(role: Message.Role = .ai, content: MessageContent = .empty, id: String? = nil, isLast: Bool = false) {
        self.role = role
        self.content = content
        self.id = id
        self.isLast = isLast
    }

    /// A piece of text.
    public init(text: String, id: String? = nil) {
        self.init(content: .text(text), id: id)
    }

    /// Vendor data that has no field of its own.
    public var additionalKwargs: Value.Object {
        get { rare?.fields.additionalKwargs ?? [:] }
        set { change { $0.additionalKwargs = newValue } }
    }

    /// Data about the answer. Strings concatenate when pieces are added: send each key in one piece only.
    public var responseMetadata: Value.Object {
        get { rare?.fields.responseMetadata ?? [:] }
        set { change { $0.responseMetadata = newValue } }
    }

    /// The speaker's name.
    public var name: String? {
        get { rare?.fields.name }
        set { change { $0.name = newValue } }
    }

    /// Pieces of tool calls.
    public var toolCallChunks: [ToolCallChunk] {
        get { rare?.fields.toolCallChunks ?? [] }
        set { change { $0.toolCallChunks = newValue } }
    }

    /// Tokens used. Pieces add up, so send it once or as differences.
    public var usage: UsageMetadata? {
        get { rare?.fields.usage }
        set { change { $0.usage = newValue } }
    }

    /// The call this answers (`tool` only).
    public var toolCallID: String? {
        get { rare?.fields.toolCallID }
        set { change { $0.toolCallID = newValue } }
    }

    /// The speaker's role (`chat` only).
    public var chatRole: String? {
        get { rare?.fields.chatRole }
        set { change { $0.chatRole = newValue } }
    }

    /// Whether it has nothing beyond content, id and position, so a fast path may write it.
    public var isPlain: Bool { rare == nil }

    struct Fields: Sendable, Hashable {
        var additionalKwargs: Value.Object = [:]
        var responseMetadata: Value.Object = [:]
        var name: String?
        var toolCallChunks: [ToolCallChunk] = []
        var usage: UsageMetadata?
        var toolCallID: String?
        var chatRole: String?
    }

    final class Rare: Sendable, Hashable {
        let fields: Fields

        init(_ fields: Fields) { self.fields = fields }

        static func == (left: Rare, right: Rare) -> Bool { left.fields == right.fields }

        func hash(into hasher: inout Hasher) { hasher.combine(fields) }
    }

    private mutating func change(_ body: (inout Fields) -> Void) {
        var fields = rare?.fields ?? Fields()
        rare = nil  // so that the fields may be the only reference, and change in place
        body(&fields)
        rare = fields == Fields() ? nil : Rare(fields)
    }
}
