/// Why a text is not JSON that we accept, and where that was noticed.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    /// A closed set; the raw value is a phrase that can be shown to callers.
    public enum Reason: String, Sendable, CaseIterable {
        /// No room for the reader's buffers.
        case outOfMemory = "out of memory"
        /// 4 GiB or more: positions are kept in 32 bits.
        case tooLarge = "text of 4 GiB or more"
        /// More arrays and objects in each other than the reader's `maximumDepth`.
        case tooDeep = "nested too deeply"
        /// No bytes, or white space only.
        case empty = "no value"
        /// Not UTF-8, inside or outside strings. Surrogates encoded as UTF-8 and overlong forms count.
        case invalidUTF8 = "invalid UTF-8"
        /// A character below U+0020 inside a string.
        case controlCharacter = "control character in a string"
        /// A string without its closing quote; the offset is that of its opening quote.
        case unclosedString = "unclosed string"
        /// The text begins with a UTF-8 byte order mark.
        case byteOrderMark = "byte order mark"
        /// A byte that the grammar does not allow here.
        case unexpectedCharacter = "unexpected character"
        /// The text ends inside an array or object; the offset is the text's length.
        case unexpectedEnd = "unexpected end"
        /// Something that starts like a number, such as `01`, `1.` or a lone `-`.
        case invalidNumber = "invalid number"
        /// Something that starts like `true`, `false` or `null`.
        case invalidLiteral = "invalid literal"
        /// A backslash that starts no escape; the offset is the backslash's.
        case invalidEscape = "invalid escape"
        /// A second value, or anything else, after the first value.
        case trailingContent = "content after the value"
    }

    /// What is wrong.
    public let reason: Reason
    /// Bytes before the place where it was noticed; nil when there is no such place.
    public let offset: Int?

    /// Makes an error as the reader does; for code that checks more than JSON's grammar.
    public init(_ reason: Reason, offset: Int? = nil) {
        self.reason = reason
        self.offset = offset
    }

    /// The reason and the offset, without any of the text.
    public var description: String {
        guard let offset else { return reason.rawValue }
        return "\(reason.rawValue) at byte \(offset)"
    }
}
