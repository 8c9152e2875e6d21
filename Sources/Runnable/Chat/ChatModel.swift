/// What a chat model is asked.
public struct ChatPrompt: Sendable, Hashable {
    /// The conversation so far.
    public var messages: [Message]
    /// Whether it was made from one text, and is LangChain's `StringPromptValue` rather than a `ChatPromptValue`.
    public var isText = false

    /// A conversation.
    public init(messages: [Message]) {
        self.messages = messages
    }

    /// A conversation of one human message.
    public init(_ text: String) {
        self.init(messages: [.human(text)])
        isText = true
    }

    /// The conversation as text, as LangChain writes it for models that take text: `System: s`, `Human: h`, `AI: x`, each on its line.
    /// Just the text where it was made from one.
    public var text: String {
        if isText { return messages.map(\.content.text).joined(separator: "\n") }
        return messages.map { "\($0.speaker): \($0.content.text)" }.joined(separator: "\n")
    }
}

extension Message {
    /// Who speaks, as LangChain writes it in text.
    fileprivate var speaker: String {
        switch role {
        case .ai: "AI"
        case .human: "Human"
        case .system: "System"
        case .tool: "Tool"
        case .function: "Function"
        case .chat: chatRole ?? "chat"
        }
    }
}

/// A runnable that answers a conversation, natively asynchronous.
///
/// Implement ``AsyncRunnable/ainvoke(_:config:)`` and, when the model can stream, ``Runnable/astream(_:config:)``; the
/// default of the latter is the whole answer in one final chunk.
public protocol ChatModel: AsyncRunnable
where Input == ChatPrompt, InputChunk == ChatPrompt, Output == Message, Chunk == MessageChunk {}

extension ChatModel {
    /// ``RunKind/chatModel``.
    public var kind: RunKind { .chatModel }

    /// One final chunk: the whole answer of `ainvoke`. Cancelling the iteration cancels the call.
    public func astream(_ input: ChatPrompt, config: RunConfig) -> RunStream<MessageChunk> {
        .one { MessageChunk(whole: try await self.ainvoke(input, config: config)) }
    }
}
