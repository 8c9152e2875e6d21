extension MockScript {
    /// Every key of a script's text.
    public static let keys = [
        "reply", "tokens", "latency", "ttft", "interval", "status", "retry-after", "key", "truncate", "reset", "end",
        "split",
        "split-pause", "stall", "stall-for", "stall-pings", "framing", "error-after", "done", "finish", "usage", "tool",
        "tool-arguments",
    ]

    /// Reads `key=value` pairs between commas on top of the defaults; a piece without `=` belongs to the value before it.
    ///
    /// | key | value |
    /// |---|---|
    /// | `reply` | `words`, `echo` or `text:` and the text |
    /// | `tokens` | how many `words` |
    /// | `latency`, `ttft`, `interval` | before the head, before the first token, between tokens: `20ms`, `1.5s`, `500us`, `0` |
    /// | `status` | steps such as `429*2,503`: two 429, then 503; the last step without `*n` lasts for ever, others count once |
    /// | `retry-after` | seconds |
    /// | `key` | any word: requests with another one have their own count of statuses |
    /// | `truncate`, `reset`, `end` | close, reset or properly end the response at `head`, at byte `120`, or behind token `5t` |
    /// | `split`, `split-pause` | bytes in one write; a duration between writes |
    /// | `stall`, `stall-for`, `stall-pings` | silent at `head`, behind token `3`, or at byte `120b`; how long; comments how often |
    /// | `framing` | a ``Framing`` |
    /// | `error-after` | tokens before an error event |
    /// | `done` | `yes` or `no` |
    /// | `finish` | the finish reason, or `none` |
    /// | `usage` | a ``Usage`` |
    /// | `tool`, `tool-arguments` | a function's name; its arguments as JSON |
    ///
    /// - Throws: ``MockScriptError`` about the first mistake.
    public init(_ text: String) throws(MockScriptError) {
        self.init()
        try apply(text)
        try check()
    }

    /// Reads `text`, as ``init(_:)`` has it, on top of what is set already. Call ``check()`` at the end.
    public mutating func apply(_ text: String) throws(MockScriptError) {
        var open: (key: String, value: String)?
        for piece in text.split(separator: ",", omittingEmptySubsequences: false) {
            if let pair = MockScript.pair(piece, inside: open?.key) {
                if let open { try set(open.key, open.value) }
                open = pair
            } else if let pair = open {
                // A comma too many at the end means nothing, except in free text.
                if piece.isEmpty, piece.endIndex == text.endIndex, !MockScript.isFreeText(pair.key) { continue }
                open = (pair.key, pair.value + "," + piece)
            } else if !trimmed(piece).isEmpty {
                throw MockScriptError(key: trimmed(piece), reason: "expected key=value")
            }
        }
        if let open { try set(open.key, open.value) }
    }

    /// `piece` as the beginning of a new pair; nil when it goes on with the value of `key`. Free text may have `=` in it,
    /// elsewhere that is more likely a misspelt key.
    private static func pair(_ piece: Substring, inside key: String?) -> (key: String, value: String)? {
        guard let sign = piece.firstIndex(of: "=") else { return nil }
        let name = trimmed(piece[..<sign])
        guard !(key.map(isFreeText) ?? false) || keys.contains(name) else { return nil }
        return (name, String(piece[piece.index(after: sign)...]))
    }

    private static func isFreeText(_ key: String) -> Bool { key == "reply" || key == "tool-arguments" }

    /// Sets one key. Call ``check()`` at the end.
    public mutating func set(_ key: String, _ value: String) throws(MockScriptError) {
        let reader = ValueReader(key: key, value: trimmed(value[...]))
        switch key {
        case "reply": reply = try reader.reply(untrimmed: value)
        case "tokens": tokens = try reader.number(0...1_000_000)
        case "latency": latency = try reader.duration()
        case "ttft": timeToFirstToken = try reader.duration()
        case "interval": interval = try reader.duration()
        case "status": statuses = try reader.statuses()
        case "retry-after": retryAfter = try reader.number(0...86_400)
        case "key": self.key = reader.value
        default: try setFault(key, reader)
        }
    }

    private mutating func setFault(_ key: String, _ reader: ValueReader) throws(MockScriptError) {
        switch key {
        case "truncate": cut = Cut(at: try reader.position(counts: .bytes), ending: .close)
        case "reset": cut = Cut(at: try reader.position(counts: .bytes), ending: .reset)
        case "end": cut = Cut(at: try reader.position(counts: .bytes), ending: .end)
        case "split": split = try reader.number(1...1_000_000)
        case "split-pause": splitPause = try reader.duration()
        case "stall": stall = Stall(at: try reader.position(counts: .tokens), for: stall?.duration, pings: stall?.pings)
        // A stall that has no place yet is one before the first token.
        case "stall-for":
            stall = Stall(at: stall?.position ?? .token(0), for: try reader.duration(), pings: stall?.pings)
        case "stall-pings":
            let pings = try reader.duration()
            guard pings > .zero else { throw reader.error("a duration above 0") }
            stall = Stall(at: stall?.position ?? .token(0), for: stall?.duration, pings: pings)
        default: try setAnswer(key, reader)
        }
    }

    private mutating func setAnswer(_ key: String, _ reader: ValueReader) throws(MockScriptError) {
        switch key {
        case "framing": framing = try reader.choice(Framing.self)
        case "error-after": errorAfter = try reader.number(0...1_000_000)
        case "done": sendsDone = try reader.truth()
        case "finish": finish = reader.value == "none" ? "" : reader.value
        case "usage": usage = try reader.choice(Usage.self)
        case "tool": tool = Tool(name: try reader.nonEmpty(), arguments: tool?.arguments ?? Tool(name: "").arguments)
        case "tool-arguments": tool = Tool(name: tool?.name ?? "get_weather", arguments: reader.value)
        default:
            throw MockScriptError(key: key, reason: "unknown key; known are \(MockScript.keys.joined(separator: ", "))")
        }
    }

    /// Refuses what does not go together.
    ///
    /// - Throws: ``MockScriptError``.
    public func check() throws(MockScriptError) {
        if let stall, stall.pings != nil, case .token = stall.position {
        } else if stall?.pings != nil {
            throw MockScriptError(key: "stall-pings", reason: "comments fit between tokens only: stall=<tokens>")
        }
        if case .head? = cut?.position, cut?.ending == .end {
            throw MockScriptError(key: "end", reason: "a response without a head cannot end properly")
        }
        if framing == .close, cut?.ending == .end {
            throw MockScriptError(key: "end", reason: "framing=close has no other end than truncate")
        }
    }
}

