extension RunLog {
    /// A time since the Unix epoch as `2026-11-22T12:46:10.203+00:00`. Parts of a millisecond are left out.
    static func timestamp(_ time: Duration) -> String {
        let (seconds, attoseconds) = time.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        let (days, ofDay) = floored(milliseconds, by: 86_400_000)
        let (year, month, day) = date(ofDay: days)
        let clock = (ofDay / 3_600_000, ofDay / 60_000 % 60, ofDay / 1000 % 60, ofDay % 1000)
        return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) + "T" + padded(clock.0, 2) + ":"
            + padded(clock.1, 2) + ":" + padded(clock.2, 2) + "." + padded(clock.3, 3) + "+00:00"
    }

    /// The date of a day counted from 1970-01-01.
    ///
    /// Counts from a 1st of March, so that the leap day is the last of its year, in spans of 400 years, which all have the same number
    /// of days.
    private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (span, inSpan) = floored(day + 719_468, by: 146_097)
        let century = min(inSpan / 36_524, 3)
        let inCentury = inSpan - century * 36_524
        let fours = inCentury / 1461
        let inFours = inCentury - fours * 1461
        let single = min(inFours / 365, 3)
        var rest = inFours - single * 365
        var month: Int64 = 3
        for length: Int64 in [31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31] {
            guard rest >= length else { break }
            rest -= length
            month += 1
        }
        let year = span * 400 + century * 100 + fours * 4 + single
        return month > 12 ? (year + 1, month - 12, rest + 1) : (year, month, rest + 1)
    }

    private static func floored(_ value: Int64, by divisor: Int64) -> (quotient: Int64, rest: Int64) {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? (quotient - 1, rest + divisor) : (quotient, rest)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
