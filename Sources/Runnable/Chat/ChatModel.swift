/// What a chat model is asked.
public struct ChatPrompt: Sendable, Hashable {
    /// The conversation so far.
    public var messages: [Message]

    /// A conversation.
    public init(messages: [Message]) {
        self.messages = messages
    }

    /// A conversation of one human message.
    public init(_ text: String) {
        self.init(messages: [.human(text)])
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