private func trimmed(_ text: Substring) -> String {
    var text = text
    while let first = text.first, first == " " || first == "\t" { text = text.dropFirst() }
    while let last = text.last, last == " " || last == "\t" { text = text.dropLast() }
    return String(text)
}

/// Turns one value's text into what the key wants.
private struct ValueReader {
    let key: String
    let value: String

    enum Unit { case bytes, tokens }

    func error(_ expected: String) -> MockScriptError {
        MockScriptError(key: key, reason: "expected \(expected), found \"\(value)\"")
    }

    func number(_ range: ClosedRange<Int>) throws(MockScriptError) -> Int {
        guard let number = digits(value[...]), range.contains(number) else {
            throw error("a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func nonEmpty() throws(MockScriptError) -> String {
        guard !value.isEmpty else { throw error("a word") }
        return value
    }

    func truth() throws(MockScriptError) -> Bool {
        switch value {
        case "yes", "true": return true
        case "no", "false": return false
        default: throw error("yes or no")
        }
    }

    func choice<Choice: RawRepresentable & CaseIterable>(
        _ type: Choice.Type
    ) throws(MockScriptError) -> Choice where Choice.RawValue == String {
        guard let choice = Choice(rawValue: value) else {
            throw error("one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    func reply(untrimmed: String) throws(MockScriptError) -> MockScript.Reply {
        switch value {
        case "words": return .words
        case "echo": return .echo
        default:
            // White space inside and behind the text counts.
            let text = untrimmed.drop { $0 == " " || $0 == "\t" }
            guard text.hasPrefix("text:") else { throw error("words, echo or text:...") }
            return .text(String(text.dropFirst(5)))
        }
    }

    /// `0`, or a decimal number with a unit; at most a day.
    func duration() throws(MockScriptError) -> Duration {
        let expected = "a duration such as 500us, 20ms, 1.5s or 0, at most a day"
        if value == "0" { return .zero }
        let units = [("us", Int64(1000)), ("ms", 1_000_000), ("s", 1_000_000_000)]
        guard let (suffix, unit) = units.first(where: { value.hasSuffix($0.0) }) else { throw error(expected) }
        let parts = value.dropLast(suffix.count).split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let whole = digits(parts[0]), whole <= 86_400_000_000 else {
            throw error(expected)
        }
        var nanoseconds = Int64(whole).multipliedReportingOverflow(by: unit)
        if parts.count == 2 {
            guard parts[1].utf8.count <= 9, let fraction = digits(parts[1]) else { throw error(expected) }
            let scale = parts[1].utf8.reduce(Int64(1)) { scale, _ in scale * 10 }
            nanoseconds.partialValue += Int64(fraction) * unit / scale
        }
        guard !nanoseconds.overflow, nanoseconds.partialValue <= 86_400_000_000_000 else { throw error(expected) }
        return .nanoseconds(nanoseconds.partialValue)
    }

    func position(counts unit: Unit) throws(MockScriptError) -> MockScript.Position {
        if value == "head" { return .head }
        let suffix = value.last
        let number = digits(suffix == "b" || suffix == "t" ? value.dropLast() : value[...])
        guard let number else { throw error("head, a number of bytes such as 120b, or of tokens such as 5t") }
        return suffix == "t" || (unit == .tokens && suffix != "b") ? .token(number) : .byte(number)
    }

    func statuses() throws(MockScriptError) -> [MockScript.Status] {
        let expected = "statuses such as 429*2,503 (200, or 400 to 599)"
        let steps = value.split(separator: ",", omittingEmptySubsequences: false).map { trimmed($0[...]) }
        var statuses: [MockScript.Status] = []
        for (place, step) in steps.enumerated() {
            let parts = step.split(separator: "*", omittingEmptySubsequences: false)
            guard (1...2).contains(parts.count), let status = digits(parts[0]), status == 200 || 400...599 ~= status
            else {
                throw error(expected)
            }
            guard parts.count == 2 else {
                statuses.append(MockScript.Status(status: status, count: place == steps.count - 1 ? nil : 1))
                continue
            }
            guard let count = digits(parts[1]), 1...1_000_000_000 ~= count else { throw error(expected) }
            statuses.append(MockScript.Status(status: status, count: count))
        }
        return statuses
    }

    /// Digits and nothing else: `Int` alone would take a sign too.
    private func digits(_ text: Substring) -> Int? {
        guard text.utf8.allSatisfy({ 48...57 ~= $0 }) else { return nil }
        return Int(text)
    }
}
