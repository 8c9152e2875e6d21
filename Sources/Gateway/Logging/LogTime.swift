import Glibc

/// A point on the wall clock: when a line was written.
struct LogTime: Sendable, Equatable {
    /// Seconds since 1970, without leap seconds.
    var seconds: Int64
    /// Nanoseconds into the second.
    var nanoseconds: Int32

    /// The present.
    static var now: LogTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return LogTime(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }
}

/// Where log lines get their time from; tests bring their own.
struct LogClock: Sendable {
    /// The time of a line.
    var now: @Sendable () -> LogTime
    /// Seconds that the terminal's user is ahead of UTC at a time.
    var utcOffset: @Sendable (LogTime) -> Int

    /// The machine's clock and time zone.
    static let system = LogClock(now: { .now }, utcOffset: localOffset)

    private static func localOffset(_ time: LogTime) -> Int {
        var seconds = time_t(time.seconds)
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return 0 }
        return parts.tm_gmtoff
    }
}

/// Writes times, and remembers the text of the last second: lines come many to the second.
struct LogTimestamp {
    /// How a time looks.
    enum Style: Sendable {
        /// RFC 3339 with milliseconds, in UTC: `2026-01-31T12:00:00.000Z`.
        case full
        /// The time of day with milliseconds where the terminal is: `13:00:00.000`.
        case clock
    }

    private let style: Style
    private let clock: LogClock
    private var second = Int64.min
    private var text: [UInt8] = []

    init(_ style: Style, clock: LogClock) {
        self.style = style
        self.clock = clock
    }

    /// Appends the present time.
    mutating func append(to line: inout LineBuffer) {
        let time = clock.now()
        if time.seconds != second { remember(time) }
        text.withUnsafeBufferPointer { line.append($0) }
        line.append(UInt8(ascii: "."))
        line.append(decimal: Int(time.nanoseconds) / 1_000_000, digits: 3)
        if style == .full { line.append(UInt8(ascii: "Z")) }
    }

    private mutating func remember(_ time: LogTime) {
        second = time.seconds
        text.removeAll(keepingCapacity: true)
        let offset = style == .clock ? Int64(clock.utcOffset(time)) : 0
        let (days, rest) = floorDivide(time.seconds + offset, 86_400)
        if style == .full { appendDate(days) }
        append(twoDigits: rest / 3600)
        text.append(UInt8(ascii: ":"))
        append(twoDigits: rest / 60 % 60)
        text.append(UInt8(ascii: ":"))
        append(twoDigits: rest % 60)
    }

    /// Days since 1970 as a date of the Gregorian calendar, by counting in eras of 400 years that begin in March.
    private mutating func appendDate(_ days: Int64) {
        let (era, day) = floorDivide(days + 719_468, 146_097)
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * year + year / 4 - year / 100)
        let shifted = (5 * dayOfYear + 2) / 153  // months since March
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let civil = year + era * 400 + (month <= 2 ? 1 : 0)
        append(twoDigits: civil / 100 % 100)
        append(twoDigits: civil % 100)
        text.append(UInt8(ascii: "-"))
        append(twoDigits: month)
        text.append(UInt8(ascii: "-"))
        append(twoDigits: dayOfYear - (153 * shifted + 2) / 5 + 1)
        text.append(UInt8(ascii: "T"))
    }

    private mutating func append(twoDigits number: Int64) {
        text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / 10))
        text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    }
}

private func floorDivide(_ number: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let remainder = ((number % divisor) + divisor) % divisor
    return ((number - remainder) / divisor, remainder)
}
