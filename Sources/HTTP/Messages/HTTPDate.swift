import Glibc

/// The `Date` header's value, formatted once a second (IMF-fixdate, RFC 9110 section 5.6.7).
///
/// Keep one per event loop and call `update` before use; within the same second that is one comparison.
public struct HTTPDate: Sendable {
    /// Always 29 bytes, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    public private(set) var text: [UInt8]
    private var second: Int

    /// Formats `unixSeconds`, which must lie in the years 0 to 9999.
    public init(unixSeconds: Int) {
        second = unixSeconds
        text = HTTPDate.format(unixSeconds)
    }

    /// Formats the current wall-clock second.
    public init() { self.init(unixSeconds: time(nil)) }

    /// Formats anew when `unixSeconds` is another second than last time.
    public mutating func update(unixSeconds: Int) {
        guard unixSeconds != second else { return }
        self = HTTPDate(unixSeconds: unixSeconds)
    }

    /// Formats anew when the wall clock shows another second than last time. One `time` call, which enters no kernel.
    public mutating func update() { update(unixSeconds: time(nil)) }

    /// Appends the 29 bytes.
    public func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: text) }

    private static let days: StaticString = "ThuFriSatSunMonTueWed"
    private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"

    private static func format(_ unixSeconds: Int) -> [UInt8] {
        let day = Int((Double(unixSeconds) / 86_400).rounded(.down))
        let rest = unixSeconds - day * 86_400
        let (year, month, dayOfMonth) = civil(fromDays: day)
        var text: [UInt8] = []
        text.reserveCapacity(29)
        let weekday = ((day % 7) + 7) % 7  // day 0, 1 January 1970, was a Thursday
        text.append(contentsOf: days.bytes[(weekday * 3)..<(weekday * 3 + 3)])
        text.append(literal: ", ")
        text.append(twoDigits: dayOfMonth)
        text.append(Bytes.space)
        text.append(contentsOf: months.bytes[(month * 3 - 3)..<(month * 3)])
        text.append(Bytes.space)
        text.append(twoDigits: year / 100)
        text.append(twoDigits: year % 100)
        text.append(Bytes.space)
        text.append(twoDigits: rest / 3600)
        text.append(Bytes.colon)
        text.append(twoDigits: rest / 60 % 60)
        text.append(Bytes.colon)
        text.append(twoDigits: rest % 60)
        text.append(literal: " GMT")
        return text
    }

    /// Proleptic Gregorian date of a day counted from 1 January 1970; years begin in March inside, so that a leap day
    /// is a year's last day (the `civil_from_days` of Howard Hinnant's date algorithms).
    private static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468  // days since 1 March of the year 0
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}

extension HTTPDate {
    /// Seconds since 1970 of an IMF-fixdate such as a `Retry-After` may hold; nil for anything else.
    ///
    /// The two obsolete formats are not read, and the day's name is not checked against the date.
    public static func unixSeconds(parsing text: UnsafeRawBufferPointer) -> Int? {
        guard text.count == 29, let month = (0..<12).first(where: { months.triple($0) == text.triple(at: 8) }) else {
            return nil
        }
        guard let day = text.number(5, 2), let year = text.number(12, 4), let hour = text.number(17, 2),
            let minute = text.number(20, 2), let second = text.number(23, 2)
        else { return nil }
        guard hour < 24, minute < 60, second <= 60 else { return nil }
        // days_from_civil, the inverse of `civil(fromDays:)`.
        let shiftedYear = month < 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * ((month + 10) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let seconds = (era * 146_097 + dayOfEra - 719_468) * 86_400 + hour * 3600 + minute * 60 + min(second, 59)
        // Formatting it again finds everything else: day 31 of a short month, punctuation, the zone.
        let again = format(seconds)
        guard again[4..<23].elementsEqual(text[4..<23]), again[25...].elementsEqual(text[25...]) else { return nil }
        return text[3] == Bytes.comma ? seconds : nil
    }
}

extension StaticString {
    fileprivate func triple(_ index: Int) -> UInt32 { bytes.triple(at: index * 3) }
}

extension UnsafeRawBufferPointer {
    fileprivate func triple(at offset: Int) -> UInt32 {
        UInt32(self[offset]) << 16 | UInt32(self[offset + 1]) << 8 | UInt32(self[offset + 2])
    }

    fileprivate func number(_ offset: Int, _ digits: Int) -> Int? {
        var value = 0
        for byte in self[offset..<(offset + digits)] {
            guard Bytes.isDigit(byte) else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }
}

extension [UInt8] {
    fileprivate mutating func append(twoDigits number: Int) {
        append(UInt8(0x30 + number / 10))
        append(UInt8(0x30 + number % 10))
    }
}
