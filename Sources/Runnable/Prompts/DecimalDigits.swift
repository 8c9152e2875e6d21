/// The decimal digits of a number without its sign: `0.` and the digits, times ten to the power of `point`. Zero is one digit 0
/// with the point behind it.
struct DecimalDigits {
    private var digits: [UInt8]
    private(set) var point: Int

    /// All digits of a finite number.
    init(exactly number: Double) {
        let exponent = Int(number.exponentBitPattern)
        let fraction = UInt64(number.significandBitPattern)
        // A double is a whole number times a power of two.
        let significand = exponent == 0 ? fraction : fraction | 1 << 52
        let power = max(exponent, 1) - 1075
        var limbs = [UInt32(significand % 1_000_000_000), UInt32(significand / 1_000_000_000)]
        // m / 2^k is m * 5^k / 10^k.
        Self.multiply(&limbs, by: power < 0 ? 5 : 2, times: abs(power))
        digits = []
        for limb in limbs.reversed() {
            let text = String(limb)
            digits.append(contentsOf: repeatElement(0, count: 9 - text.utf8.count))
            digits.append(contentsOf: text.utf8.map { $0 - UInt8(ascii: "0") })
        }
        digits.removeFirst(digits.prefix { $0 == 0 }.count)
        point = digits.count + min(power, 0)
        trim()
    }

    /// The fewest digits that read as the same finite number.
    init(shortest number: Double) {
        let parts = number.magnitude.description.split(separator: "e")
        let mantissa = (parts.first ?? "0").split(separator: ".", omittingEmptySubsequences: false)
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let whole = mantissa.first ?? ""
        digits = whole.utf8.map { $0 - UInt8(ascii: "0") }
        if mantissa.count > 1 { digits += mantissa[1].utf8.map { $0 - UInt8(ascii: "0") } }
        let zeros = digits.prefix { $0 == 0 }.count
        digits.removeFirst(zeros)
        point = whole.utf8.count - zeros + exponent
        trim()
    }

    private init(digits: [UInt8], point: Int) {
        self.digits = digits
        self.point = point
        trim()
    }

    private mutating func trim() {
        while digits.last == 0 { digits.removeLast() }
        if digits.isEmpty {
            digits = [0]
            point = 1
        }
    }

    private static func multiply(_ limbs: inout [UInt32], by factor: UInt64, times count: Int) {
        var count = count
        while count > 0 {
            var step: UInt64 = 1
            for _ in 0..<min(count, 13) { step *= factor }
            count -= min(count, 13)
            var carry: UInt64 = 0
            for place in limbs.indices {
                let product = UInt64(limbs[place]) * step + carry
                limbs[place] = UInt32(product % 1_000_000_000)
                carry = product / 1_000_000_000
            }
            while carry > 0 {
                limbs.append(UInt32(carry % 1_000_000_000))
                carry /= 1_000_000_000
            }
        }
    }

    var isZero: Bool { digits.allSatisfy { $0 == 0 } }

    /// The digits one after the other.
    var text: String { Self.text(digits[...]) }

    private static func text(_ digits: ArraySlice<UInt8>) -> String {
        String(decoding: digits.lazy.map { $0 + UInt8(ascii: "0") }, as: UTF8.self)
    }

    /// The nearest number with no more than so many digits, of two equally near ones that with an even last digit. Without
    /// trailing zeros. A negative count gives zero.
    func rounded(to count: Int) -> DecimalDigits {
        guard count < digits.count else { return self }
        guard count >= 0 else { return DecimalDigits(digits: [], point: 1) }
        var kept = Array(digits[..<count])
        let tail = digits[count...]
        let isHalf = tail.first == 5 && tail.dropFirst().allSatisfy { $0 == 0 }
        let isUp = isHalf ? (kept.last ?? 0) % 2 == 1 : (tail.first ?? 0) >= 5
        guard isUp else { return DecimalDigits(digits: kept, point: point) }
        while let last = kept.last {
            if last < 9 {
                kept[kept.count - 1] = last + 1
                return DecimalDigits(digits: kept, point: point)
            }
            kept.removeLast()
        }
        return DecimalDigits(digits: [1], point: point + 1)
    }

    /// Adds zeros until there are so many digits.
    mutating func pad(to count: Int) {
        if count > digits.count { digits.append(contentsOf: repeatElement(0, count: count - digits.count)) }
    }

    /// The digits before the point, at least one, and those behind it.
    func split() -> (whole: String, fraction: String) {
        if point <= 0 { return ("0", String(repeating: "0", count: -point) + text) }
        let whole = Self.text(digits.prefix(point)) + String(repeating: "0", count: max(0, point - digits.count))
        return (whole, Self.text(digits.dropFirst(point)))
    }
}
