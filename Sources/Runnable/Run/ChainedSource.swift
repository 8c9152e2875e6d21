/// The elements of a stream that is made from the only element of another; none when that has none.
final class ChainedSource<First: Sendable, Element: Sendable>: RunSource {
    private var first: (any RunSource<First>)?
    private let makeStream: (First) throws -> RunStream<Element>
    private var iterator: RunStream<Element>.Iterator?

    init(_ first: any RunSource<First>, _ makeStream: @escaping (First) throws -> RunStream<Element>) {
        self.first = first
        self.makeStream = makeStream
    }

    @specialized(where First == RunValue, Element == RunValue)
    @specialized(where First == ChatPrompt, Element == MessageChunk)
    func next() async throws -> Element? {
        if let source = first {
            guard let element = try await source.next() else {
                first = nil
                return nil
            }
            first = nil
            iterator = try makeStream(element).makeAsyncIterator()
        }
        return try await iterator?.next()
    }

    @specialized(where First == RunValue, Element == RunValue)
    @specialized(where First == ChatPrompt, Element == MessageChunk)
    func nextReady() throws -> ReadyElement<Element> {
        guard first == nil else { return .pending }
        return try iterator?.nextReady() ?? .end
    }

    func cancel() {
        first?.cancel()
        iterator?.cancel()
    }
}
