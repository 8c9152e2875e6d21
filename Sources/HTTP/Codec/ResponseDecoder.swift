/// Reads responses from bytes as they come; as strict about framing as `RequestDecoder`, and as indifferent to splits.
///
/// Reads one response per `expect(responseTo:)`. A value without isolation: use one per connection. After an error every
/// further call throws it again.
public struct ResponseDecoder: Sendable {
    /// What `next` found.
    public enum Event {
        /// An interim response (1xx but 101); the final one is still to come.
        case informational(ResponseHead)
        /// The final response begins. 101 comes as a response without a body.
        case head(ResponseHead)
        /// Some of its body, never empty; lent from the input.
        case body(UnsafeRawBufferPointer)
        /// The response is complete; trailers when there were any that may be used.
        case end(trailers: HTTPFields?)
    }

    /// A decoder at the start of a connection, expecting nothing yet.
    public init(limits: HTTPLimits = HTTPLimits()) {
    }

    /// Says which request the next response answers; its method decides whether there is a body.
    ///
    /// Traps while a response is being read: requests are not pipelined upstream.
    public mutating func expect(responseTo method: HTTPMethod) {
    }

    /// Consumes a prefix of `input` and returns what it found; call it until it returns nil.
    ///
    /// Nil with `input` used up means that more bytes are needed. Nil with bytes left means that no response is expected:
    /// the peer said more than it was asked, and the connection must not be used again.
    public mutating func next(_ input: inout UnsafeRawBufferPointer) throws(HTTPParseError) -> Event? {
        throw HTTPParseError(.malformedStatusLine)
    }

    /// Says that the peer closed its side, after `next` has taken all bytes.
    ///
    /// Returns `.end` when the close ends the body, nil when no response was outstanding. Throws `.closedBeforeHead` when
    /// not a byte of an expected response came, `.truncated` when it is incomplete.
    public mutating func finish() throws(HTTPParseError) -> Event? { nil }

    /// Whether no response is outstanding.
    public var isBetweenMessages: Bool { true }

    /// Whether a head has begun and is not complete.
    public var hasPartialHead: Bool { false }
}
