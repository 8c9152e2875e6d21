extension RunConfig {
    /// The config of the run that surrounds the current code, when a runnable has set one.
    ///
    /// Task-local: child tasks and the thread pool's work see it too. Methods called without a config start from
    /// a ``child(step:)`` of it.
    @TaskLocal public static var current: RunConfig?

    /// What a call without a config gets: a child of the surrounding run's config, or an empty one.
    public static var inherited: RunConfig { current?.child() ?? RunConfig() }

    /// Runs `body` with this as the ``current`` config.
    public func asCurrent<R>(_ body: () throws -> R) rethrows -> R {
        try Self.$current.withValue(self) { try body() }
    }

    /// Runs `body` with this as the ``current`` config, on the caller's executor.
    public func asCurrent<R>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> R
    ) async rethrows -> R {
        try await Self.$current.withValue(self) {
            _ = isolation  // a closure given to the standard library stays on the actor only if it captures it
            return try await body()
        }
    }

    /// The config with an id: the one it has, or a fresh time-ordered one.
    public func withRunID() -> RunConfig {
        guard runID == nil else { return self }
        var copy = self
        copy.runID = .timeOrdered()
        return copy
    }

    /// The config for a run that this one calls.
    ///
    /// Inherits tags, metadata, limits, configurable values, the attachment and the deadline. Does not inherit the id, the name, the wait,
    /// the call's arguments and the step, which belong to this run alone.
    /// - Parameter step: the child's place in this runnable, which becomes a tag of that child only.
    public func child(step: RunStep? = nil) -> RunConfig {
        var child = self
        child.descend(to: step)
        return child
    }

    /// The config with a deadline at most at `instant`; an earlier one stays.
    public func withDeadline(_ instant: ContinuousClock.Instant?) -> RunConfig {
        var copy = self
        copy.deadline = Self.earlier(deadline, instant)
        return copy
    }

    static func earlier(
        _ left: ContinuousClock.Instant?,
        _ right: ContinuousClock.Instant?
    ) -> ContinuousClock.Instant? {
        switch (left, right) {
        case (let left?, let right?): min(left, right)
        case (let left, let right): left ?? right
        }
    }
}
