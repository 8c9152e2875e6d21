/// What a message says: plain text, or a list of blocks.
public enum MessageContent: Sendable, Hashable {
    /// Plain text.
    case text(String)
    /// Strings and objects such as `{"type":"text","text":"t"}` or `{"type":"image_url",...}`.
    case blocks([Value])

    /// No text.
    public static let empty = MessageContent.text("")

    /// Whether there is nothing in it: an empty string or an empty list.
    public var isEmpty: Bool {
        switch self {
        case .text(let text): text.isEmpty
        case .blocks(let blocks): blocks.isEmpty
        }
    }

    /// All text of it: the text, or the strings and `text` blocks of the list one after the other.
    public var text: String {
        switch self {
        case .text(let text): return text
        case .blocks(let blocks):
            var text = ""
            for block in blocks {
                if case .string(let part) = block {
                    text += part
                } else if block["type"]?.string == "text", let part = block["text"]?.string {
                    text += part
                }
            }
            return text
        }
    }
}

extension MessageContent: ExpressibleByStringLiteral {
    /// Plain text.
    public init(stringLiteral value: String) { self = .text(value) }
}
