/// An escape that is being read.
struct StringEscape: Sendable {
    enum Progress {
        case none
        case backslash
        /// The digits' value so far, and how many there are.
        case digits(UInt32, Int)
    }

    var progress = Progress.none
    /// The first half of a surrogate pair, which waits for the second.
    var highSurrogate: UInt32?

    var isOpen: Bool {
        if case .none = progress { false } else { true }
    }
}

extension PartialJSONMachine {
    /// Reads on in the open string until it ends, something is wrong or the piece ends.
    mutating func readString(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, at place: inout Int) {
        guard case .string(let isKey) = state else { return }
        while place < bytes.endIndex {
            if escape.isOpen {
                guard readEscape(bytes[place], isKey: isKey) else {
                    let isAfterBackslash = if case .backslash = escape.progress { true } else { false }
                    fail(
                        "unknown escape",
                        bytes[place],
                        at: offset + place - bytes.startIndex,
                        inString: isAfterBackslash
                    )
                    escape = StringEscape()
                    place += 1
                    return
                }
                place += 1
                continue
            }
            let start = place
            while place < bytes.endIndex, bytes[place] != UInt8(ascii: "\""), bytes[place] != UInt8(ascii: "\\") {
                place += 1
            }
            let isWhole = place < bytes.endIndex
            append(bytes[start..<place], isKey: isKey, keepingEnd: !isWhole)
            guard isWhole else { return }
            defer { place += 1 }
            guard bytes[place] == UInt8(ascii: "\\") else {
                endHighSurrogate(isKey: isKey)
                completeString(isKey: isKey)
                return
            }
            escape.progress = .backslash
        }
    }

    /// Adds text of the string. When the piece ends behind it, white space and back-ticks at its end are kept back: they are
    /// not part of the value if the text ends there.
    private mutating func append(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, isKey: Bool, keepingEnd: Bool) {
        if !bytes.isEmpty { endHighSurrogate(isKey: isKey) }
        var end = bytes.endIndex
        if keepingEnd, !isKey {
            while end > bytes.startIndex, Self.isPadding(bytes[end - 1]) { end -= 1 }
        }
        if end > bytes.startIndex || !keepingEnd {
            if !withheld.isEmpty { add(withheld, isKey: isKey) }
            withheld = ""
            if end > bytes.startIndex { add(String(decoding: bytes[..<end], as: UTF8.self), isKey: isKey) }
        }
        if end < bytes.endIndex { withheld += String(decoding: bytes[end...], as: UTF8.self) }
    }

    private static func isPadding(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte) || byte == UInt8(ascii: "`")
    }

    private mutating func add(_ part: String, isKey: Bool) {
        text += part
        if !isKey { isChanged = true }
    }

    private mutating func add(_ scalar: Unicode.Scalar, isKey: Bool) {
        text.unicodeScalars.append(scalar)
        if !isKey { isChanged = true }
    }

    /// What follows is no second half of a pair.
    private mutating func endHighSurrogate(isKey: Bool) {
        guard escape.highSurrogate != nil else { return }
        escape.highSurrogate = nil
        add("\u{FFFD}" as Unicode.Scalar, isKey: isKey)
    }

    /// Reads a byte of an escape. False when it does not belong there.
    private mutating func readEscape(_ byte: UInt8, isKey: Bool) -> Bool {
        if case .digits(let value, let count) = escape.progress {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return false }
            let unit = value << 4 | UInt32(digit)
            escape.progress = count == 3 ? .none : .digits(unit, count + 1)
            if count == 3 { add(unit: unit, isKey: isKey) }
            return true
        }
        if byte == UInt8(ascii: "u") {
            escape.progress = .digits(0, 0)
            return true
        }
        guard let scalar = Self.escaped(byte) else { return false }
        endHighSurrogate(isKey: isKey)
        add(scalar, isKey: isKey)
        escape.progress = .none
        return true
    }

    /// Adds a UTF-16 unit. Halves of pairs that stand alone become U+FFFD.
    private mutating func add(unit: UInt32, isKey: Bool) {
        if let high = escape.highSurrogate, (0xDC00..<0xE000).contains(unit) {
            escape.highSurrogate = nil
            add(Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (unit - 0xDC00)) ?? "\u{FFFD}", isKey: isKey)
            return
        }
        endHighSurrogate(isKey: isKey)
        if (0xD800..<0xDC00).contains(unit) {
            escape.highSurrogate = unit
        } else {
            add(Unicode.Scalar(unit) ?? "\u{FFFD}", isKey: isKey)
        }
    }

    private static func escaped(_ byte: UInt8) -> Unicode.Scalar? {
        switch byte {
        case UInt8(ascii: "\""): "\""
        case UInt8(ascii: "\\"): "\\"
        case UInt8(ascii: "/"): "/"
        case UInt8(ascii: "b"): "\u{8}"
        case UInt8(ascii: "f"): "\u{C}"
        case UInt8(ascii: "n"): "\n"
        case UInt8(ascii: "r"): "\r"
        case UInt8(ascii: "t"): "\t"
        default: nil
        }
    }
}
