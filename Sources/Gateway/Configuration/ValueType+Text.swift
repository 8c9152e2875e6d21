extension ValueType where Value == String {
    /// A text on one line, for something that ends up in a header field or a JSON string.
    static func text(_ what: String = "a text", limit: Int = 512) -> ValueType {
        ValueType("text") { scalar, _ in
            guard scalar.isText, !scalar.text.isEmpty else { return .failure(Mismatch(expected: what)) }
            guard scalar.text.utf8.count <= limit, scalar.text.unicodeScalars.allSatisfy(isPrintable) else {
                return .failure(Mismatch(expected: "\(what) of at most \(limit) bytes without control characters"))
            }
            return .success(scalar.text)
        } format: {
            .text($0)
        }
    }

    /// Visible ASCII for a header field whose name is ours.
    static func token(_ what: String) -> ValueType {
        ValueType("text") { scalar, _ in
            guard scalar.isText, Secret.isToken(scalar.text.utf8) else {
                return .failure(Mismatch(expected: "\(what) of visible ASCII characters"))
            }
            return .success(scalar.text)
        } format: {
            .text($0)
        }
    }

    /// The path of a file that can be read now; relative paths start where the configuration file is.
    static var file: ValueType {
        ValueType("path of a file") { scalar, context in
            let path = absolute(scalar, in: context)
            guard let path else { return .failure(Mismatch(expected: "the path of a file")) }
            switch SmallFile.mode(of: path) {
            case .success: return .success(path)
            case .failure(let failure):
                return .failure(
                    Mismatch(
                        expected: "the path of a readable file",
                        hint: failure.reason,
                        hidesValue: !looksLikePath(scalar.text)
                    )
                )
            }
        } format: {
            .text($0)
        }
    }

    /// Whether a text may be shown that is no file's path: neither a key that was put where its file belongs, nor a certificate's text.
    private static func looksLikePath(_ text: String) -> Bool {
        guard text.utf8.count <= 255, !text.contains(where: \.isWhitespace) else { return false }
        let isRooted = ["/", "./", "../"].contains { text.hasPrefix($0) }
        return isRooted || ["pem", "crt", "cer", "key", "txt"].contains { text.hasSuffix(".\($0)") }
    }

    /// The name of a host, as certificates carry it.
    static var hostName: ValueType {
        ValueType("host name") { scalar, _ in
            guard UpstreamURL.isHostName(scalar.text) else { return .failure(Mismatch(expected: "a host name")) }
            return .success(scalar.text.lowercased())
        } format: {
            .text($0)
        }
    }

    /// The name of a backend or model, referred to from elsewhere; whether it exists is checked when all are read.
    static func reference(to what: String) -> ValueType {
        ValueType("name of a \(what)") { scalar, _ in
            guard !scalar.isNull, !scalar.text.isEmpty else {
                return .failure(Mismatch(expected: "the name of a \(what)"))
            }
            return .success(scalar.text)
        } format: {
            .text($0)
        }
    }

    /// The absolute path a scalar stands for; nil when it can be none.
    static func absolute(_ scalar: SettingScalar, in context: LoadContext) -> String? {
        guard !scalar.isNull, !scalar.text.isEmpty, !scalar.text.utf8.contains(0) else { return nil }
        return scalar.text.hasPrefix("/") ? scalar.text : "\(context.directory)/\(scalar.text)"
    }
}

extension ValueType where Value == UInt32 {
    /// Permissions in octal, quoted or not.
    static var permissions: ValueType {
        ValueType("octal permissions") { scalar, _ in
            guard (3...4).contains(scalar.text.count), let mode = UInt32(scalar.text, radix: 8), mode <= 0o777 else {
                return .failure(Mismatch(expected: "permissions in octal, such as 0660"))
            }
            return .success(mode)
        } format: {
            .text(formatPermissions($0))
        }
    }
}

/// Four octal digits.
func formatPermissions(_ mode: UInt32) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}

/// Whether a text can be a header field's value: visible ASCII, blanks only inside.
func isFieldValue(_ text: String) -> Bool {
    let bytes = text.utf8
    guard let first = bytes.first, let last = bytes.last, first != 0x20, last != 0x20 else { return false }
    return bytes.count <= 8192 && bytes.allSatisfy { (0x20...0x7e).contains($0) }
}

/// Whether a text can be a header field's name (RFC 9110, section 5.1).
func isFieldName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 128
        && text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
            default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
}

/// Whether a name is one that usually carries a credential. `max_tokens` is none.
func looksSecret(_ name: String) -> Bool {
    let words = name.lowercased().split { $0 == "-" || $0 == "_" || $0 == "." }
    let telling: Set<Substring> = [
        "apikey", "auth", "authentication", "authorization", "bearer", "cookie", "credential", "credentials", "jwt",
        "key", "passwd", "password", "secret", "session", "signature", "token",
    ]
    return words.contains {
        telling.contains($0) || $0.hasSuffix("key") || $0.hasSuffix("secret") || $0.hasSuffix("token")
    }
}
