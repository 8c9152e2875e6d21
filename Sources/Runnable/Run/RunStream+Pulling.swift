import WorkerPool

extension RunStream {
    /// The elements of a sequence whose iteration blocks: each is pulled on the thread pool when it is asked for.
    public init(pulling sequence: RunSequence<Element>) {
        self.init { PulledSource(sequence) }
    }
}

private final class PulledSource<Element: Sendable>: RunSource {
    /// @unchecked: one thread of the pool at a time uses it, and the task waits for that thread.
    private final class Box: @unchecked Sendable {
        var iterator: RunSequence<Element>.Iterator

        init(_ iterator: RunSequence<Element>.Iterator) { self.iterator = iterator }
    }

    private let box: Box

    init(_ sequence: RunSequence<Element>) { box = Box(sequence.makeIterator()) }

    func next() async throws -> Element? {
        let box = box
        return try await WorkerPool.runBlocking { try box.iterator.next() }
    }

    func cancel() {}
}
