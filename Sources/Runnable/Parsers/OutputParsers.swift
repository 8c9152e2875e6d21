/// The text of a model's answer, piece by piece: LangChain's `StrOutputParser`. Blocks that are not text are passed over.
public typealias StringOutputParser = OutputParser<StringParsing, Message, MessageChunk, String, String>

/// The JSON in a model's answer: LangChain's `JsonOutputParser`. Each piece of its stream is all that is known so far, and only grows.
public typealias JSONOutputParser = OutputParser<JSONParsing, Message, MessageChunk, Value, JSONSnapshot>

/// The JSON in a model's answer as changes: LangChain's `JsonOutputParser` with `diff`. Each piece of its stream is what has changed
/// since the one before; all of them, applied one after the other to no value, give the JSON. `invoke` gives one change, to the whole.
public typealias JSONPatchOutputParser = OutputParser<
    JSONPatchParsing, Message, MessageChunk, [JSONPatchOperation], [JSONPatchOperation]
>

/// The elements between the commas of a model's answer; each piece of its stream is a list of one.
public typealias CommaListOutputParser = OutputParser<
    ListParsing<CommaListStyle>, Message, MessageChunk, [String], [String]
>

/// The elements of a numbered list in a model's answer.
public typealias NumberedListOutputParser = OutputParser<
    ListParsing<NumberedListStyle>, Message, MessageChunk, [String], [String]
>

/// The elements of a list with dashes or stars in a model's answer.
public typealias MarkdownListOutputParser = OutputParser<
    ListParsing<MarkdownListStyle>, Message, MessageChunk, [String], [String]
>

/// Text as it is.
public struct StringParsing: TextParsing {
    /// `StrOutputParser`.
    public static var name: String { "StrOutputParser" }

    /// A parser of one text.
    public init() {}

    /// Hands the text on, empty pieces too, as LangChain does.
    public mutating func push(_ text: String, to pieces: inout [String]) { pieces.append(text) }

    /// Nothing was kept.
    public mutating func finish(_ pieces: inout [String]) {}

    /// The text.
    public static func parse(_ text: String) -> String { text }
}

/// JSON as far as it is known. Pieces replace each other; the last one is the whole.
public struct JSONSnapshot: AddableChunk, Sendable, Hashable, RunValueConvertible {
    /// All that is known so far.
    public var value: Value

    /// All that is known so far.
    public init(_ value: Value) { self.value = value }

    /// Takes the place of what was known before.
    public mutating func add(_ next: JSONSnapshot) throws(ChunkAdditionError) { self = next }

    /// As a piece of a stream.
    public var runValue: RunValue { .snapshot(value) }
}

extension Value: InPieces {
    /// All that is known when nothing follows.
    public init(sum: JSONSnapshot) { self = sum.value }

    /// All of it.
    public var asPiece: JSONSnapshot { JSONSnapshot(self) }
}

/// JSON in an answer, with or without prose and fences around it.
public struct JSONParsing: TextParsing {
    private var reader = PartialJSONReader()
    private var last: Value?

    /// `JsonOutputParser`.
    public static var name: String { "JsonOutputParser" }

    /// A parser of one text.
    public init() {}

    /// Adds what is known now, if that is more than before.
    public mutating func push(_ text: String, to pieces: inout [JSONSnapshot]) {
        guard reader.push(text), let value = reader.current, value != last else { return }
        last = value
        pieces.append(JSONSnapshot(value))
    }

    /// Adds what only the end makes certain. An answer without any JSON ends without a piece, as LangChain's does.
    public mutating func finish(_ pieces: inout [JSONSnapshot]) {
        guard let value = try? reader.finish(), !value.isNull, value != last else { return }
        pieces.append(JSONSnapshot(value))
    }

    /// The JSON in a text; an error when there is none.
    public static func parse(_ text: String) throws -> Value {
        do throws(ValueParseError) { return try PartialJSONReader.parse(text) } catch {
            throw RunError(.upstreamProtocol, "The model's answer is not valid JSON.", detail: "json parser: \(error)")
        }
    }
}

/// A sort of list that models write.
public protocol ListParsingStyle: Sendable {
    /// How its elements are told apart.
    static var style: ListSplitter.Style { get }
    /// What runs of its parser are called.
    static var parserName: String { get }
}

/// Elements between commas, with double quotes around those that have commas in them.
public enum CommaListStyle: ListParsingStyle {
    /// Commas.
    public static var style: ListSplitter.Style { .commas }
    /// LangChain's name.
    public static var parserName: String { "CommaSeparatedListOutputParser" }
}

/// Lines such as `1. a`.
public enum NumberedListStyle: ListParsingStyle {
    /// Numbers.
    public static var style: ListSplitter.Style { .numbers }
    /// LangChain's name.
    public static var parserName: String { "NumberedListOutputParser" }
}

/// Lines such as `- a` and `* a`.
public enum MarkdownListStyle: ListParsingStyle {
    /// Dashes and stars.
    public static var style: ListSplitter.Style { .marks }
    /// LangChain's name.
    public static var parserName: String { "MarkdownListOutputParser" }
}

/// The elements of a list, each as soon as it ended.
public struct ListParsing<Style: ListParsingStyle>: TextParsing {
    private var splitter = ListSplitter(Style.style)

    /// The style's name for it.
    public static var name: String { Style.parserName }

    /// A parser of one text.
    public init() {}

    /// Adds the elements that ended, as a list each.
    public mutating func push(_ text: String, to pieces: inout [[String]]) {
        pieces += splitter.push(text).map { [$0] }
    }

    /// Adds the last element.
    public mutating func finish(_ pieces: inout [[String]]) { pieces += splitter.finish().map { [$0] } }

    /// All elements.
    public static func parse(_ text: String) -> [String] { ListSplitter.split(text, style: Style.style) }
}
