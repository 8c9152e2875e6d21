/// Checks `host [":" port]` as in the Host field and in request targets (RFC 9110 section 7.2, RFC 3986 section 3.2).
enum Authority {
    /// User information is refused (RFC 9110 section 4.2.4), and so is an empty host (section 4.2.1).
    static func isValid(_ text: UnsafeRawBufferPointer, needsPort: Bool = false) -> Bool {
        let hostEnd = text.first == UInt8(ascii: "[") ? endOfAddress(text) : endOfName(text)
        guard let hostEnd else { return false }
        guard hostEnd < text.count else { return !needsPort }
        guard text[hostEnd] == Bytes.colon else { return false }
        var port = 0
        for byte in text[(hostEnd + 1)...] {
            guard Bytes.isDigit(byte) else { return false }
            port = port * 10 + Int(byte - 0x30)
            guard port <= 65_535 else { return false }
        }
        return !needsPort || hostEnd + 1 < text.count
    }

    /// The offset after an IPv6 address in brackets; nil when it is none. Only its alphabet is checked.
    private static func endOfAddress(_ text: UnsafeRawBufferPointer) -> Int? {
        guard let end = text.offset(of: UInt8(ascii: "]"), from: 0), end > 2 else { return nil }
        for byte in text[1..<end] {
            guard isHex(byte) || byte == Bytes.colon || byte == UInt8(ascii: ".") else { return nil }
        }
        return end + 1
    }

    /// The offset after a registered name or IPv4 address; nil when it is empty or has other bytes.
    private static func endOfName(_ text: UnsafeRawBufferPointer) -> Int? {
        var offset = 0
        while offset < text.count, text[offset] != Bytes.colon {
            let byte = text[offset]
            if byte == UInt8(ascii: "%") {
                guard offset + 2 < text.count, isHex(text[offset + 1]), isHex(text[offset + 2]) else { return nil }
            } else if !(Bytes.isLetter(byte) || Bytes.isDigit(byte) || isNamePunctuation(byte)) {
                return nil
            }
            offset += 1
        }
        return offset > 0 ? offset : nil
    }

    /// The unreserved marks and sub-delimiters of RFC 3986.
    private static func isNamePunctuation(_ byte: UInt8) -> Bool {
        // The first two are in almost every name.
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || StaticString("_~!$&'()*+,;=").bytes.contains(byte)
    }

    private static func isHex(_ byte: UInt8) -> Bool { Bytes.isDigit(byte) || (byte | 0x20) &- 0x61 < 6 }
}
