/// A request line, its target taken apart (RFC 9112 section 3).
struct RequestLine: StartLine {
    static var malformed: HTTPParseError.Reason { .malformedRequestLine }
    static var tooLong: HTTPParseError.Reason { .requestLineTooLong }

    let method: Part
    let target: Part
    let version: HTTPVersion
    private(set) var path = Part.empty
    private(set) var query: Part?
    private(set) var authority: Part?

    /// `method SP target SP version`, with exactly one space each.
    init(parsing line: UnsafeRawBufferPointer, at offset: Int) throws(HTTPParseError) {
        guard let methodEnd = line.offset(of: Bytes.space, from: 0) else { throw HTTPParseError(.malformedRequestLine) }
        let methodBytes = UnsafeRawBufferPointer(rebasing: line[..<methodEnd])
        guard Bytes.isToken(methodBytes) else { throw HTTPParseError(.malformedRequestLine) }
        guard methodEnd <= HTTPMethod.maximumBytes else { throw HTTPParseError(.methodTooLong) }
        guard let targetEnd = line.offset(of: Bytes.space, from: methodEnd + 1) else {
            throw HTTPParseError(.malformedRequestLine)
        }
        // The version goes first: an HTTP/2 preface has a target of its own kind.
        version = try HTTPVersion(parsing: UnsafeRawBufferPointer(rebasing: line[(targetEnd + 1)...]))
        method = Part(0..<methodEnd, after: offset)
        target = Part((methodEnd + 1)..<targetEnd, after: offset)
        let targetBytes = UnsafeRawBufferPointer(rebasing: line[(methodEnd + 1)..<targetEnd])
        // Visible ASCII; a fragment is never sent (RFC 9110 section 7.1).
        for byte in targetBytes where byte &- 0x21 >= 0x5E || byte == UInt8(ascii: "#") {
            throw HTTPParseError(.malformedTarget)
        }
        try readTarget(targetBytes, of: methodBytes, at: offset + methodEnd + 1)
    }

    /// Tells the four forms of RFC 9112 section 3.2 apart.
    private mutating func readTarget(
        _ bytes: UnsafeRawBufferPointer,
        of method: UnsafeRawBufferPointer,
        at offset: Int
    ) throws(HTTPParseError) {
        if bytes.first == UInt8(ascii: "/"), !Bytes.equal(method, "CONNECT") {
            splitPath(bytes, from: 0, at: offset)
        } else if Bytes.equal(method, "CONNECT") {
            guard Authority.isValid(bytes, needsPort: true) else { throw HTTPParseError(.malformedTarget) }
            authority = target
        } else if Bytes.equal(bytes, "*"), Bytes.equal(method, "OPTIONS") {
            path = target
        } else {
            try readAbsolute(bytes, at: offset)
        }
    }

    private mutating func readAbsolute(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(HTTPParseError) {
        let start: Int
        if RequestLine.has(bytes, prefix: "http://") {
            start = 7
        } else if RequestLine.has(bytes, prefix: "https://") {
            start = 8
        } else {
            throw HTTPParseError(.malformedTarget)
        }
        let end = bytes[start...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? bytes.count
        guard Authority.isValid(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) else {
            throw HTTPParseError(.malformedTarget)
        }
        authority = Part(start..<end, after: offset)
        splitPath(bytes, from: end, at: offset)
    }

    private mutating func splitPath(_ bytes: UnsafeRawBufferPointer, from start: Int, at offset: Int) {
        let mark = bytes.offset(of: UInt8(ascii: "?"), from: start)
        path = Part(start..<(mark ?? bytes.count), after: offset)
        query = mark.map { Part(($0 + 1)..<bytes.count, after: offset) }
    }

    private static func has(_ target: UnsafeRawBufferPointer, prefix: StaticString) -> Bool {
        guard let base = target.baseAddress, target.count >= prefix.utf8CodeUnitCount else { return false }
        return Bytes.equal(base, prefix.utf8CodeUnitCount, lowercase: prefix)
    }
}

extension RequestLine {
    /// The target and its path; the same string when they are the same text, which is the common case.
    func targetAndPath(in head: UnsafeRawBufferPointer, method: HTTPMethod) -> (target: String, path: String) {
        let targetText = target.text(of: head)
        if path.count == target.count { return (targetText, targetText) }
        if path.count > 0 || authority == nil || method == .connect { return (targetText, path.text(of: head)) }
        // RFC 9112 section 3.2.4: OPTIONS for a whole server, sent as to a proxy. Otherwise an absolute form without
        // path.
        return (targetText, method == .options && query == nil ? "*" : "/")
    }
}

extension HTTPVersion {
    /// Parses `HTTP/1.x`.
    init(parsing text: UnsafeRawBufferPointer) throws(HTTPParseError) {
        guard text.count == 8, Bytes.equal(UnsafeRawBufferPointer(rebasing: text[..<5]), "HTTP/"),
            Bytes.isDigit(text[5]), text[6] == UInt8(ascii: "."), Bytes.isDigit(text[7])
        else { throw HTTPParseError(.malformedVersion) }
        guard text[5] == UInt8(ascii: "1") else { throw HTTPParseError(.unsupportedVersion) }
        self = text[7] == UInt8(ascii: "0") ? .http10 : .http11
    }
}
