/// A `ContinuousClock.Instant` in a layout that the compiler knows.
///
/// The standard library keeps the layout of its own to itself: whatever holds one is copied and destroyed through tables, and has its room made
/// as a function runs. Configs are copied for every step of a run.
struct RunInstant: Sendable {
    private static let start = ContinuousClock.now

    private let sinceStart: Duration

    init(_ instant: ContinuousClock.Instant) { sinceStart = RunInstant.start.duration(to: instant) }

    /// The point in time so far from now.
    init(after duration: Duration) { sinceStart = RunInstant.start.duration(to: .now) + duration }

    /// From now until then; negative when that is past.
    var timeLeft: Duration { sinceStart - RunInstant.start.duration(to: .now) }

    /// The same point in time, to the attosecond.
    var instant: ContinuousClock.Instant { RunInstant.start.advanced(by: sinceStart) }
}
