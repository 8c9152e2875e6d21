extension EventLoop {
    /// Returns when `time` has come. Any executor; the loop must be running. For many sleeps in a row keep a ``LoopSleeper``.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(until time: MonotonicTime) async throws(CancellationError) {
        try await LoopSleeper(on: self).sleep(until: time)
    }

    /// Returns after `duration`; see ``sleep(until:)``.
    public func sleep(for duration: Duration) async throws(CancellationError) {
        try await sleep(until: .now + duration)
    }
}
