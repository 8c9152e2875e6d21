public import Runnable

/// What `headgate tail` prints for people: one line for each finished request.
public enum TailText {
    /// A line without its end.
    ///
    /// - Parameters:
    ///   - record: a line of the daemon's.
    ///   - isColored: whether outcomes get colours (ANSI).
    public static func line(_ record: Value, isColored: Bool) -> String {
        if record["msg"]?.string == "dropped" {
            return "... \(record["count"]?.integer ?? 0) more, which came faster than they were read"
        }
        let outcome = word(record, "outcome")
        var line = time(record) + " " + padded(outcome, 14, isColored ? color(outcome) : nil)
        line +=
            " \(record["status"]?.integer ?? 0) \(padded(word(record, "endpoint"), 13, nil)) \(word(record, "route"))"
        if let upstream = record["upstream"]?.string { line += " via \(upstream.terminalSafe)" }
        if let total = record["total_ms"]?.double { line += ", \(ShortText.duration(milliseconds: Int(total)))" }
        if let first = record["first_token_ms"]?.double {
            line += ", first token \(ShortText.duration(milliseconds: Int(first)))"
        }
        if let tokens = record["tokens_out"]?.integer { line += ", \(tokens) tokens" }
        if let items = record["items"]?.integer { line += ", \(items) items" }
        line += ", \(word(record, "client")) \(word(record, "id"))"
        if let error = record["error"]?.string { line += " \(error.terminalSafe)" }
        if let detail = record["detail"]?.string { line += ": \(detail.terminalSafe)" }
        return line
    }

    /// The time of day, as the daemon wrote it: UTC.
    private static func time(_ record: Value) -> String {
        let stamp = record["ts"]?.string ?? ""
        return String(stamp.drop { $0 != "T" }.dropFirst().prefix { $0 != "Z" })
    }

    private static func word(_ record: Value, _ key: String) -> String {
        (record[key]?.string ?? "-").terminalSafe
    }

    private static func padded(_ text: String, _ width: Int, _ color: String?) -> String {
        let fill = String(repeating: " ", count: max(0, width - text.count))
        return (color.map { "\($0)\(text)\u{1B}[0m" } ?? text) + fill
    }

    private static func color(_ outcome: String) -> String? {
        switch outcome {
        case "ok": "\u{1B}[32m"
        case "client_gone", "client_error", "rejected", "killed", "shutting_down": "\u{1B}[33m"
        default: "\u{1B}[31m"
        }
    }
}
