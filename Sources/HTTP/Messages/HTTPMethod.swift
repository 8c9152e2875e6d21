/// A request method. Methods are case-sensitive (RFC 9110 section 9.1): `get` is `.other`, not `.get`.
public enum HTTPMethod: Sendable, Hashable, CustomStringConvertible {
    case get, head, post, put, delete, options, patch, connect, trace
    /// Any other token of at most 32 bytes.
    case other(HTTPToken)

    /// Longest method that is read; a longer one is answered with 501 (RFC 9112 section 3).
    static let maximumBytes = 32

    /// Nil when `name` is not a token.
    public init?(checking name: String) {
        guard let token = HTTPToken(checking: name) else { return nil }
        var name = name
        self = name.withUTF8 { HTTPMethod.known(UnsafeRawBufferPointer($0)) } ?? .other(token)
    }

    /// For bytes the parser has already checked to be a token.
    init(unchecked bytes: UnsafeRawBufferPointer) {
        self = HTTPMethod.known(bytes) ?? .other(HTTPToken(unchecked: bytes))
    }

    private static func known(_ bytes: UnsafeRawBufferPointer) -> HTTPMethod? {
        let candidate: HTTPMethod
        switch (bytes.count, bytes.first) {
        case (3, UInt8(ascii: "G")): candidate = .get
        case (3, UInt8(ascii: "P")): candidate = .put
        case (4, UInt8(ascii: "P")): candidate = .post
        case (4, UInt8(ascii: "H")): candidate = .head
        case (5, UInt8(ascii: "P")): candidate = .patch
        case (5, UInt8(ascii: "T")): candidate = .trace
        case (6, UInt8(ascii: "D")): candidate = .delete
        case (7, UInt8(ascii: "O")): candidate = .options
        case (7, UInt8(ascii: "C")): candidate = .connect
        default: return nil
        }
        guard let literal = candidate.literal else { return nil }
        return Bytes.equal(bytes, literal) ? candidate : nil
    }

    /// The name of a method that has a case of its own.
    private var literal: StaticString? {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .patch: "PATCH"
        case .connect: "CONNECT"
        case .trace: "TRACE"
        case .other: nil
        }
    }

    /// The method as it stands in a request line.
    public var description: String {
        switch self {
        case .other(let token): token.text
        default: literal.map { "\($0)" } ?? ""
        }
    }

    /// Appends the method as it stands in a request line.
    func append(to bytes: inout [UInt8]) {
        switch self {
        case .other(let token): bytes.append(contentsOf: token.text.utf8)
        default: if let literal { bytes.append(literal: literal) }
        }
    }
}
