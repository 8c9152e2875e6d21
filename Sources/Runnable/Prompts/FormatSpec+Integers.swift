extension FormatSpec {
    /// An integer from its decimal digits.
    func format(digits: Substring, isNegative: Bool, isBool: Bool = false) throws(FormatFailure) -> String {
        let kind = isBool ? "a boolean" : "an integer"
        switch type {
        case "e", "E", "f", "F", "g", "G", "%":
            guard let number = Double(digits), number.isFinite else {
                throw FormatFailure(reason: "the integer is too large for a float")
            }
            return try format(isNegative ? -number : number, of: kind)
        case "s": throw unsuitable(kind)
        default: break
        }
        if precision != nil { throw FormatFailure(reason: "\(kind) takes no precision") }
        if coercesNegativeZero { throw FormatFailure(reason: "z does not go with \(kind)") }
        switch type {
        case "c": return try formatCharacter(digits, isNegative: isNegative)
        case "b": return format(digits, base: 2, prefix: "0b", isNegative: isNegative)
        case "o": return format(digits, base: 8, prefix: "0o", isNegative: isNegative)
        case "x": return format(digits, base: 16, prefix: "0x", isNegative: isNegative)
        case "X": return format(digits, base: 16, prefix: "0X", isNegative: isNegative)
        default: return assemble(isNegative: isNegative, prefix: "", whole: digits, rest: "", group: 3)
        }
    }

    private func formatCharacter(_ digits: Substring, isNegative: Bool) throws(FormatFailure) -> String {
        guard !hasSign, !isAlternate else { throw FormatFailure(reason: "sign and # do not go with type 'c'") }
        guard !isNegative || digits == "0", let code = UInt32(digits), let scalar = Unicode.Scalar(code) else {
            throw FormatFailure(reason: "the integer is no character's number")
        }
        // Inner alignment has nothing to go between, so it is alignment to the right.
        var spec = self
        if align == "=" { spec.align = ">" }
        return spec.pad(String(scalar), by: ">")
    }

    private func format(_ digits: Substring, base: UInt32, prefix: String, isNegative: Bool) -> String {
        let text = Self.convert(digits, base: base, uppercase: prefix == "0X")
        return assemble(isNegative: isNegative, prefix: isAlternate ? prefix : "", whole: text[...], rest: "", group: 4)
    }

    /// Decimal digits in another base. The time is quadratic; there are 4,300 digits at most.
    private static func convert(_ digits: Substring, base: UInt32, uppercase: Bool) -> String {
        if let small = UInt64(digits) { return String(small, radix: Int(base), uppercase: uppercase) }
        var number = digits.utf8.map { UInt32($0 - UInt8(ascii: "0")) }[...]
        var reversed = ""
        while !number.isEmpty {
            var remainder: UInt32 = 0
            for place in number.indices {
                let value = remainder * 10 + number[place]
                number[place] = value / base
                remainder = value % base
            }
            reversed += String(remainder, radix: Int(base), uppercase: uppercase)
            number = number.drop { $0 == 0 }
        }
        return String(reversed.reversed())
    }
}

extension Value {
    /// How many digits an integer may have to be printed, as in Python.
    private static let mostDigits = 4300

    /// The text of a whole number as Python prints it.
    func pythonInteger() throws(FormatFailure) -> String {
        guard case .number(let text) = self else { return "" }
        guard text.utf8.count <= Self.mostDigits else {
            throw FormatFailure(reason: "integers end at \(Self.mostDigits) digits")
        }
        return text == "-0" ? "0" : text
    }
}
