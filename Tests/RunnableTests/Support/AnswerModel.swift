import Runnable

/// A chat model that answers with given pieces, whatever it is asked.
struct AnswerModel: ChatModel {
    let name = "Model"
    var pieces: [MessageChunk]

    init(_ pieces: [MessageChunk]) { self.pieces = pieces }

    init(_ texts: [String]) { pieces = texts.map { MessageChunk(text: $0) } }

    func ainvoke(_ input: ChatPrompt, config: RunConfig) async throws -> Message {
        try await Message(adding: .elements(pieces))
    }

    func astream(_ input: ChatPrompt, config: RunConfig) -> RunStream<MessageChunk> { .elements(pieces) }
}

extension RunStream {
    /// All elements.
    func collect() async throws -> [Element] {
        var all: [Element] = []
        for try await element in self { all.append(element) }
        return all
    }
}
