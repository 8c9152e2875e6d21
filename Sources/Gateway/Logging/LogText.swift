/// Writes text into log lines so that it can neither end a line, nor look like another field, nor steer a terminal.
enum LogText {
    /// Bytes of a message or a value; longer ones are cut.
    static let longestValue = 4096

    /// Appends a quoted JSON string.
    static func appendJSON(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        appendJSONContent(text, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends what stands between the quotes of a JSON string.
    static func appendJSONContent(_ text: String, to bytes: inout [UInt8]) {
        appendEscaped(text, to: &bytes, plain: { isPlain($0) }, escape: jsonEscape)
    }

    /// Appends the value of a `key=value` field: as it is where nothing in it could be misread, else quoted.
    static func appendValue(_ text: String, to bytes: inout [UInt8]) {
        if isBare(text) {
            bytes.append(contentsOf: text.utf8)
        } else {
            bytes.append(UInt8(ascii: "\""))
            appendEscaped(text, to: &bytes, plain: { isPlain($0) }, escape: textEscape)
            bytes.append(UInt8(ascii: "\""))
        }
    }

    /// Appends a message: without quotes, as it is a sentence of ours, but safe even so.
    static func appendMessage(_ text: String, to bytes: inout [UInt8]) {
        appendEscaped(text, to: &bytes, plain: { isPlain($0) || $0 == UInt8(ascii: "\"") }, escape: textEscape)
    }

    /// Appends a field's name: letters, digits, `_`, `-` and `.` stay, all else becomes `_`.
    static func appendKey(_ key: String, to bytes: inout [UInt8]) {
        if key.isEmpty { bytes.append(UInt8(ascii: "_")) }
        for byte in key.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                bytes.append(byte)
            default: bytes.append(UInt8(ascii: "_"))
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
        to bytes: inout [UInt8],
        plain: (UInt8) -> Bool,
        escape: (Unicode.Scalar, inout [UInt8]) -> Void
    ) {
        if text.utf8.allSatisfy(plain) {
            bytes.append(contentsOf: text.utf8)
            return
        }
        for scalar in text.unicodeScalars {
            if scalar.isASCII ? plain(UInt8(scalar.value)) : !isDangerous(scalar) {
                bytes.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped)  // every scalar has an encoding
            } else {
                escape(scalar, &bytes)
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

    private static func jsonEscape(_ scalar: Unicode.Scalar, _ bytes: inout [UInt8]) {
        if appendShortEscape(scalar, to: &bytes) { return }
        for unit in UTF16.encode(scalar).unsafelyUnwrapped {  // every scalar has an encoding
            bytes.append(contentsOf: "\\u".utf8)
            appendHex(UInt32(unit), digits: 4, to: &bytes)
        }
    }

    private static func textEscape(_ scalar: Unicode.Scalar, _ bytes: inout [UInt8]) {
        if appendShortEscape(scalar, to: &bytes) { return }
        bytes.append(contentsOf: "\\u{".utf8)
        appendHex(scalar.value, digits: scalar.value < 0x100 ? 2 : scalar.value < 0x10000 ? 4 : 6, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    private static func appendShortEscape(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) -> Bool {
        let letter: Unicode.Scalar
        switch scalar {
        case "\"", "\\": letter = scalar
        case "\n": letter = "n"
        case "\r": letter = "r"
        case "\t": letter = "t"
        default: return false
        }
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(UInt8(truncatingIfNeeded: letter.value))
        return true
    }

    private static func appendHex(_ number: UInt32, digits: UInt32, to bytes: inout [UInt8]) {
        for place in (0..<digits).reversed() {
            let nibble = UInt8(truncatingIfNeeded: number >> (place * 4)) & 15
            bytes.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
        }
    }
}
