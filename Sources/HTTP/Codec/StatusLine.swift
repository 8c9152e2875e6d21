/// A status line.
struct StatusLine: StartLine {
    static var malformed: HTTPParseError.Reason { .malformedStatusLine }
    static var tooLong: HTTPParseError.Reason { .malformedStatusLine }

    var version: HTTPVersion
    var status: Int
    var reason: Part

    /// `version SP status [SP reason]`: the space before an empty reason is often forgotten, so it may be absent.
    init(parsing line: UnsafeRawBufferPointer, at offset: Int) throws(HTTPParseError) {
        guard line.count >= 12, line[8] == Bytes.space else { throw HTTPParseError(.malformedStatusLine) }
        version = try HTTPVersion(parsing: UnsafeRawBufferPointer(rebasing: line[..<8]))
        status = 0
        for byte in line[9..<12] {
            guard Bytes.isDigit(byte) else { throw HTTPParseError(.malformedStatusLine) }
            status = status * 10 + Int(byte - 0x30)
        }
        guard (100...599).contains(status) else { throw HTTPParseError(.malformedStatusLine) }
        let rest = UnsafeRawBufferPointer(rebasing: line[12...])
        guard rest.isEmpty || rest[0] == Bytes.space, let start = rest.baseAddress,
            Bytes.isFieldContent(start, rest.count)
        else { throw HTTPParseError(.malformedStatusLine) }
        reason = Part(min(13, line.count)..<line.count, after: offset)
    }
}

/// Stands for the first line that a trailer section does not have.
struct NoStartLine: StartLine {
    static var malformed: HTTPParseError.Reason { .malformedChunkEnd }
    static var tooLong: HTTPParseError.Reason { .malformedChunkEnd }

    init() {}

    init(parsing line: UnsafeRawBufferPointer, at offset: Int) throws(HTTPParseError) {
        throw HTTPParseError(.malformedChunkEnd)
    }
}
