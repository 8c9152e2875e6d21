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

    /// A stream with a source that exists already, for one iteration by the task that made it.
    init(sharing source: any RunSource<Element>) {
        let once = Once(source)
        self.init {
            guard let source = once.take() else {
                throw RunError(.internal, detail: "a stream that can be read once was read twice")
            }
            return source
        }
    }

    /// A stream that fails at once.
    public static func failing(_ error: any Error) -> RunStream {
        RunStream { throw error }
    }
}

/// What a function returns, as the only element.
final class OneElement<Element: Sendable>: RunSource {
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

/// A source on its way into the closure that makes it.
private final class Once<Element: Sendable>: @unchecked Sendable {  // @unchecked: filled and emptied by one task
    private var source: (any RunSource<Element>)?

    init(_ source: any RunSource<Element>) { self.source = source }

    func take() -> (any RunSource<Element>)? { source.take() }
}
