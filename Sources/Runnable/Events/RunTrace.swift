/// Who watches a run, and what the run is a part of. Behind one pointer, because almost no run has one.
final class RunTrace: Sendable {
    let observer: any RunObserver
    /// The runs above, the root first.
    let ancestors: [RunID]

    init(observer: any RunObserver, ancestors: [RunID] = []) {
        self.observer = observer
        self.ancestors = ancestors
    }

    func below(_ runID: RunID?) -> RunTrace {
        guard let runID else { return self }
        return RunTrace(observer: observer, ancestors: ancestors + [runID])
    }
}

extension RunConfig {
    /// The config of a run whose events, and those of all runs below it, go to `observer` instead of whoever was told so far.
    public func observed(by observer: any RunObserver) -> RunConfig {
        var copy = self
        copy.trace = RunTrace(observer: observer, ancestors: trace?.ancestors ?? [])
        return copy
    }

    /// Whether somebody is told of this run's events.
    public var isObserved: Bool { trace != nil }

    /// Tells whoever watches this run something of the caller's own: LangChain's custom events. Does nothing when nobody does.
    public func report(_ name: String, _ data: RunValue) {
        guard let trace else { return }
        let runID = runID ?? .timeOrdered()
        trace.observer.observe(
            RunEvent(
                phase: .custom(name: name, data: data),
                name: name,
                kind: .chain,
                runID: runID,
                parentIDs: trace.ancestors,
                tags: allTags,
                metadata: metadata
            )
        )
    }
}
