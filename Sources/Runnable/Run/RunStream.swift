/// Where a ``RunStream`` gets its elements from.
///
/// A source is made when an iteration begins, inside the consuming task, and used by that task alone; it need not be
/// `Sendable`.
public protocol RunSource<Element>: AnyObject {
    /// What it delivers.
    associatedtype Element: Sendable

    /// The next element, nil at the end. Runs on the caller's executor. Not called again after nil or an error.
    ///
    /// Should return or throw soon after its task is cancelled.
    func next() async throws -> Element?

    /// The next element if that takes no waiting. Default: ``ReadyElement/pending``.
    ///
    /// For sources that often have several elements at once: a call costs a tenth of one of `next()`. Errors count as ready.
    func nextReady() throws -> ReadyElement<Element>

    /// Stops all work for this source. Called at most once, from any thread that drops the iteration, only when
    /// the source was neither at its end nor failed; never during `next()`.
    func cancel()
}

extension RunSource {
    /// See the requirement.
    @inlinable public func nextReady() throws -> ReadyElement<Element> { .pending }
}

/// What can be had of a stream without waiting.
public enum ReadyElement<Element: Sendable>: Sendable {
    /// The next element.
    case element(Element)
    /// The stream is at its end.
    case end
    /// Only waiting can tell.
    case pending
}

/// What a runnable streams: an asynchronous sequence that does work only when it is asked for the next element.
///
/// Every iteration is a run of its own. Elements are pulled one by one without a buffer, on the executor of whoever
/// iterates: an element that is ready costs no hop. Dropping the iterator, or cancelling the task that iterates,
/// cancels the run. An iteration that ends without an error is complete.
public struct RunStream<Element: Sendable>: AsyncSequence, Sendable {
    @usableFromInline let makeSource: @Sendable () throws -> any RunSource<Element>

    /// A stream whose every iteration pulls from a new source.
    /// - Parameter makeSource: called when the first element of an iteration is asked for; its error is the first result.
    public init(_ makeSource: @escaping @Sendable () throws -> any RunSource<Element>) {
        self.makeSource = makeSource
    }

    /// A new run, which begins with the first call of `next()`.
    public func makeAsyncIterator() -> Iterator { Iterator(makeSource) }

    /// One iteration. Copies share their position. Dropping the last copy cancels the run.
    public struct Iterator: AsyncIteratorProtocol {
        @usableFromInline let pull: RunPull<Element>

        init(_ makeSource: @escaping @Sendable () throws -> any RunSource<Element>) {
            pull = RunPull(makeSource)
        }

        /// The next element, nil at the end. Runs on the caller's executor.
        ///
        /// Throws what the run throws, and `CancellationError` when the task is cancelled. After nil or an error
        /// it returns nil.
        @inlinable public mutating func next() async throws -> Element? {
            try await next(isolation: #isolation)
        }

        /// The next element, as `next()`; `for try await` calls this one.
        ///
        /// All in one function, as every call of an asynchronous function costs some 25 ns.
        @inlinable public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Element? {
            guard let source = try pull.current() else { return nil }
            do {
                if let element = try await source.next() { return element }
            } catch {
                pull.source = nil
                throw error
            }
            pull.source = nil
            return nil
        }

        /// The next element if that takes no waiting. Throws as `next()`.
        @inlinable public mutating func nextReady() throws -> ReadyElement<Element> {
            guard let source = try pull.current() else { return .end }
            do {
                let ready = try source.nextReady()
                if case .end = ready { pull.source = nil }
                return ready
            } catch {
                pull.source = nil
                throw error
            }
        }

        /// Cancels the run now instead of when the iterator is dropped. Further calls of `next()` return nil.
        public func cancel() { pull.cancel() }
    }
}

/// The state of one iteration: calls the source until it ends, and cancels it when dropped before.
@usableFromInline
final class RunPull<Element: Sendable> {
    @usableFromInline var makeSource: (@Sendable () throws -> any RunSource<Element>)?
    @usableFromInline var source: (any RunSource<Element>)?

    init(_ makeSource: @escaping @Sendable () throws -> any RunSource<Element>) {
        self.makeSource = makeSource
    }

    deinit { source?.cancel() }

    /// The source to ask, nil when the iteration is over.
    @inlinable
    func current() throws -> (any RunSource<Element>)? {
        if Task.isCancelled, source != nil || makeSource != nil {
            cancel()
            throw CancellationError()
        }
        return try source ?? begin()
    }

    @usableFromInline
    func begin() throws -> (any RunSource<Element>)? {
        guard let makeSource else { return nil }
        self.makeSource = nil
        source = try makeSource()
        return source
    }

    @usableFromInline
    func cancel() {
        makeSource = nil
        let source = self.source.take()
        source?.cancel()
    }
}
