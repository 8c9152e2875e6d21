extension RunStream {
    /// A stream of one element: what `produce` returns.
    ///
    /// `produce` runs in the consuming task, when the first element is asked for.
    public static func one(_ produce: @escaping @Sendable () async throws -> Element) -> RunStream {
        RunStream { OneElement(produce) }
    }

    /// A stream of the given elements, all ready.
    public static func elements(_ elements: some Sequence<Element>) -> RunStream {
        let elements = Array(elements)
        return RunStream { ReadyElements(elements) }
    }

    /// A stream that fails at once.
    public static func failing(_ error: any Error) -> RunStream {
        RunStream { throw error }
    }
}

private final class OneElement<Element: Sendable>: RunSource {
    private var produce: (@Sendable () async throws -> Element)?

    init(_ produce: @escaping @Sendable () async throws -> Element) { self.produce = produce }

    func next() async throws -> Element? {
        guard let produce = produce.take() else { return nil }
        return try await produce()
    }

    func cancel() {}
}

private final class ReadyElements<Element: Sendable>: RunSource {
    private var elements: Array<Element>.Iterator

    init(_ elements: [Element]) { self.elements = elements.makeIterator() }

    func next() async throws -> Element? { elements.next() }

    func cancel() {}
}
