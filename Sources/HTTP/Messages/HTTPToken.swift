/// A token of RFC 9110 section 5.6.2: the alphabet of methods and field names.
///
/// Its only way in is the check, so a token from outside cannot split a message.
public struct HTTPToken: Sendable, Hashable, CustomStringConvertible {
    /// The token as given; case is kept.
    public let text: String

    /// Nil when `text` is empty or holds a byte that no token may hold.
    public init?(checking text: String) {
        var text = text
        guard text.withUTF8({ Bytes.isToken(UnsafeRawBufferPointer($0)) }) else { return nil }
        self.text = text
    }

    /// For bytes the parser has already checked.
    init(unchecked bytes: UnsafeRawBufferPointer) { text = String(decoding: bytes, as: UTF8.self) }

    /// The token itself.
    public var description: String { text }
}
