/// What a head's fields say about framing, connection and destination (RFC 9110, RFC 9112 section 6).
///
/// Every doubt is an error: whoever disagrees with us about a message's length can smuggle another one into it.
struct MessageRules {
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    private(set) var closes = false
    private(set) var keepsAlive = false
    private(set) var expectsContinue = false
    private(set) var hasUnknownExpectation = false
    /// The Host field's value, and how many there are.
    private(set) var host: UnsafeRawBufferPointer?
    private(set) var hostCount = 0
    private var codings = TransferCodings()

    /// Judges the fields both kinds of messages share. The host is lent from `bytes`.
    init(
        _ entries: [HTTPFields.Entry],
        in bytes: UnsafeRawBufferPointer,
        known: KnownField.Set,
        version: HTTPVersion
    ) throws(HTTPParseError) {
        for entry in entries where entry.known != .other {
            let value = entry.value(in: bytes)
            switch entry.known {
            case .contentLength: try readLength(value)
            case .transferEncoding: Bytes.forEachElement(of: value) { codings.add($0) }
            case .connection: readConnection(value)
            case .expect: readExpectation(value)
            case .host:
                host = value
                hostCount += 1
            case .date, .other: break
            }
        }
        guard known.contains(.transferEncoding) else { return }
        guard version == .http11 else { throw HTTPParseError(.transferEncodingInHTTP10) }
        guard contentLength == nil else { throw HTTPParseError(.lengthAndTransferEncoding) }
        try codings.check()
        isChunked = true
    }

    /// Whether the connection outlives the message, as far as its sender is concerned.
    func keepsConnection(_ version: HTTPVersion) -> Bool { !closes && (version == .http11 || keepsAlive) }

    /// A repetition is refused even when it repeats the same number.
    private mutating func readLength(_ value: UnsafeRawBufferPointer) throws(HTTPParseError) {
        guard contentLength == nil else { throw HTTPParseError(.repeatedContentLength) }
        guard !value.isEmpty else { throw HTTPParseError(.malformedContentLength) }
        var length = 0
        for byte in value {
            guard Bytes.isDigit(byte) else { throw HTTPParseError(.malformedContentLength) }
            let (product, overflow) = length.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = product.addingReportingOverflow(Int(byte - 0x30))
            guard !overflow, !overflow2 else { throw HTTPParseError(.malformedContentLength) }
            length = sum
        }
        contentLength = length
    }

    private mutating func readConnection(_ value: UnsafeRawBufferPointer) {
        Bytes.forEachElement(of: value) { element in
            guard let start = element.baseAddress else { return }
            if Bytes.equal(start, element.count, lowercase: "close") { closes = true }
            if Bytes.equal(start, element.count, lowercase: "keep-alive") { keepsAlive = true }
        }
    }

    private mutating func readExpectation(_ value: UnsafeRawBufferPointer) {
        if let start = value.baseAddress, Bytes.equal(start, value.count, lowercase: "100-continue") {
            expectsContinue = true
        } else {
            hasUnknownExpectation = true
        }
    }
}

/// The transfer codings of a message in the order they were applied.
private struct TransferCodings {
    private var others = 0
    private var chunked = 0
    private var lastIsChunked = false

    mutating func add(_ coding: UnsafeRawBufferPointer) {
        if let start = coding.baseAddress, Bytes.equal(start, coding.count, lowercase: "chunked") {
            chunked += 1
            lastIsChunked = true
        } else {
            others += 1
            lastIsChunked = false
        }
    }

    /// Only `chunked` alone is read. Without `chunked` last the length is unknown, which is a bad request (RFC 9112
    /// section 6.3); a coding below it is one we do not have (section 6.1).
    func check() throws(HTTPParseError) {
        guard lastIsChunked, chunked == 1 else { throw HTTPParseError(.malformedTransferEncoding) }
        guard others == 0 else { throw HTTPParseError(.unsupportedTransferCoding) }
    }
}
