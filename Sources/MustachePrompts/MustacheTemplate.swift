private import Mustache
public import Runnable

/// A mustache template: `{{name}}` (escaped for HTML), `{{{name}}}` and `{{&name}}` (as it is), sections `{{#name}}…{{/name}}`,
/// inverted sections `{{^name}}…{{/name}}`, dotted names, `{{.}}` and comments `{{! … }}`.
///
/// The names at the top level, up to their first dot, are the variables, and all of them are required. Inside sections a name
/// that leads nowhere is empty. Null, false, 0, empty strings, lists and objects make no section. Numbers keep their text,
/// true and false are `True` and `False`, lists and objects print as in Python, null and empty lists and objects as nothing.
/// A section's tag that has a line to itself takes the line with it, as long as its partner has one too.
///
/// Names are made of ASCII letters, digits, `_`, `-` and dots. Partials, inheritance, other delimiters, settings and functions
/// are refused, so nothing outside the values is read.
public struct MustacheTemplate: PromptTemplate {
    /// How deep sections may nest.
    public static let maximumDepth = 64

    /// The names at the top level, sorted, each once.
    public let variables: [String]
    private let template: Mustache.MustacheTemplate
    private let isMarked: Bool

    /// A template from its text; ``PromptTemplateError/malformed(_:)`` when it is none, or has what is refused.
    public init(_ text: String) throws(PromptTemplateError) {
        variables = try TagScanner.variables(of: text)
        isMarked = Self.needsMark(text)
        let text = PromptText.setting + text + (isMarked ? "\u{1}" : "")
        do { template = try Mustache.MustacheTemplate(string: text) } catch {
            throw .malformed("the tags do not fit together")
        }
    }

    /// The package cannot read a brace at the very end, and drops a last line of spaces. Something must stand behind them.
    private static func needsMark(_ text: String) -> Bool {
        let scalars = text.unicodeScalars
        let lastLine = scalars[(scalars.lastIndex(of: "\n").map(scalars.index(after:)) ?? scalars.startIndex)...]
        return scalars.last == "{" || !lastLine.isEmpty && lastLine.allSatisfy { $0 == " " || $0 == "\t" }
    }

    /// The text with the values in place.
    public func format(_ values: Value.Object) throws(PromptTemplateError) -> String {
        for name in variables where values[name] == nil { throw .missingVariable(name) }
        var text = template.render(Node.wrap(.object(values)))
        if isMarked { text.unicodeScalars.removeLast() }
        return text
    }
}

/// How values are escaped: the four characters that matter in HTML. The package's own way escapes apostrophes too, which
/// prompts are full of.
private struct PromptText: MustacheContentType {
    private static let name = "HEADGATE-PROMPT"
    private static let registration: Void = MustacheContentTypes.register(PromptText(), named: name)

    /// A line for the beginning of a template that makes this its way of escaping.
    static var setting: String {
        registration
        return "{{% CONTENT_TYPE:\(name)}}\n"
    }

    func escapeText(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

/// A value as the package looks at it.
private struct Node: MustacheParent, MustacheCustomRenderable {
    let value: Value

    /// A list becomes a sequence, all else a node.
    static func wrap(_ value: Value) -> Any {
        if case .array(let elements) = value { List(elements: elements) } else { Node(value: value) }
    }

    func child(named name: String) -> Any? { value[name].map(Self.wrap) }

    var renderText: String {
        switch value {
        case .null: ""
        case .number(let text): text
        case .object(let members) where members.isEmpty: ""
        default: value.pythonText
        }
    }

    /// Whether a section of it is left out.
    var isNull: Bool {
        switch value {
        case .null: true
        case .bool(let value): !value
        case .number: value.double == 0
        case .string(let text): text.isEmpty
        case .array(let elements): elements.isEmpty
        case .object(let members): members.isEmpty
        }
    }
}

private struct List: MustacheSequence, MustacheParent, MustacheCustomRenderable {
    let elements: [Value]

    func makeIterator() -> some IteratorProtocol<Any> { elements.lazy.map(Node.wrap).makeIterator() }

    /// An element by its index.
    func child(named name: String) -> Any? {
        guard let index = Int(name), elements.indices.contains(index) else { return nil }
        return Node.wrap(elements[index])
    }

    var renderText: String { elements.isEmpty ? "" : Value.array(elements).pythonText }
    var isNull: Bool { elements.isEmpty }
}
