extension Value {
    /// What Python's `str` makes of the value as `json.loads` reads it: a string as it is, `True`, `None`, `1.5` for `1.50`, and
    /// lists and objects as ``pythonRepresentation`` has them.
    public var pythonText: String {
        if case .string(let text) = self { text } else { pythonRepresentation }
    }

    /// What Python's `repr` makes of the value: strings in quotes, single ones where that saves escapes.
    public var pythonRepresentation: String {
        var text = ""
        appendPython(to: &text, onlyASCII: false)
        return text
    }

    /// The same, with all characters outside ASCII escaped.
    var pythonASCII: String {
        var text = ""
        appendPython(to: &text, onlyASCII: true)
        return text
    }

    private func appendPython(to text: inout String, onlyASCII: Bool) {
        switch self {
        case .null: text += "None"
        case .bool(let value): text += value ? "True" : "False"
        case .number(let number): text += Self.pythonNumber(number, isWhole: isWholeNumber)
        case .string(let string): Self.appendPython(string, to: &text, onlyASCII: onlyASCII)
        case .array(let elements):
            text += "["
            for (place, element) in elements.enumerated() {
                if place > 0 { text += ", " }
                element.appendPython(to: &text, onlyASCII: onlyASCII)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (place, member) in members.enumerated() {
                if place > 0 { text += ", " }
                Self.appendPython(member.key, to: &text, onlyASCII: onlyASCII)
                text += ": "
                member.value.appendPython(to: &text, onlyASCII: onlyASCII)
            }
            text += "}"
        }
    }

    private static func pythonNumber(_ text: String, isWhole: Bool) -> String {
        if isWhole { return text == "-0" ? "0" : text }
        guard let number = Double(text) else { return text }
        return (number.sign == .minus ? "-" : "") + FloatLayout.shortest(number).text
    }

    private static func appendPython(_ string: String, to text: inout String, onlyASCII: Bool) {
        let hasSingle = string.utf8.contains(UInt8(ascii: "'"))
        let quote: Unicode.Scalar = hasSingle && !string.utf8.contains(UInt8(ascii: "\"")) ? "\"" : "'"
        text.unicodeScalars.append(quote)
        for scalar in string.unicodeScalars {
            switch scalar {
            case quote, "\\":
                text += "\\"
                text.unicodeScalars.append(scalar)
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where onlyASCII && !scalar.isASCII || !isPrintable(scalar): text += pythonEscape(scalar)
            default: text.unicodeScalars.append(scalar)
            }
        }
        text.unicodeScalars.append(quote)
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value >= 0x20 && scalar.value < 0x7F }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return false
        default: return true
        }
    }

    private static func pythonEscape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        let (mark, count) = scalar.value < 0x100 ? ("\\x", 2) : (scalar.value < 0x10000 ? ("\\u", 4) : ("\\U", 8))
        return mark + String(repeating: "0", count: count - digits.utf8.count) + digits
    }
}
