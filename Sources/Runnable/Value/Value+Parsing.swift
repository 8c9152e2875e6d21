/// Why a text is not JSON.
public struct ValueParseError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where, in bytes of UTF-8 from the start.
    public let offset: Int
    /// What is wrong.
    public let reason: String

    /// For example `offset 3: expected a value`.
    public var description: String { "offset \(offset): \(reason)" }
}

extension Value {
    /// How deep arrays and objects may nest in parsed text.
    public static let maximumParsedDepth = 128

    /// Reads a JSON text (RFC 8259): one value with white space around it and nothing else.
    ///
    /// For the small texts a library meets, such as tool arguments; the gateway has a faster reader. Numbers keep their
    /// text, of equal keys the last wins, and lone surrogates become U+FFFD.
    public init(parsing text: String) throws(ValueParseError) {
        var text = text
        let outcome = text.withUTF8 { bytes -> Result<Value, ValueParseError> in
            var parser = ValueParser(bytes: bytes)
            do throws(ValueParseError) { return .success(try parser.wholeText()) } catch { return .failure(error) }
        }
        self = try outcome.get()
    }
}

private struct ValueParser {
    let bytes: UnsafeBufferPointer<UInt8>
    var place = 0
    var depth = 0

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func wholeText() throws(ValueParseError) -> Value {
        let value = try value()
        skipSpace()
        guard place == bytes.count else { throw failure("unexpected text after the value") }
        return value
    }

    private func failure(_ reason: String) -> ValueParseError { ValueParseError(offset: place, reason: reason) }

    private var current: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { place += 1 }
    }

    private mutating func skip(_ byte: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: byte) else { return false }
        place += 1
        return true
    }

    private mutating func value() throws(ValueParseError) -> Value {
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func word(_ text: StaticString, _ value: Value) throws(ValueParseError) -> Value {
        let count = text.utf8CodeUnitCount
        let expected = UnsafeBufferPointer(start: text.utf8Start, count: count)
        guard place + count <= bytes.count, bytes[place..<place + count].elementsEqual(expected) else {
            throw failure("expected a value")
        }
        place += count
        return value
    }

    private mutating func enter() throws(ValueParseError) {
        place += 1
        depth += 1
        guard depth <= Value.maximumParsedDepth else { throw failure("nested too deeply") }
        skipSpace()
    }

    private mutating func array() throws(ValueParseError) -> [Value] {
        try enter()
        defer { depth -= 1 }
        var elements: [Value] = []
        if skip("]") { return elements }
        while true {
            elements.append(try value())
            skipSpace()
            if skip("]") { return elements }
            guard skip(",") else { throw failure("expected ',' or ']'") }
        }
    }

    private mutating func object() throws(ValueParseError) -> Value.Object {
        try enter()
        defer { depth -= 1 }
        var members = Value.Object()
        if skip("}") { return members }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw failure("expected a key") }
            let key = try string()
            skipSpace()
            guard skip(":") else { throw failure("expected ':'") }
            members[key] = try value()
            skipSpace()
            if skip("}") { return members }
            guard skip(",") else { throw failure("expected ',' or '}'") }
        }
    }

    private mutating func digits() -> Int {
        let start = place
        while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { place += 1 }
        return place - start
    }

    private mutating func number() throws(ValueParseError) -> String {
        let start = place
        _ = skip("-")
        let startsWithZero = current == UInt8(ascii: "0")
        let whole = digits()
        guard whole > 0 else { throw failure("expected a value") }
        guard !startsWithZero || whole == 1 else { throw failure("a number must not begin with 0") }
        if skip("."), digits() == 0 { throw failure("expected digits after '.'") }
        if skip("e") || skip("E") {
            if !skip("+") { _ = skip("-") }
            guard digits() > 0 else { throw failure("expected digits of the exponent") }
        }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private mutating func string() throws(ValueParseError) -> String {
        place += 1
        let start = place
        while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { place += 1 }
        if current == UInt8(ascii: "\"") {
            defer { place += 1 }
            return String(decoding: bytes[start..<place], as: UTF8.self)
        }
        return try escapedString(from: start)
    }

    /// The rest of a string that has an escape (or a mistake) at `place`.
    private mutating func escapedString(from start: Int) throws(ValueParseError) -> String {
        var text = Array(bytes[start..<place])
        while let byte = current {
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text.append(contentsOf: String(try escape()).utf8)
            case 0..<0x20:
                place -= 1
                throw failure("control character in a string")
            default: text.append(byte)
            }
        }
        throw failure("the string does not end")
    }

    private mutating func escape() throws(ValueParseError) -> Unicode.Scalar {
        let byte = current
        place += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default:
            place -= 1
            throw failure("unknown escape")
        }
    }

    private mutating func unicodeEscape() throws(ValueParseError) -> Unicode.Scalar {
        let unit = try fourDigits()
        guard (0xD800..<0xE000).contains(unit) else { return Unicode.Scalar(unit) ?? "\u{FFFD}" }
        let second = place
        guard unit < 0xDC00, skip("\\"), skip("u") else {
            place = second
            return "\u{FFFD}"
        }
        let low = try fourDigits()
        guard (0xDC00..<0xE000).contains(low) else {
            place = second
            return "\u{FFFD}"
        }
        return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}"
    }

    private mutating func fourDigits() throws(ValueParseError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("expected four hexadecimal digits")
            }
            unit = unit << 4 | UInt32(digit)
            place += 1
        }
        return unit
    }
}
