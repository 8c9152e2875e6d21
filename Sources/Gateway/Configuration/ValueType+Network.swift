extension ValueType where Value == ListenAddress {
    static var address: ValueType {
        ValueType("address") { scalar, _ in
            ListenAddress.parse(scalar)
        } format: {
            .text($0.description)
        }
    }
}

extension ListenAddress {
    private static let expected = "an address such as 127.0.0.1:8080, [::1]:8080 or unix:/run/headgate/headgate.sock"

    /// Reads the spelling of the file. Host names are refused: they may stand for several addresses, or change.
    static func parse(_ scalar: SettingScalar) -> Result<ListenAddress, Mismatch> {
        let text = scalar.text
        if text.hasPrefix("unix:") { return parseUnix(String(text.dropFirst(5))) }
        guard let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") else {
            let isPort = !scalar.hasVariables && wholeNumber(text).map { $0 <= 65535 } == true
            return .failure(Mismatch(expected: expected, hint: isPort ? choice(port: text) : nil))
        }
        let host = text[..<colon]
        let portText = String(text[colon...].dropFirst())
        guard let port = wholeNumber(portText).flatMap(UInt16.init(exactly:)) else {
            let isBareIPv6 = IPv6.isValid(text)
            let hint = isBareIPv6 ? "write IPv6 in brackets, with a port" : "the port is a number from 0 to 65535"
            return .failure(
                Mismatch(expected: expected, hint: host.isEmpty || isBareIPv6 || !portText.isEmpty ? hint : nil)
            )
        }
        if host.isEmpty || host == "*" {
            return .failure(Mismatch(expected: expected, hint: scalar.hasVariables ? nil : choice(port: portText)))
        }
        if IPv4.isValid(String(host)) { return .success(.ipv4(host: String(host), port: port)) }
        if host.hasPrefix("["), host.hasSuffix("]") {
            let inner = String(host.dropFirst().dropLast())
            guard IPv6.isValid(inner) else { return .failure(Mismatch(expected: expected)) }
            return .success(.ipv6(host: inner, port: port))
        }
        let hint =
            host == "localhost"
            ? "localhost can be two addresses: write 127.0.0.1:\(port) or [::1]:\(port)"
            : host.contains(":") ? "write IPv6 in brackets: [::1]:8080" : "a host name is no address to listen on"
        return .failure(Mismatch(expected: expected, hint: scalar.hasVariables ? nil : hint))
    }

    private static func choice(port: String) -> String {
        "say which addresses: 127.0.0.1:\(port) for this machine only, 0.0.0.0:\(port) or [::]:\(port) for all"
    }

    /// 107 bytes is what `sockaddr_un` holds, less the closing zero.
    private static func parseUnix(_ path: String) -> Result<ListenAddress, Mismatch> {
        guard path.hasPrefix("/"), !path.hasSuffix("/"), !path.utf8.contains(where: { $0 < 0x20 }) else {
            return .failure(Mismatch(expected: "an absolute path after unix:"))
        }
        guard path.utf8.count <= 107 else {
            return .failure(Mismatch(expected: "at most 107 bytes of path after unix:"))
        }
        return .success(.unix(path: path))
    }
}

extension ValueType where Value == UpstreamURL {
    static var url: ValueType { url("https://api.openai.com/v1", adding: "/chat/completions") }

    /// Of a collector of OpenTelemetry's.
    static var collector: ValueType { url("http://127.0.0.1:4318", adding: "/v1/traces") }

    /// - Parameters:
    ///   - example: one of them.
    ///   - path: what is added to it.
    private static func url(_ example: String, adding path: String) -> ValueType {
        ValueType("URL") { scalar, _ in
            // What may carry a password or a key is not repeated.
            let isDelicate = scalar.text.contains { "@?#".contains($0) }
            return UpstreamURL.parse(scalar.text, example: example, adding: path).mapError { mismatch in
                var mismatch = mismatch
                mismatch.hidesValue = isDelicate
                return mismatch
            }
        } format: {
            .text($0.description)
        }
    }
}

extension UpstreamURL {
    /// Reads an absolute `http` or `https` URL that paths can be added to.
    ///
    /// - Parameters:
    ///   - example: one of them, for errors.
    ///   - added: the path that will be added, which must not be there yet.
    static func parse(
        _ text: String,
        example: String = "https://api.openai.com/v1",
        adding added: String = "/chat/completions"
    ) -> Result<UpstreamURL, Mismatch> {
        let expected = "a base URL such as \(example)"
        func failure(_ hint: String?) -> Result<UpstreamURL, Mismatch> {
            .failure(Mismatch(expected: expected, hint: hint))
        }
        guard let mark = text.firstRange(of: "://"),
            let scheme = Scheme(rawValue: text[..<mark.lowerBound].lowercased())
        else {
            return failure(text.contains("://") || text.isEmpty ? nil : "begin with http:// or https://")
        }
        guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            return failure("a URL has no blanks and only ASCII characters")
        }
        let rest = text[mark.upperBound...]
        let authority = rest.prefix { !"/?#".contains($0) }
        guard !authority.contains("@") else {
            return failure("a URL carries no user name or password here; use api_key or headers")
        }
        guard !rest.contains("?"), !rest.contains("#") else {
            return failure("a base URL has no query and no fragment")
        }
        guard let (host, port) = parse(authority: authority) else {
            return failure("the host or the port is not valid")
        }
        var path = rest.dropFirst(authority.count)
        while path.hasSuffix("/") { path.removeLast() }
        guard isPath(path) else { return failure("the path is not valid") }
        guard !path.hasSuffix(added) else { return failure("leave out \(added), it is added") }
        return .success(UpstreamURL(scheme: scheme, host: host, port: port, path: String(path)))
    }

    /// Host and port; a nil port stands for the scheme's own.
    private static func parse(authority: Substring) -> (host: String, port: UInt16?)? {
        var host = authority
        var port: UInt16?
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            guard let number = wholeNumber(String(authority[colon...].dropFirst())), (1...65535).contains(number) else {
                return nil
            }
            port = UInt16(number)
            host = authority[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            let inner = String(host.dropFirst().dropLast())
            return IPv6.isValid(inner) ? (inner.lowercased(), port) : nil
        }
        guard isHostName(String(host)) else { return nil }
        return (host.lowercased(), port)
    }

    /// A DNS name or an IPv4 address. Names whose last label is a number would be misread as addresses.
    static func isHostName(_ text: String) -> Bool {
        var labels = text.split(separator: ".", omittingEmptySubsequences: false)
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        guard text.utf8.count <= 253, let last = labels.last else { return false }
        let areValid = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        }
        return areValid && (!last.allSatisfy(\.isNumber) || IPv4.isValid(text))
    }

    /// Segments of RFC 3986's path characters, none of them `.` or `..`.
    private static func isPath(_ path: Substring) -> Bool {
        guard !path.isEmpty else { return true }
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        return segments.allSatisfy { segment in
            !segment.isEmpty && segment != "." && segment != ".."
                && areSegmentCharacters(segment, allowingPercent: true)
        }
    }
}

/// Whether all characters may stand in a path segment (RFC 3986, `pchar`).
func areSegmentCharacters(_ text: Substring, allowingPercent: Bool) -> Bool {
    var rest = text[...]
    while let character = rest.popFirst() {
        if character == "%" {
            let digits = rest.prefix(2)
            guard allowingPercent, digits.count == 2, digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
                return false
            }
            rest = rest.dropFirst(2)
            continue
        }
        guard character.isASCII, character.isLetter || character.isNumber || "-._~!$&'()*+,;=:@".contains(character)
        else {
            return false
        }
    }
    return true
}
