/// Reads one body in the chunked transfer coding (RFC 9112 section 7.1), then its trailers.
///
/// Chunk extensions are bounded, checked for control characters and dropped. White space between a chunk's size and an extension
/// is dropped with it, as RFC 9112 section 7.1.1 has recipients do; without an extension behind it, it is refused.
struct ChunkedDecoder: Sendable {
    enum Event {
        case data(UnsafeRawBufferPointer)
        case end(trailers: HTTPFields?)
    }

    private enum State {
        case size, sizeSpace, extensions, sizeLineFeed, data, dataReturn, dataLineFeed, trailers
    }

    private var state = State.size
    /// The size being read, then how much of the chunk is still to come.
    private var remaining = 0
    private var digitCount = 0
    private var lineBytes = 0
    private var extensionBytes = 0
    private var trailers = HeadReader(after: NoStartLine())

    /// How much of the present chunk is still to come.
    var announced: Int { state == .data ? remaining : 0 }

    /// Consumes a prefix of `input`; nil when it took all and nothing is ready.
    mutating func next(
        _ input: inout UnsafeRawBufferPointer,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) -> Event? {
        while !input.isEmpty {
            switch state {
            case .size, .sizeSpace, .extensions, .sizeLineFeed: try readSizeLine(&input, limits)
            case .data:
                let data = input.takeFirst(min(remaining, input.count))
                remaining -= data.count
                if remaining == 0 { state = .dataReturn }
                return .data(data)
            case .dataReturn:
                guard input.takeFirst(1)[0] == Bytes.cr else { throw HTTPParseError(.malformedChunkEnd) }
                state = .dataLineFeed
            case .dataLineFeed:
                guard input.takeFirst(1)[0] == Bytes.lf else { throw HTTPParseError(.malformedChunkEnd) }
                state = .size
            case .trailers:
                guard let section = try trailers.next(&input, ChunkedDecoder.bounds(limits)) else { return nil }
                return .end(trailers: ChunkedDecoder.usable(section))
            }
        }
        return nil
    }

    /// Reads on in the line of a chunk's size, up to its end or the input's.
    private mutating func readSizeLine(
        _ input: inout UnsafeRawBufferPointer,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) {
        var offset = 0
        while offset < input.count {
            let byte = input[offset]
            offset += 1
            if state == .sizeLineFeed {
                guard byte == Bytes.lf else { throw HTTPParseError(.malformedChunkSize) }
                state = remaining == 0 ? .trailers : .data
                lineBytes = 0
                digitCount = 0
                break
            }
            if byte == Bytes.cr {
                guard digitCount > 0, state != .sizeSpace else { throw HTTPParseError(.malformedChunkSize) }
                state = .sizeLineFeed
                continue
            }
            lineBytes += 1
            guard lineBytes <= limits.chunkLine else { throw HTTPParseError(.chunkLineTooLong) }
            switch state {
            case .size: try readSize(byte)
            case .sizeSpace: try readSpace(byte)
            default: try readExtension(byte, limits)
            }
        }
        _ = input.takeFirst(offset)
    }

    private mutating func readSize(_ byte: UInt8) throws(HTTPParseError) {
        let digit: UInt8
        switch byte {
        case 0x30...0x39: digit = byte - 0x30
        case 0x41...0x46, 0x61...0x66: digit = (byte | 0x20) - 0x57
        case UInt8(ascii: ";"), Bytes.space, Bytes.tab:
            guard digitCount > 0 else { throw HTTPParseError(.malformedChunkSize) }
            state = byte == UInt8(ascii: ";") ? .extensions : .sizeSpace
            return
        default: throw HTTPParseError(.malformedChunkSize)
        }
        digitCount += 1
        guard remaining >> (Int.bitWidth - 5) == 0 else { throw HTTPParseError(.chunkSizeTooLarge) }
        remaining = remaining << 4 | Int(digit)
    }

    private mutating func readSpace(_ byte: UInt8) throws(HTTPParseError) {
        switch byte {
        case Bytes.space, Bytes.tab: return
        case UInt8(ascii: ";"): state = .extensions
        default: throw HTTPParseError(.malformedChunkSize)
        }
    }

    private mutating func readExtension(_ byte: UInt8, _ limits: HTTPLimits) throws(HTTPParseError) {
        let isControl = (byte < 0x20 && byte != Bytes.tab) || byte == 0x7F
        guard !isControl else { throw HTTPParseError(.malformedChunkExtension) }
        extensionBytes += 1
        guard extensionBytes <= limits.chunkExtensions else { throw HTTPParseError(.chunkLineTooLong) }
    }

    private static func bounds(_ limits: HTTPLimits) -> HeadBounds {
        HeadBounds(
            startLine: 0,
            block: limits.trailerBlock,
            fields: limits.trailerCount,
            tooLarge: .trailersTooLarge,
            emptyLines: 0
        )
    }

    /// The trailers without the fields that RFC 9110 section 6.5.1 forbids there: those that frame or route the
    /// message, modify or authenticate the request, or say how to process the content. Nil when none is left.
    private static func usable(_ section: ParsedHead<NoStartLine>) -> HTTPFields? {
        var section = section
        section.bytes.withUnsafeBytes { bytes in
            section.entries.removeAll { entry in
                let name = entry.name(in: bytes)
                return entry.known != .other || forbiddenTrailers.contains { Bytes.equalIgnoringCase(name, $0.bytes) }
            }
        }
        section.known = []
        return section.entries.isEmpty ? nil : section.fields
    }

    /// Beside the fields that have a `KnownField`.
    private static let forbiddenTrailers: [StaticString] = [
        "te", "trailer", "upgrade", "keep-alive", "proxy-connection",
        "cache-control", "max-forwards", "pragma", "range", "age", "expires", "location",
        "retry-after", "vary", "warning",
        "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
        "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "authentication-info",
        "cookie", "set-cookie", "content-encoding", "content-type", "content-range",
    ]
}
