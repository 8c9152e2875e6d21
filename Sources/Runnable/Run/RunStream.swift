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

    /// This source, if it can hand elements on from where they arrive. Default: nil.
    var pushing: (any PushSource<Element>)? { get }

    /// Stops all work for this source. Called at most once, from any thread that drops the iteration, only when
    /// the source was neither at its end nor failed; never during `next()`.
    func cancel()
}

extension RunSource {
    /// See the requirement.
    @inlinable public func nextReady() throws -> ReadyElement<Element> { .pending }

    /// See the requirement.
    @inlinable public var pushing: (any PushSource<Element>)? { nil }
}

/// A source whose elements come one by one from outside, such as a server's tokens.
///
/// Resuming a task through the functions that wait in it costs more than many an element. Such a source hands elements on in the
/// callback that brings them, and resumes its task when there is something to wait for, or the end.
public protocol PushSource<Element>: RunSource {
    /// Hands every element to `take` as it comes, on the caller's executor but outside of its task: no task-local values, no
    /// cancellation to ask for. Runs until the end, or until `take` wants a pause; its element counts as taken then.
    ///
    /// As `next()` in all else, and not called while that runs.
    /// - Returns: true at the end, false for a pause.
    func push(to take: @escaping (Element) -> Bool) async throws -> Bool
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

        /// Hands every element to `take` as it comes, on the caller's executor, until the end or until `take` returns false. `take` may
        /// be called outside of the task: it sees no task-local values. Throws as `next()`.
        ///
        /// - Returns: true at the end, false when `take` wanted a pause.
        @inlinable public mutating func forEach(_ take: @escaping (Element) -> Bool) async throws -> Bool {
            if let source = try pull.current(), let pushing = source.pushing {
                do {
                    let isOver = try await pushing.push(to: take)
                    if isOver { pull.source = nil }
                    return isOver
                } catch {
                    pull.source = nil
                    throw error
                }
            }
            return try await pullEach(take)
        }

        /// Apart from `forEach`, which would keep room for an element as long as a stream is pushed.
        @usableFromInline @inline(never)
        mutating func pullEach(_ take: @escaping (Element) -> Bool) async throws -> Bool {
            while true {
                // What is there already costs no asynchronous call.
                while case .element(let element) = try nextReady() {
                    if !take(element) { return false }
                }
                guard let element = try await next() else { return true }
                if !take(element) { return false }
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
