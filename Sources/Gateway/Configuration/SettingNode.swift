/// One value of the file after expansion of variables, with the line it stands on. Free of the YAML library's types.
struct SettingNode {
    indirect enum Content {
        case scalar(SettingScalar)
        case list([SettingNode])
        case map([SettingEntry])
        /// Already reported; readers skip it without another word.
        case invalid
    }

    var content: Content
    var line: Int

    /// A bare null, which also stands for a section whose every line is commented out.
    var isNull: Bool {
        if case .scalar(let scalar) = content { return scalar.isNull }
        return false
    }

    var isScalar: Bool {
        if case .scalar = content { return true }
        return false
    }

    /// Whether it is a text of the file's own, and neither a number nor a boolean.
    var isWords: Bool {
        guard case .scalar(let scalar) = content, !scalar.hasVariables else { return false }
        return !scalar.isPlain || CoreSchema.kind(scalar.text) == .string
    }

    /// Whether it is a mapping with this key.
    func hasKey(_ key: String) -> Bool {
        if case .map(let entries) = content { return entries.contains { $0.key == key } }
        return false
    }

    /// Whether nothing of it came from a variable, so that whoever reads the file knows it. Only for scalars.
    var isLiteral: Bool {
        if case .scalar(let scalar) = content { return !scalar.hasVariables }
        return true
    }

    var isInvalid: Bool {
        if case .invalid = content { return true }
        return false
    }

    /// What an error says it found. Never the value of a variable.
    var found: String {
        switch content {
        case .scalar(let scalar): scalar.found
        case .list: "a list"
        case .map: "a mapping"
        case .invalid: "an invalid value"
        }
    }
}

/// A key and its value, in the order of the file.
struct SettingEntry {
    var key: String
    var line: Int
    var value: SettingNode
}

/// Text with what is needed to type it and to talk about it.
struct SettingScalar {
    /// After expansion.
    var text: String
    /// As in the file; what errors may show.
    var source: String
    /// Written without quotes, so that it may be a number, a boolean or null.
    var isPlain: Bool
    /// Whether any part came from the environment.
    var hasVariables = false

    /// Whether the file says null. An empty variable is an empty text, not null.
    var isNull: Bool { isPlain && !hasVariables && ["", "~", "null", "Null", "NULL"].contains(text) }
    /// Whether it can be meant as a text; a bare number is taken as written, but a bare `true` hardly is one.
    var isText: Bool { !isNull && !(isPlain && CoreSchema.kind(text) == .boolean) }
    /// Whether typed values may be read from it: quotes make a text, except that `{key: "${VAR}"}` needs them.
    var isTypable: Bool { isPlain || hasVariables }
    /// An empty text that the file itself asks for with `${VAR:-}`.
    var isEmptyByDefault: Bool { text.isEmpty && source.contains(":-") }

    var found: String {
        if isNull { return "nothing" }
        if hasVariables { return text.isEmpty ? "\(quoted(source)), which is empty" : "the value of \(quoted(source))" }
        if text.isEmpty { return "an empty text" }
        return isPlain && CoreSchema.kind(text) != .string ? text : quoted(text)
    }
}

/// Quotes a text for an error: one line, at most 60 characters.
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars.prefix(60) {
        result += isPrintable(scalar) ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
    }
    return result + (text.unicodeScalars.count > 60 ? "…\"" : "\"")
}

/// Whether a character stays on its line and does nothing to a terminal.
func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value) && scalar.value != 0x2028 && scalar.value != 0x2029
}

/// How YAML 1.2's core schema types a plain scalar. `yes`, `no`, `on` and `off` are texts there.
enum CoreSchema {
    enum Kind: Equatable {
        case null, boolean, number, string
    }

    static func kind(_ text: String) -> Kind {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE", "false", "False", "FALSE": return .boolean
        default: return looksNumeric(text) ? .number : .string
        }
    }

    /// Decimal, hexadecimal and octal integers, floats, infinities and not-a-number.
    private static func looksNumeric(_ text: String) -> Bool {
        var rest = Substring(text)
        if let sign = rest.first, sign == "-" || sign == "+" { rest.removeFirst() }
        switch rest.lowercased() {
        case ".inf", ".nan": return true
        default: break
        }
        if rest.hasPrefix("0x") {
            return rest.count > 2 && rest.dropFirst(2).allSatisfy { $0.isASCII && $0.isHexDigit }
        }
        if rest.hasPrefix("0o") { return rest.count > 2 && rest.dropFirst(2).allSatisfy { ("0"..."7").contains($0) } }
        let parts = rest.split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false)
        let lowered =
            parts.count == 1 ? rest.split(separator: "E", maxSplits: 1, omittingEmptySubsequences: false) : parts
        guard let mantissa = lowered.first else { return false }
        let digits = mantissa.filter { $0 != "." }
        guard !digits.isEmpty, digits.allSatisfy(isDigit), mantissa.count - digits.count <= 1 else { return false }
        guard lowered.count == 2 else { return true }
        var exponent = lowered[1]
        if let sign = exponent.first, sign == "-" || sign == "+" { exponent.removeFirst() }
        return !exponent.isEmpty && exponent.allSatisfy(isDigit)
    }

    private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }
}
