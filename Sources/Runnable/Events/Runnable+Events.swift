extension Runnable {
    /// What happens in a run of this and in all runs below it, as it happens: LangChain's `astream_events`.
    ///
    /// The run begins with the first event asked for and goes on in a task of its own, which prefers the executor of the task that
    /// iterates; a model deep inside is heard while the run itself has nothing to stream yet. A reader that is slow slows it: its
    /// streams wait while 16 events lie unread. Chat models stream, also where the code around them waits for the whole answer.
    ///
    /// When the run fails the events so far come first, then its error is thrown. Dropping the iterator cancels the run; cancelling
    /// the task that iterates cancels it too and waits for its end.
    /// - Parameter filter: which events are delivered; the others cost the reader nothing.
    public func astreamEvents(
        _ input: Input,
        config: RunConfig,
        filter: RunEventFilter = .all
    ) -> RunStream<RunEvent> {
        let runnable = erased
        return RunStream {
            RunFeedSource(filter) { feed in
                var pieces = runnable.astream(input, config: config.observed(by: feed)).makeAsyncIterator()
                while try await pieces.next() != nil {}
            }
        }
    }

    /// What happens in a run of this and in all runs below it, as changes of a document that tells of it: LangChain's `astream_log`.
    ///
    /// Runs, waits, fails and cancels as ``astreamEvents(_:config:filter:)``. Each element is what one event changes, never empty; the
    /// first one sets the whole document.
    /// - Parameters:
    ///   - filter: which of the runs below are told of. The root always is.
    ///   - now: the time since the Unix epoch.
    public func astreamLog(
        _ input: Input,
        config: RunConfig,
        filter: RunEventFilter = .all,
        now: @escaping @Sendable () -> Duration = RunLog.now
    ) -> RunStream<[RunLogOperation]> {
        let events = astreamEvents(input, config: config)
        return RunStream { RunLogSource(events, RunLog(filter: filter, now: now)) }
    }
}

private final class RunLogSource: RunSource {
    private var events: RunStream<RunEvent>.Iterator
    private var log: RunLog

    init(_ events: RunStream<RunEvent>, _ log: RunLog) {
        self.events = events.makeAsyncIterator()
        self.log = log
    }

    func next() async throws -> [RunLogOperation]? {
        while let event = try await events.next() {
            let operations = log.operations(for: event)
            if !operations.isEmpty { return operations }
        }
        return nil
    }

    func cancel() { events.cancel() }
}
