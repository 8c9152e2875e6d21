extension RunStream {
    /// The elements of any asynchronous sequence. Each iteration iterates `sequence` anew; dropping it drops that iterator.
    public init<Base: AsyncSequence & Sendable>(_ sequence: Base) where Base.Element == Element {
        self.init { SequenceSource(sequence) }
    }

    /// Each element as `transform` makes it, when it is asked for. Its error ends the stream and stops this one.
    public func mapElements<New: Sendable>(
        _ transform: @escaping @Sendable (Element) async throws -> New
    ) -> RunStream<New> {
        RunStream<New> { MappedSource(self) { try await transform($0) } }
    }

    /// Each element as `transform` makes it, without those for which it returns nil.
    public func compactMapElements<New: Sendable>(
        _ transform: @escaping @Sendable (Element) async throws -> New?
    ) -> RunStream<New> {
        RunStream<New> { MappedSource(self, transform) }
    }
}

private final class MappedSource<Old: Sendable, New: Sendable>: RunSource {
    private var iterator: RunStream<Old>.Iterator
    private let transform: @Sendable (Old) async throws -> New?

    init(_ stream: RunStream<Old>, _ transform: @escaping @Sendable (Old) async throws -> New?) {
        iterator = stream.makeAsyncIterator()
        self.transform = transform
    }

    func next() async throws -> New? {
        while let element = try await iterator.next() {
            if let new = try await transform(element) { return new }
        }
        return nil
    }

    func cancel() { iterator.cancel() }
}

private final class SequenceSource<Base: AsyncSequence>: RunSource where Base.Element: Sendable {
    private var iterator: Base.AsyncIterator?

    init(_ sequence: Base) { iterator = sequence.makeAsyncIterator() }

    func next() async throws -> Base.Element? { try await iterator?.next(isolation: #isolation) }

    func cancel() { iterator = nil }
}
