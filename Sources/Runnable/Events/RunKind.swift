/// What sort of thing a runnable is, in LangChain's words; the raw values are those of event streams.
public enum RunKind: String, Sendable, Hashable, CaseIterable {
    /// Anything that is none of the others.
    case chain
    /// A model that takes and gives text.
    case llm
    /// A model that takes a conversation and gives a message.
    case chatModel = "chat_model"
    /// A function that a model may call.
    case tool
    /// Finds documents.
    case retriever
    /// Makes a prompt from variables.
    case prompt
    /// Makes something of a model's answer.
    case parser
}
