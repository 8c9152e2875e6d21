import Glibc

/// IPv4 literals, as the C library reads them.
enum IPv4 {
    /// Whether the text is four decimal numbers; no short forms.
    static func isValid(_ text: String) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1
    }
}

/// IPv6 literals, without brackets, as the C library reads them.
enum IPv6 {
    static func isValid(_ text: String) -> Bool { bytes(text) != nil }

    /// ::1, or an IPv4 loopback address mapped into IPv6.
    static func isLoopback(_ text: String) -> Bool {
        guard let bytes = bytes(text) else { return false }
        let isOne = bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
        return isOne || (isMapped && bytes[12] == 127)
    }

    /// The 16 bytes of the address; nil when the text is none.
    static func bytes(_ text: String) -> [UInt8]? {
        var address = in6_addr()
        guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
        return withUnsafeBytes(of: &address) { Array($0) }
    }
}
