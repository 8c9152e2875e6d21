/// A request target that we send: visible ASCII without a fragment, so it cannot split the request line.
public struct RequestTarget: Sendable, Hashable, CustomStringConvertible {
    /// The target as it stands in the request line.
    public let text: String

    /// Nil when `text` is empty or holds a control character, white space, a non-ASCII character or `#`.
    public init?(checking text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
            return nil
        }
        self.text = text
    }

    /// A target written in the source. Traps where `init(checking:)` gives nil.
    public init(_ literal: StaticString) {
        guard let target = RequestTarget(checking: "\(literal)") else {
            preconditionFailure("\(literal) is not a request target")
        }
        self = target
    }

    /// The target as it stands in the request line.
    public var description: String { text }
}
