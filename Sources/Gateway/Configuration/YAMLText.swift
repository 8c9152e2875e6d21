/// YAML to be written: a small tree, printed in block style with two blanks of indentation.
indirect enum YAMLText: Sendable, Equatable {
    /// A scalar that needs no quotes: a number, a boolean, a duration, JSON.
    case plain(String)
    /// A text, quoted when it must be.
    case text(String)
    case list([YAMLText])
    case map([(key: String, value: YAMLText)])

    static func == (left: YAMLText, right: YAMLText) -> Bool { left.inline == right.inline }

    /// The same with other values; keys stay.
    func mapTexts(_ transform: (String) -> String) -> YAMLText {
        switch self {
        case .plain(let text): .plain(transform(text))
        case .text(let text): .text(transform(text))
        case .list(let items): .list(items.map { $0.mapTexts(transform) })
        case .map(let entries): .map(entries.map { (key: $0.key, value: $0.value.mapTexts(transform)) })
        }
    }

    /// On one line, in flow style.
    var inline: String {
        switch self {
        case .plain(let text): text
        case .text(let text): Self.quote(text)
        case .list(let items): "[\(items.map(\.inline).joined(separator: ", "))]"
        case .map(let entries):
            "{\(entries.map { "\(Self.quote($0.key, isKey: true)): \($0.value.inline)" }.joined(separator: ", "))}"
        }
    }

    /// On as many lines as it takes, each ended by a newline.
    func block(indentation: Int = 0) -> String {
        let margin = String(repeating: " ", count: indentation)
        switch self {
        case .map(let entries) where !entries.isEmpty:
            return entries.map { key, value in
                "\(margin)\(Self.quote(key, isKey: true)):\(value.afterKey(indentation))"
            }.joined()
        case .list(let items) where !items.isEmpty:
            return items.map { item in
                // The first entry of a mapping stands beside the dash.
                let text =
                    item.isNested
                    ? String(item.block(indentation: indentation + 2).dropFirst(indentation + 2)) : "\(item.inline)\n"
                return "\(margin)- \(text)"
            }.joined()
        default: return "\(margin)\(inline)\n"
        }
    }

    private func afterKey(_ indentation: Int) -> String {
        isNested ? "\n\(block(indentation: indentation + 2))" : " \(inline)\n"
    }

    private var isNested: Bool {
        switch self {
        case .plain, .text: false
        case .list(let items): items.contains { $0.isNested }
        case .map(let entries): !entries.isEmpty
        }
    }

    /// The text as a YAML scalar that every reader takes for the same text. Dollar signs are doubled, but not in keys, which are not
    /// expanded.
    static func quote(_ text: String, isKey: Bool = false) -> String {
        let isSafe = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
            default: "_-./:".utf8.contains(byte)
            }
        }
        let ambiguous: Set<String> = ["yes", "no", "on", "off", "y", "n"]
        let isBare =
            isSafe && CoreSchema.kind(text) == .string && !ambiguous.contains(text.lowercased())
            && !text.hasPrefix("-") && !text.hasPrefix(":") && !text.hasSuffix(":")
        if isBare { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "$" where !isKey: result += "$$"  // or the next load would expand it
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                result += "\\x" + (digits.count == 1 ? "0" : "") + digits
            case "\u{85}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
