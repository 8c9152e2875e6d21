/// A chat model whose runs are reported. Costs one call when nobody watches.
///
/// Under observation `ainvoke` uses the model's stream, so that tokens are seen as they come even where the caller waits for the whole.
struct ObservedChatModel<Model: ChatModel>: ChatModel {
    let model: Model

    init(_ model: Model) { self.model = model }

    var name: String { model.name }

    func ainvoke(_ input: ChatPrompt, config: RunConfig) async throws -> Message {
        guard config.isObserved else { return try await model.ainvoke(input, config: config) }
        return try await Message(adding: astream(input, config: config))
    }

    func astream(_ input: ChatPrompt, config: RunConfig) -> RunStream<MessageChunk> {
        RunScope(name, .chatModel, config).streaming(input) { model.astream(input, config: $0) }
    }

    func invoke(_ input: ChatPrompt, config: RunConfig) throws -> Message {
        guard config.isObserved else { return try model.invoke(input, config: config) }
        return try BlockingBridge.run { try await ainvoke(input, config: config) }
    }
}
