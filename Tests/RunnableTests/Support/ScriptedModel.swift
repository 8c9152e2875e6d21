import Runnable

/// A model whose answer is made by the test, in pieces.
struct ScriptedModel: ChatModel {
    let name = "Words"
    private let pieces: @Sendable (ChatPrompt) -> RunStream<MessageChunk>

    init(_ pieces: @escaping @Sendable (ChatPrompt) -> RunStream<MessageChunk>) { self.pieces = pieces }

    init(_ words: String...) { self.init { _ in .elements(words.map { MessageChunk(text: $0) }) } }

    func ainvoke(_ input: ChatPrompt, config: RunConfig) async throws -> Message {
        try await Message(adding: astream(input, config: config))
    }

    func astream(_ input: ChatPrompt, config: RunConfig) -> RunStream<MessageChunk> { pieces(input) }
}

/// A stream of what a function gives until it gives nil, for every iteration anew.
func pulled<Element>(
    _ next: @escaping @Sendable (_ place: Int) async throws -> Element?
) -> RunStream<Element> {
    RunStream { FunctionSource(next) }
}

private final class FunctionSource<Element: Sendable>: RunSource {
    private let pull: @Sendable (Int) async throws -> Element?
    private var place = 0

    init(_ pull: @escaping @Sendable (Int) async throws -> Element?) { self.pull = pull }

    func next() async throws -> Element? {
        defer { place += 1 }
        return try await pull(place)
    }

    func cancel() {}
}

/// A runnable whose stream is made by the test; its output is the last piece.
struct ScriptedStream<Element: Sendable>: AsyncRunnable {
    typealias Input = Int
    typealias Output = Element
    let name: String
    private let pieces: @Sendable (Int) -> RunStream<Element>

    init(name: String = "S", _ pieces: @escaping @Sendable (Int) -> RunStream<Element>) {
        self.name = name
        self.pieces = pieces
    }

    func ainvoke(_ input: Int, config: RunConfig) async throws -> Element {
        var last: Element?
        for try await element in astream(input, config: config) { last = element }
        guard let last else { throw TestError(-1) }
        return last
    }

    func astream(_ input: Int, config: RunConfig) -> RunStream<Element> {
        let pieces = pieces
        return RunScope(name, .chain, config).streaming(input) { _ in pieces(input) }
    }
}

/// All elements of a stream, and the error that ended it.
func outcome<Element>(_ stream: RunStream<Element>) async -> (elements: [Element], error: (any Error)?) {
    var elements: [Element] = []
    do {
        for try await element in stream { elements.append(element) }
        return (elements, nil)
    } catch {
        return (elements, error)
    }
}
