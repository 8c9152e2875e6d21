extension FormatSpec {
    /// A floating-point number, or an integer that is to be written as one.
    func format(_ number: Double, of kind: String) throws(FormatFailure) -> String {
        let layout: FloatLayout
        switch type {
        case nil where precision == nil: layout = .shortest(number, isAlternate: isAlternate)
        case nil: layout = .general(number, precision: precision ?? 6, isAlternate: isAlternate, endsWithFraction: true)
        case "e", "E": layout = .exponential(number, precision: precision ?? 6, isAlternate: isAlternate)
        case "f", "F": layout = .fixed(number, precision: precision ?? 6, isAlternate: isAlternate)
        case "g", "G", "n": layout = .general(number, precision: precision ?? 6, isAlternate: isAlternate)
        case "%": layout = .fixed(number * 100, precision: precision ?? 6, isAlternate: isAlternate)
        default: throw unsuitable(kind)
        }
        var text = layout.text
        if type == "E" || type == "F" || type == "G" { text = text.uppercased() }
        if type == "%" { text += "%" }
        let end = text.utf8.firstIndex { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? text.endIndex
        let isNegative = number.sign == .minus && !(coercesNegativeZero && layout.isZero)
        return assemble(isNegative: isNegative, prefix: "", whole: text[..<end], rest: text[end...], group: 3)
    }
}

/// A floating-point number written without its sign, as Python writes it.
struct FloatLayout {
    let text: String
    /// Whether all digits of the text are 0.
    let isZero: Bool

    private init(_ text: String, isZero: Bool = false) {
        self.text = text
        self.isZero = isZero
    }

    private static func special(_ number: Double) -> FloatLayout? {
        if number.isFinite { return nil }
        return FloatLayout(number.isNaN ? "nan" : "inf")
    }

    /// The fewest digits that read as the same number, with a fraction or an exponent.
    static func shortest(_ number: Double, isAlternate: Bool = false) -> FloatLayout {
        if let special = special(number) { return special }
        return general(
            DecimalDigits(shortest: number),
            highestPoint: 16,
            isAlternate: isAlternate,
            endsWithFraction: true
        )
    }

    /// So many digits in all; trailing zeros go unless `isAlternate`.
    static func general(
        _ number: Double,
        precision: Int,
        isAlternate: Bool,
        endsWithFraction: Bool = false
    ) -> FloatLayout {
        if let special = special(number) { return special }
        let precision = max(1, precision)
        var digits = DecimalDigits(exactly: number).rounded(to: precision)
        if isAlternate { digits.pad(to: precision) }
        let highest = endsWithFraction ? precision - 1 : precision
        return general(digits, highestPoint: highest, isAlternate: isAlternate, endsWithFraction: endsWithFraction)
    }

    private static func general(
        _ digits: DecimalDigits,
        highestPoint: Int,
        isAlternate: Bool,
        endsWithFraction: Bool
    ) -> FloatLayout {
        if digits.point <= -4 || digits.point > highestPoint {
            return FloatLayout(exponential(digits, isAlternate: isAlternate), isZero: digits.isZero)
        }
        let (whole, fraction) = digits.split()
        if fraction.isEmpty {
            return FloatLayout(whole + (endsWithFraction ? ".0" : (isAlternate ? "." : "")), isZero: digits.isZero)
        }
        return FloatLayout("\(whole).\(fraction)", isZero: digits.isZero)
    }

    /// One digit, so many more behind the point, and an exponent.
    static func exponential(_ number: Double, precision: Int, isAlternate: Bool) -> FloatLayout {
        if let special = special(number) { return special }
        var digits = DecimalDigits(exactly: number).rounded(to: precision + 1)
        digits.pad(to: precision + 1)
        return FloatLayout(exponential(digits, isAlternate: isAlternate), isZero: digits.isZero)
    }

    private static func exponential(_ digits: DecimalDigits, isAlternate: Bool) -> String {
        let exponent = digits.point - 1
        let text = digits.text
        let point = text.utf8.count > 1 || isAlternate ? "." : ""
        let magnitude = String(exponent.magnitude)
        let zero = magnitude.utf8.count < 2 ? "0" : ""
        return "\(text.prefix(1))\(point)\(text.dropFirst())e\(exponent < 0 ? "-" : "+")\(zero)\(magnitude)"
    }

    /// So many digits behind the point.
    static func fixed(_ number: Double, precision: Int, isAlternate: Bool) -> FloatLayout {
        if let special = special(number) { return special }
        let exact = DecimalDigits(exactly: number)
        var digits = exact.rounded(to: exact.point + precision)
        digits.pad(to: digits.point + precision)
        let (whole, fraction) = digits.split()
        let padded = fraction + String(repeating: "0", count: max(0, precision - fraction.utf8.count))
        let text = precision == 0 ? whole + (isAlternate ? "." : "") : "\(whole).\(padded)"
        return FloatLayout(text, isZero: digits.isZero)
    }
}
