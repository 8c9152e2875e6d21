/// Why a message was refused. After it the connection's framing is unknown: answer if possible, then close.
public struct HTTPParseError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was wrong. A closed set, so it can be a metric label; holds nothing the peer sent.
    public let reason: Reason

    /// An error with this reason.
    public init(_ reason: Reason) { self.reason = reason }

    /// The status a server answers a refused request with. Says nothing about refused responses.
    public var status: Int {
        switch reason {
        case .requestLineTooLong: 414
        case .unsupportedExpectation: 417
        case .headerBlockTooLarge, .tooManyFields, .trailersTooLarge: 431
        case .methodTooLong, .unsupportedTransferCoding: 501
        case .unsupportedVersion: 505
        default: 400
        }
    }

    /// The reason in words, safe to show to the peer.
    public var description: String { reason.rawValue }

    /// Everything that can be wrong with a message.
    public enum Reason: String, Sendable, Hashable, CaseIterable {
        // The first line.
        case requestLineTooLong = "request line too long"
        case malformedRequestLine = "malformed request line"
        case methodTooLong = "method too long"
        case malformedVersion = "malformed HTTP version"
        case unsupportedVersion = "HTTP version not supported"
        case malformedTarget = "malformed request target"
        case malformedStatusLine = "malformed status line"
        // Lines and fields.
        case bareLineFeed = "line feed without carriage return"
        case headerBlockTooLarge = "header fields too large"
        case tooManyFields = "too many header fields"
        case foldedLine = "header line begins with white space"
        case emptyFieldName = "empty header field name"
        case malformedFieldName = "malformed header field name"
        case spaceBeforeColon = "white space before the colon of a header field"
        case malformedFieldValue = "control character in a header field value"
        // What the fields say.
        case missingHost = "missing Host header field"
        case repeatedHost = "more than one Host header field"
        case malformedHost = "malformed Host header field"
        case malformedContentLength = "malformed Content-Length"
        case repeatedContentLength = "more than one Content-Length"
        case lengthAndTransferEncoding = "both Content-Length and Transfer-Encoding"
        case transferEncodingInHTTP10 = "Transfer-Encoding in HTTP/1.0"
        case malformedTransferEncoding = "chunked is not the last transfer coding"
        case unsupportedTransferCoding = "transfer coding not supported"
        case unsupportedExpectation = "expectation not supported"
        // The body.
        case malformedChunkSize = "malformed chunk size"
        case chunkSizeTooLarge = "chunk size too large"
        case chunkLineTooLong = "chunk extensions too long"
        case malformedChunkExtension = "malformed chunk extension"
        case malformedChunkEnd = "chunk data not followed by a line end"
        case trailersTooLarge = "trailer fields too large"
        // Responses.
        case tooManyInterimResponses = "too many interim responses"
        case closedBeforeHead = "connection closed before any byte of the response"
        case truncated = "connection closed inside the response"
    }
}
