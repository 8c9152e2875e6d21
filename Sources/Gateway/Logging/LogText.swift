/// Writes text into log lines so that it can neither end a line, nor look like another field, nor steer a terminal.
enum LogText {
    /// Bytes of a message or a value; longer ones are cut.
    static let longestValue = 4096

    /// Appends a quoted JSON string.
    static func appendJSON(_ text: String, to line: inout LineBuffer) {
        line.append(UInt8(ascii: "\""))
        appendJSONContent(text, to: &line)
        line.append(UInt8(ascii: "\""))
    }

    /// Appends what stands between the quotes of a JSON string.
    static func appendJSONContent(_ text: String, to line: inout LineBuffer) {
        appendEscaped(text, to: &line, plain: { isPlain($0) }, escape: jsonEscape)
    }

    /// Appends the value of a `key=value` field: as it is where nothing in it could be misread, else quoted.
    static func appendValue(_ text: String, to line: inout LineBuffer) {
        if isBare(text) {
            line.append(raw: text)
        } else {
            line.append(UInt8(ascii: "\""))
            appendEscaped(text, to: &line, plain: { isPlain($0) }, escape: textEscape)
            line.append(UInt8(ascii: "\""))
        }
    }

    /// Appends a message: without quotes, as it is a sentence of ours, but safe even so.
    static func appendMessage(_ text: String, to line: inout LineBuffer) {
        appendEscaped(text, to: &line, plain: { isPlain($0) || $0 == UInt8(ascii: "\"") }, escape: textEscape)
    }

    /// Appends a field's name: letters, digits, `_`, `-` and `.` stay, all else becomes `_`.
    static func appendKey(_ key: String, to line: inout LineBuffer) {
        if key.isEmpty { line.append(UInt8(ascii: "_")) }
        for byte in key.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                line.append(byte)
            default: line.append(UInt8(ascii: "_"))
            }
        }
    }

    /// Appends a field's name as the journal takes it behind `HEADGATE_`: capitals, digits and `_`, 64 bytes in all.
    static func appendJournalKey(_ key: String, to line: inout LineBuffer) {
        for byte in key.utf8.prefix(64 - "HEADGATE_".utf8.count) {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): line.append(byte & ~0x20)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): line.append(byte)
            default: line.append(UInt8(ascii: "_"))
            }
        }
    }

    /// Whether a byte is printable ASCII that no form escapes.
    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private static func isBare(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isPlain($0) && $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "=") }
    }

    @inline(__always)
    private static func appendEscaped(
        _ text: String,
        to line: inout LineBuffer,
        plain: (UInt8) -> Bool,
        escape: (Unicode.Scalar, inout LineBuffer) -> Void
    ) {
        if text.utf8.allSatisfy(plain) { return line.append(raw: text) }
        for scalar in text.unicodeScalars {
            if scalar.isASCII ? plain(UInt8(scalar.value)) : !isDangerous(scalar) {
                line.append(raw: String(scalar))
            } else {
                escape(scalar, &line)
            }
        }
    }

    /// Characters beyond ASCII that end lines, steer terminals or turn the reading direction (so that a line shows as
    /// another than it is).
    private static func isDangerous(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x80...0x9F, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB,
            0xE0000...0xE007F:
            true
        default: false
        }
    }

    private static func jsonEscape(_ scalar: Unicode.Scalar, _ line: inout LineBuffer) {
        if appendShortEscape(scalar, to: &line) { return }
        for unit in UTF16.encode(scalar).unsafelyUnwrapped {  // every scalar has an encoding
            line.append("\\u")
            line.append(hex: UInt64(unit), digits: 4)
        }
    }

    private static func textEscape(_ scalar: Unicode.Scalar, _ line: inout LineBuffer) {
        if appendShortEscape(scalar, to: &line) { return }
        line.append("\\u{")
        line.append(hex: UInt64(scalar.value), digits: scalar.value < 0x100 ? 2 : scalar.value < 0x10000 ? 4 : 6)
        line.append(UInt8(ascii: "}"))
    }

    private static func appendShortEscape(_ scalar: Unicode.Scalar, to line: inout LineBuffer) -> Bool {
        let letter: Unicode.Scalar
        switch scalar {
        case "\"", "\\": letter = scalar
        case "\n": letter = "n"
        case "\r": letter = "r"
        case "\t": letter = "t"
        default: return false
        }
        line.append(UInt8(ascii: "\\"))
        line.append(UInt8(truncatingIfNeeded: letter.value))
        return true
    }
}
