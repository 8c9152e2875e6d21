/// Durations as the file writes them: `500ms`, `1.5s`, `2m`, `1h`, `200us`.
public enum DurationText {
    private static let units: [(name: String, microseconds: Int64)] = [
        ("us", 1), ("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000),
    ]

    /// Whole microseconds up to a thousand hours; nil for anything else.
    public static func parse(_ text: String) -> Duration? {
        let number = text.prefix { ("0"..."9").contains($0) || $0 == "." }
        let unitName = text.dropFirst(number.count)
        guard let unit = units.first(where: { $0.name == unitName })?.microseconds else { return nil }
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first, !whole.isEmpty, whole.count <= 10, let count = Int64(whole),
            count <= 3_600_000_000_000 / unit
        else { return nil }
        guard parts.count == 2 else { return .microseconds(count * unit) }
        guard !parts[1].isEmpty, parts[1].count <= 6, let fraction = Int64(parts[1]) else { return nil }
        var scale: Int64 = 1
        for _ in parts[1] { scale *= 10 }
        guard (fraction * unit) % scale == 0 else { return nil }
        return .microseconds(count * unit + fraction * unit / scale)
    }

    /// The shortest exact spelling: `75s`, `10m`, `1500us`.
    static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        guard microseconds != 0 else { return "0s" }
        for unit in units.reversed() where microseconds % unit.microseconds == 0 {
            // 60s reads better than 1m beside its neighbours; 10m better than 600s.
            if unit.name == "m", microseconds < 2 * unit.microseconds { continue }
            return "\(microseconds / unit.microseconds)\(unit.name)"
        }
        return "\(microseconds)us"
    }
}

/// Sizes as the file writes them: `8KiB`, `32MiB`, `1MB`, or plain bytes.
enum ByteSize {
    static let units: [(name: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000),
        ("kB", 1_000), ("B", 1),
    ]

    /// Bytes up to a tebibyte; nil for anything else.
    static func parse(_ text: String) -> Int? {
        let number = text.prefix { ("0"..."9").contains($0) }
        let unitName = text.dropFirst(number.count)
        let unit = unitName.isEmpty ? 1 : units.first { $0.name == unitName }?.bytes
        guard let unit, number.count <= 13, let count = Int(number), count <= (1 << 40) / unit else { return nil }
        return count * unit
    }

    /// The largest unit that divides it: `8KiB`, `1MB`, `1000B` stays `1KB`.
    static func format(_ bytes: Int) -> String {
        guard bytes != 0 else { return "0" }
        for unit in units where unit.bytes > 1 && bytes % unit.bytes == 0 { return "\(bytes / unit.bytes)\(unit.name)" }
        return "\(bytes)"
    }
}
