import Glibc

/// A point on the monotonic clock, in nanoseconds: one machine word, so timers compare and store it for nothing.
///
/// `ContinuousClock.Instant` is what public deadlines are made of; it is 128 bits wide and its arithmetic costs more than
/// the system call behind it, so loops convert once and keep this.
public struct MonotonicTime: Sendable, Hashable, Comparable {
    /// Nanoseconds since an arbitrary start (`CLOCK_MONOTONIC`).
    public let nanoseconds: UInt64

    /// A point `nanoseconds` after the clock's start.
    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The present.
    public static var now: MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
    }

    /// The end of time: a timer set to it never fires.
    public static let distantFuture = MonotonicTime(nanoseconds: .max)

    /// The point on this clock that corresponds to a `ContinuousClock` instant, as of now.
    public init(_ instant: ContinuousClock.Instant) {
        let left = ContinuousClock.now.duration(to: instant)
        self = .now + left
    }

    /// Whether `left` is earlier.
    public static func < (left: MonotonicTime, right: MonotonicTime) -> Bool { left.nanoseconds < right.nanoseconds }

    /// `time` later by `duration`; saturates at the clock's ends.
    public static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
        let delta = duration.wholeNanoseconds
        if delta >= 0 {
            let (sum, overflow) = time.nanoseconds.addingReportingOverflow(UInt64(delta))
            return MonotonicTime(nanoseconds: overflow ? .max : sum)
        }
        let (difference, overflow) = time.nanoseconds.subtractingReportingOverflow(delta.magnitude)
        return MonotonicTime(nanoseconds: overflow ? 0 : difference)
    }

    /// How long from `earlier` to this point; negative when this point is the earlier one.
    public static func - (later: MonotonicTime, earlier: MonotonicTime) -> Duration {
        .nanoseconds(Int64(clamping: later.nanoseconds) - Int64(clamping: earlier.nanoseconds))
    }
}

extension Duration {
    /// This duration in whole nanoseconds, saturating at about 292 years.
    ///
    /// Loops convert a dozen durations for each request: two divisions of one word by a constant instead of one of 128 bits.
    public var wholeNanoseconds: Int64 {
        let attoseconds = attoseconds
        let magnitude = attoseconds.magnitude
        let high = UInt64(truncatingIfNeeded: magnitude >> 64)
        guard high < 500_000_000 else { return attoseconds < 0 ? .min : .max }  // beyond, the quotient needs 64 bits
        // 2^64 is 18,446,744,073 * 10^9 + 709,551,616; with so small a `high` nothing overflows.
        let (low, rest) = UInt64(truncatingIfNeeded: magnitude).quotientAndRemainder(dividingBy: 1_000_000_000)
        let carried = (high &* 709_551_616 &+ rest) / 1_000_000_000
        let quotient = Int64(truncatingIfNeeded: high &* 18_446_744_073 &+ low &+ carried)
        return attoseconds < 0 ? -quotient : quotient
    }

    /// This duration in whole milliseconds, rounded towards zero.
    public var wholeMilliseconds: Int64 { wholeNanoseconds / 1_000_000 }

    /// This duration in whole microseconds, rounded towards zero.
    public var wholeMicroseconds: Int64 { wholeNanoseconds / 1000 }
}
