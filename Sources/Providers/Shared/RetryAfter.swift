import Glibc
package import HTTP

/// How long an upstream asks us to wait (provider-dialects.md, F10).
package enum RetryAfter {
    /// Longer waits are cut to this; nobody waits for more than a day.
    private static let longest = 86_400.0

    /// The wait in `retry-after-ms`, `x-ms-retry-after-ms` or `retry-after`; nil without a usable one.
    /// - Parameter now: seconds since 1970, for dates.
    package static func duration(in fields: HTTPFields, now: Int = time(nil)) -> Duration? {
        if let milliseconds = number(fields["retry-after-ms"]) ?? number(fields["x-ms-retry-after-ms"]) {
            return duration(milliseconds / 1000)
        }
        guard let text = fields["retry-after"] else { return nil }
        if let seconds = number(text) { return duration(seconds) }
        var date = text
        let until = date.withUTF8 { HTTPDate.unixSeconds(parsing: UnsafeRawBufferPointer($0)) }
        return until.map { duration(Double(max(0, $0 - now))) }
    }

    private static func number(_ text: String?) -> Double? {
        guard let text, let first = text.utf8.first, first == UInt8(ascii: ".") || (0x30...0x39).contains(first) else {
            return nil
        }
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }

    private static func duration(_ seconds: Double) -> Duration {
        .nanoseconds(Int64((min(seconds, longest) * 1_000_000_000).rounded()))
    }
}
