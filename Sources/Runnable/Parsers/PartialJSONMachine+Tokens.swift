extension PartialJSONMachine {
    /// A JSON value that is written as a word.
    enum Word {
        case null
        case yes
        case no

        init?(first: UInt8) {
            switch first {
            case UInt8(ascii: "n"): self = .null
            case UInt8(ascii: "t"): self = .yes
            case UInt8(ascii: "f"): self = .no
            default: return nil
            }
        }

        var bytes: [UInt8] {
            switch self {
            case .null: Self.nullBytes
            case .yes: Self.trueBytes
            case .no: Self.falseBytes
            }
        }

        private static let nullBytes = Array("null".utf8)
        private static let trueBytes = Array("true".utf8)
        private static let falseBytes = Array("false".utf8)

        var value: Value {
            switch self {
            case .null: .null
            case .yes: .bool(true)
            case .no: .bool(false)
            }
        }
    }

    /// Which part of a number was read last.
    enum NumberPhase {
        case minus
        case zero
        case whole
        case point
        case fraction
        case exponentMark
        case exponentSign
        case exponent

        /// Whether the text up to here is a number.
        var isNumber: Bool {
            switch self {
            case .zero, .whole, .fraction, .exponent: true
            default: false
            }
        }

        static func first(_ byte: UInt8) -> NumberPhase? {
            byte == UInt8(ascii: "-") ? .minus : NumberPhase.minus.next(byte)
        }

        /// The phase after one more byte, nil when that does not belong to the number.
        func next(_ byte: UInt8) -> NumberPhase? {
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            let isMark = byte | 0x20 == UInt8(ascii: "e")
            switch self {
            case .minus: return isDigit ? (byte == UInt8(ascii: "0") ? .zero : .whole) : nil
            case .zero, .whole:
                if byte == UInt8(ascii: ".") { return .point }
                if isMark { return .exponentMark }
                return isDigit && self != .zero ? .whole : nil
            case .point: return isDigit ? .fraction : nil
            case .fraction: return isMark ? .exponentMark : (isDigit ? .fraction : nil)
            case .exponentMark:
                if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { return .exponentSign }
                return isDigit ? .exponent : nil
            case .exponentSign, .exponent: return isDigit ? .exponent : nil
            }
        }
    }
}

/// Follows the brackets of text that is not read otherwise, passing over what is in double quotes.
struct BracketScanner: Sendable {
    /// The brackets that close what is open, the innermost last.
    private(set) var closers: [UInt8] = []
    private(set) var isInString = false
    private var isEscaped = false
    /// Whether a closing bracket had no opening one.
    private(set) var isMismatched = false

    init() {}

    init(closers: [UInt8], isInString: Bool, isEscaped: Bool) {
        self.closers = closers
        self.isInString = isInString
        self.isEscaped = isEscaped
    }

    mutating func pass(_ byte: UInt8) {
        if isInString {
            if byte == UInt8(ascii: "\""), !isEscaped { isInString = false }
            isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
            return
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"): closers.append(UInt8(ascii: "}"))
        case UInt8(ascii: "["): closers.append(UInt8(ascii: "]"))
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            if closers.last == byte { closers.removeLast() } else { isMismatched = true }
        default: break
        }
    }
}
