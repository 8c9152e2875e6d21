/// A request line, its target taken apart.
struct RequestLine: StartLine {
    static var malformed: HTTPParseError.Reason { .malformedRequestLine }
    static var tooLong: HTTPParseError.Reason { .requestLineTooLong }

    var method: HTTPMethod
    var version: HTTPVersion
    var target: String
    var path: String
    var query: String?
    var authority: String?

    /// `method SP target SP version`, with exactly one space each (RFC 9112 section 3).
    init(parsing line: UnsafeRawBufferPointer) throws(HTTPParseError) {
        guard let methodEnd = line.offset(of: Bytes.space, from: 0) else { throw HTTPParseError(.malformedRequestLine) }
        let method = UnsafeRawBufferPointer(rebasing: line[..<methodEnd])
        guard Bytes.isToken(method) else { throw HTTPParseError(.malformedRequestLine) }
        guard method.count <= HTTPMethod.maximumBytes else { throw HTTPParseError(.methodTooLong) }
        guard let targetEnd = line.offset(of: Bytes.space, from: methodEnd + 1) else {
            throw HTTPParseError(.malformedRequestLine)
        }
        // The version goes first: an HTTP/2 preface has a target of its own kind.
        version = try HTTPVersion(parsing: UnsafeRawBufferPointer(rebasing: line[(targetEnd + 1)...]))
        self.method = HTTPMethod(unchecked: method)
        let target = UnsafeRawBufferPointer(rebasing: line[(methodEnd + 1)..<targetEnd])
        self.target = String(decoding: target, as: UTF8.self)
        let parts = try TargetParts(target, method: self.method)
        query = parts.query.map { String(decoding: $0, as: UTF8.self) }
        authority = parts.authority.map { String(decoding: $0, as: UTF8.self) }
        // The common target is its own path: no second string.
        path = parts.path.count == target.count ? self.target : String(decoding: parts.path, as: UTF8.self)
    }
}

/// The parts of a request target in any of the four forms of RFC 9112 section 3.2.
private struct TargetParts {
    private(set) var path = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var query: UnsafeRawBufferPointer?
    private(set) var authority: UnsafeRawBufferPointer?

    init(_ target: UnsafeRawBufferPointer, method: HTTPMethod) throws(HTTPParseError) {
        // Visible ASCII; a fragment is never sent (RFC 9110 section 7.1).
        for byte in target where byte &- 0x21 >= 0x5E || byte == UInt8(ascii: "#") {
            throw HTTPParseError(.malformedTarget)
        }
        if method == .connect {
            guard Authority.isValid(target, needsPort: true) else { throw HTTPParseError(.malformedTarget) }
            authority = target
        } else if target.first == UInt8(ascii: "/") {
            (path, query) = TargetParts.split(target)
        } else if target.count == 1, target[0] == UInt8(ascii: "*"), method == .options {
            path = target
        } else {
            try readAbsolute(target, method: method)
        }
    }

    private mutating func readAbsolute(
        _ target: UnsafeRawBufferPointer,
        method: HTTPMethod
    ) throws(HTTPParseError) {
        let start: Int
        if TargetParts.has(target, prefix: "http://") {
            start = 7
        } else if TargetParts.has(target, prefix: "https://") {
            start = 8
        } else {
            throw HTTPParseError(.malformedTarget)
        }
        let end = target[start...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? target.count
        let authority = UnsafeRawBufferPointer(rebasing: target[start..<end])
        guard Authority.isValid(authority) else { throw HTTPParseError(.malformedTarget) }
        self.authority = authority
        (path, query) = TargetParts.split(UnsafeRawBufferPointer(rebasing: target[end...]))
        if path.isEmpty {
            // RFC 9112 section 3.2.4: OPTIONS for a whole server, sent through a proxy.
            let literal: StaticString = method == .options && query == nil ? "*" : "/"
            path = literal.bytes
        }
    }

    private static func has(_ target: UnsafeRawBufferPointer, prefix: StaticString) -> Bool {
        guard let base = target.baseAddress, target.count >= prefix.utf8CodeUnitCount else { return false }
        return Bytes.equal(base, prefix.utf8CodeUnitCount, lowercase: prefix)
    }

    private static func split(
        _ target: UnsafeRawBufferPointer
    ) -> (path: UnsafeRawBufferPointer, query: UnsafeRawBufferPointer?) {
        guard let mark = target.offset(of: UInt8(ascii: "?"), from: 0) else { return (target, nil) }
        return (
            UnsafeRawBufferPointer(rebasing: target[..<mark]), UnsafeRawBufferPointer(rebasing: target[(mark + 1)...])
        )
    }
}

extension HTTPVersion {
    /// Parses `HTTP/1.x`.
    init(parsing text: UnsafeRawBufferPointer) throws(HTTPParseError) {
        guard text.count == 8, text.prefix(5).elementsEqual(StaticString("HTTP/").bytes), Bytes.isDigit(text[5]),
            text[6] == UInt8(ascii: "."), Bytes.isDigit(text[7])
        else { throw HTTPParseError(.malformedVersion) }
        guard text[5] == UInt8(ascii: "1") else { throw HTTPParseError(.unsupportedVersion) }
        self = text[7] == UInt8(ascii: "0") ? .http10 : .http11
    }
}
