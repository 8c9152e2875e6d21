/// The version of a message. A higher minor version is read as 1.1 (RFC 9110 section 2.5).
public enum HTTPVersion: Sendable, Hashable {
    case http10, http11
}

/// How the end of a message's body is found (RFC 9112 section 6.3).
public enum BodyFraming: Sendable, Hashable {
    /// There is no body.
    case none
    /// Exactly this many bytes.
    case length(Int)
    /// The chunked transfer coding.
    case chunked
    /// Responses only: everything up to the end of the connection.
    case untilClose
}
