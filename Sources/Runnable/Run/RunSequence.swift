/// What a runnable streams to a thread that may block: a lazily computed sequence whose iteration can throw.
///
/// Every iteration is a run of its own, which begins with the first element. Dropping the iterator stops it.
public struct RunSequence<Element: Sendable>: Sendable {
    private let makeNext: @Sendable () throws -> () throws -> Element?

    /// A sequence whose every iteration pulls from a new function.
    /// - Parameter makeNext: called when the first element of an iteration is asked for. The function it returns gives the next
    ///   element or nil at the end; it is not called again after nil or an error, and dropping it must stop the work.
    public init(_ makeNext: @escaping @Sendable () throws -> () throws -> Element?) {
        self.makeNext = makeNext
    }

    /// A sequence of one element: what `produce` returns.
    public static func one(_ produce: @escaping @Sendable () throws -> Element) -> RunSequence {
        RunSequence {
            var isDone = false
            return {
                guard !isDone else { return nil }
                isDone = true
                return try produce()
            }
        }
    }

    /// A new run.
    public func makeIterator() -> Iterator { Iterator(state: .ready(makeNext)) }

    /// Calls `body` with every element in turn; stops the run when `body` throws.
    public func forEach(_ body: (Element) throws -> Void) throws {
        var iterator = makeIterator()
        while let element = try iterator.next() { try body(element) }
    }

    /// All elements.
    public func collect() throws -> [Element] {
        var elements: [Element] = []
        try forEach { elements.append($0) }
        return elements
    }

    /// One iteration.
    public struct Iterator {
        enum State {
            case ready(@Sendable () throws -> () throws -> Element?)
            case running(() throws -> Element?)
            case ended
        }

        var state: State

        /// The next element, nil at the end. Blocks the calling thread. After nil or an error it returns nil.
        public mutating func next() throws -> Element? {
            let current = state
            state = .ended
            let pull: () throws -> Element?
            switch current {
            case .ready(let makeNext): pull = try makeNext()
            case .running(let running): pull = running
            case .ended: return nil
            }
            guard let element = try pull() else { return nil }
            state = .running(pull)
            return element
        }
    }
}
