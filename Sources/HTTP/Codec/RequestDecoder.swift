/// Reads requests from bytes as they come.
///
/// Strict: it refuses what RFC 9112 lets a recipient refuse, and never repairs. The outcome depends on the bytes only, not
/// on how they were split. Heads that arrive in pieces are kept here, bodies never. A value without isolation: use one per
/// connection. After an error every further call throws it again.
public struct RequestDecoder: Sendable {
    /// What `next` found.
    public enum Event {
        /// A request begins.
        case head(RequestHead)
        /// Some of its body, never empty; lent from the input.
        case body(UnsafeRawBufferPointer)
        /// The request is complete; trailers when there were any that may be used.
        case end(trailers: HTTPFields?)
    }

    /// A decoder at the start of a connection.
    public init(limits: HTTPLimits = HTTPLimits()) {
    }

    /// Consumes a prefix of `input` and returns what it found.
    ///
    /// Call it until it returns nil, which means that it needs more bytes and that `input` is used up. It can have an
    /// event without input (the end of a request without a body). After `.end` the next request may follow in the same
    /// input. Up to two empty lines before a request line are skipped (RFC 9112 section 2.2).
    public mutating func next(_ input: inout UnsafeRawBufferPointer) throws(HTTPParseError) -> Event? {
        throw HTTPParseError(.malformedRequestLine)
    }

    /// Whether the last request is complete and not a byte of the next has come (empty lines aside).
    public var isBetweenMessages: Bool { true }

    /// Whether a head has begun and is not complete.
    public var hasPartialHead: Bool { false }
}
