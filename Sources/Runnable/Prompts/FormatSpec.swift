/// Why a value cannot be formatted.
struct FormatFailure: Error {
    let reason: String
}

/// A format specification of Python: `[[fill]align][sign][z][#][0][width][grouping][.precision][type]`.
struct FormatSpec: Sendable, Hashable {
    var fill: Unicode.Scalar?
    var align: Unicode.Scalar?
    var sign: Unicode.Scalar = "-"
    /// Whether a sign is given, even the `-` that is the default.
    var hasSign = false
    /// Whether a zero loses its minus.
    var coercesNegativeZero = false
    var isAlternate = false
    /// Whether a 0 stands before the width.
    var isZeroPadded = false
    var width = 0
    var grouping: Unicode.Scalar?
    var precision: Int?
    var type: Unicode.Scalar?

    /// A specification from its text; nil when that is empty.
    init?(_ text: Substring.UnicodeScalarView) throws(FormatFailure) {
        if text.isEmpty { return nil }
        var rest = text
        readAlignment(&rest)
        if let next = rest.first, next == "+" || next == "-" || next == " " {
            sign = next
            hasSign = true
            rest.removeFirst()
        }
        coercesNegativeZero = Self.take("z", &rest)
        isAlternate = Self.take("#", &rest)
        if fill == nil { isZeroPadded = Self.take("0", &rest) }
        width = try Self.takeNumber(&rest) ?? 0
        try readGrouping(&rest)
        if Self.take(".", &rest) {
            guard let digits = try Self.takeNumber(&rest) else { throw FormatFailure(reason: "digits must follow '.'") }
            precision = digits
        }
        type = rest.popFirst()
        guard rest.isEmpty else { throw FormatFailure(reason: "not a format specification") }
        if let type, !"bcdeEfFgGnosxX%".unicodeScalars.contains(type) {
            throw FormatFailure(reason: "unknown type '\(type)'")
        }
        try checkGrouping()
    }

    private mutating func readAlignment(_ rest: inout Substring.UnicodeScalarView) {
        let marks = "<>=^".unicodeScalars
        if let second = rest.dropFirst().first, marks.contains(second) {
            fill = rest.first
            align = second
            rest.removeFirst(2)
        } else if let first = rest.first, marks.contains(first) {
            align = first
            rest.removeFirst()
        }
    }

    private mutating func readGrouping(_ rest: inout Substring.UnicodeScalarView) throws(FormatFailure) {
        guard let next = rest.first, next == "," || next == "_" else { return }
        grouping = next
        rest.removeFirst()
        if let other = rest.first, other == "," || other == "_", next == "_" || other == "_" {
            throw FormatFailure(reason: "only one of ',' and '_' can group")
        }
    }

    private func checkGrouping() throws(FormatFailure) {
        guard let grouping, let type, !"deEfFgG%".unicodeScalars.contains(type) else { return }
        if grouping == "_", "boxX".unicodeScalars.contains(type) { return }
        throw FormatFailure(reason: "'\(grouping)' does not go with type '\(type)'")
    }

    private static func take(_ scalar: Unicode.Scalar, _ rest: inout Substring.UnicodeScalarView) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private static func takeNumber(_ rest: inout Substring.UnicodeScalarView) throws(FormatFailure) -> Int? {
        let digits = rest.prefix { ("0"..."9").contains($0) }
        if digits.isEmpty { return nil }
        rest.removeFirst(digits.count)
        guard let number = Int(String(String.UnicodeScalarView(digits))), number <= FStringTemplate.largestWidth else {
            throw FormatFailure(reason: "widths and precisions end at \(FStringTemplate.largestWidth)")
        }
        return number
    }
}

extension FormatSpec {
    /// A value as the specification says.
    func format(_ value: Value) throws(FormatFailure) -> String {
        switch value {
        case .string(let text): return try format(text)
        case .bool(let value): return try format(digits: value ? "1" : "0", isNegative: false, isBool: true)
        case .number:
            guard value.isWholeNumber else { return try format(value.double ?? .nan, of: "a float") }
            let text = try value.pythonInteger()
            let isNegative = text.utf8.first == UInt8(ascii: "-")
            return try format(digits: isNegative ? text.dropFirst() : text[...], isNegative: isNegative)
        case .null, .array, .object: throw FormatFailure(reason: "\(value.typeName) takes no format")
        }
    }

    private func format(_ text: String) throws(FormatFailure) -> String {
        if let type, type != "s" { throw unsuitable("a string") }
        guard !hasSign, !coercesNegativeZero, !isAlternate, align != "=" else {
            throw FormatFailure(reason: "sign, z, # and = do not go with a string")
        }
        if let grouping { throw FormatFailure(reason: "'\(grouping)' does not go with a string") }
        var text = text.unicodeScalars[...]
        if let precision { text = text.prefix(precision) }
        return pad(String(String.UnicodeScalarView(text)), by: "<")
    }

    func unsuitable(_ kind: String) -> FormatFailure {
        FormatFailure(reason: type.map { "\(kind) cannot have type '\($0)'" } ?? "\(kind) takes no such format")
    }

    /// Fills up to the width.
    func pad(_ text: String, by standard: Unicode.Scalar) -> String {
        let missing = width - text.unicodeScalars.count
        guard missing > 0 else { return text }
        let left =
            switch align ?? standard {
            case "<": 0
            case "^": missing / 2
            default: missing
            }
        let fill = String(fill ?? (isZeroPadded ? "0" : " "))
        return String(repeating: fill, count: left) + text + String(repeating: fill, count: missing - left)
    }

    /// A number from its parts: grouped, signed and filled.
    /// - Parameters:
    ///   - prefix: what stands between sign and digits, such as `0x`.
    ///   - whole: the digits that are grouped.
    ///   - rest: what follows them.
    ///   - group: how many digits make a group.
    func assemble(isNegative: Bool, prefix: String, whole: Substring, rest: Substring, group: Int) -> String {
        let mark = isNegative ? "-" : (sign == "-" ? "" : String(sign))
        let outside = mark.utf8.count + prefix.utf8.count + rest.utf8.count
        let isInner = align == "=" || align == nil && isZeroPadded
        let isZeroFilled = isInner && (fill ?? (isZeroPadded ? "0" : " ")) == "0"
        let digits = grouped(whole, by: group, filling: isZeroFilled ? width - outside : 0)
        guard isInner else { return pad(mark + prefix + digits + rest, by: ">") }
        let missing = max(0, width - outside - digits.utf8.count)
        let fill = String(repeating: String(fill ?? (isZeroPadded ? "0" : " ")), count: missing)
        return mark + prefix + fill + digits + rest
    }

    /// The digits with separators, and with zeros before them until they are so many characters. A separator never comes first,
    /// so it may be one more.
    private func grouped(_ digits: Substring, by size: Int, filling width: Int) -> String {
        let zeros = String(repeating: "0", count: max(0, width - digits.utf8.count))
        // Infinity has no digits to group.
        guard let grouping, !digits.isEmpty else { return zeros + digits }
        var reversed: [UInt8] = []
        var source = digits.utf8.reversed()[...]
        var inGroup = 0
        while !source.isEmpty || reversed.count < width {
            if inGroup == size {
                reversed.append(UInt8(grouping.value))
                inGroup = 0
            }
            reversed.append(source.popFirst() ?? UInt8(ascii: "0"))
            inGroup += 1
        }
        return String(decoding: reversed.reversed(), as: UTF8.self)
    }
}
