/// Something that happened to one run: it began, streamed a piece, ended, or failed.
public struct RunEvent: Sendable {
    /// What happened.
    public enum Phase: Sendable {
        /// The run began. A run that is fed by a stream does not know its input yet and has nil.
        case start(input: RunValue?)
        /// It made a piece of its output.
        case stream(chunk: RunValue)
        /// It ended: the whole output (nil when its pieces do not add up), and the whole input.
        case end(output: RunValue?, input: RunValue?)
        /// It failed or was cancelled. The last event of its run.
        case error(any Error)
        /// Something that the code inside reported with ``RunConfig/report(_:_:)``.
        case custom(name: String, data: RunValue)
    }

    /// What happened.
    public var phase: Phase
    /// What the run is called.
    public let name: String
    /// What sort of runnable it is.
    public let kind: RunKind
    /// The run's id.
    public let runID: RunID
    /// The runs it is a part of, the root first; empty for a root.
    public let parentIDs: [RunID]
    /// All labels of the run: its place in the run above first, then those it inherited.
    public let tags: [String]
    /// Data about the run.
    public let metadata: Value.Object
}

/// Is told what happens to runs. Called on whatever thread a run is on, in the order things happen there.
public protocol RunObserver: AnyObject, Sendable {
    /// Takes note of an event. Must return soon, and must not call runnables.
    func observe(_ event: RunEvent)

    /// Returns when more events are welcome. Streams that are observed call this after each piece, so an observer that passes events
    /// on to a slow reader bounds what piles up. Default: at once.
    /// - Throws: `CancellationError` when the task was cancelled meanwhile.
    func ready() async throws
}

extension RunObserver {
    /// Returns at once.
    public func ready() async throws {}
}
