/// What policies tell the time by and wait with, so that a daemon can use its own timers and a test can step the time.
public protocol RunClock: Sendable {
    /// The time. Never goes back.
    var now: ContinuousClock.Instant { get }

    /// Returns at `instant` or soon after it, never before.
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(until instant: ContinuousClock.Instant) async throws
}

/// The system's continuous clock, and the tasks' own timers.
public struct SystemRunClock: RunClock {
    /// The clock.
    public init() {}

    /// The system's time.
    public var now: ContinuousClock.Instant { .now }

    /// Sleeps on the default executor.
    public func sleep(until instant: ContinuousClock.Instant) async throws {
        try await Task.sleep(until: instant, clock: .continuous)
    }
}

extension RunClock where Self == SystemRunClock {
    /// The system's clock.
    public static var system: SystemRunClock { SystemRunClock() }
}

extension RunClock {
    /// Blocks the calling thread until `instant`.
    func block(until instant: ContinuousClock.Instant) throws {
        guard instant > now else { return }
        try BlockingBridge.run { try await sleep(until: instant) }
    }

    /// Whether a run's time is up.
    func isPast(_ deadline: ContinuousClock.Instant?) -> Bool {
        guard let deadline else { return false }
        return deadline <= now
    }
}
