/// The elements of a stream that is there only after some waiting.
final class PreparedSource<Element: Sendable>: RunSource {
    private var prepare: (() async throws -> RunStream<Element>)?
    private var iterator: RunStream<Element>.Iterator?

    init(_ prepare: @escaping () async throws -> RunStream<Element>) { self.prepare = prepare }

    func next() async throws -> Element? {
        if let prepare = prepare.take() { iterator = try await prepare().makeAsyncIterator() }
        return try await iterator?.next()
    }

    func nextReady() throws -> ReadyElement<Element> {
        guard prepare == nil else { return .pending }
        return try iterator?.nextReady() ?? .end
    }

    func cancel() { iterator?.cancel() }
}
