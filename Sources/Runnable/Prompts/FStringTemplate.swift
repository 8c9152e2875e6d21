/// A template as Python's `str.format` takes them: `{name}`, `{name:>8}`, `{name!r}`, and `{{` and `}}` for braces.
///
/// Values print as Python prints what `json.loads` makes of them: `True`, `None`, `1.5` for `1.50`, `['a']`. Names are taken as
/// they stand, with their spaces; indexes and attributes (`a[0]`, `a.b`), numbers as names and fields in format specifications
/// are refused, as are widths and precisions above ``largestWidth``.
public struct FStringTemplate: PromptTemplate, Hashable {
    /// The largest width and the largest precision of a field.
    public static let largestWidth = 65_535

    private enum Part: Sendable, Hashable {
        case text(String)
        case field(Field)
    }

    private struct Field: Sendable, Hashable {
        var name: String
        var conversion: Unicode.Scalar?
        var spec: FormatSpec?

        func format(_ value: Value) throws(FormatFailure) -> String {
            let value: Value =
                switch conversion {
                case "r": .string(value.pythonRepresentation)
                case "s": .string(value.pythonText)
                case "a": .string(value.pythonASCII)
                default: value
                }
            return try spec?.format(value) ?? value.pythonText
        }
    }

    /// The names of the fields, sorted, each once.
    public let variables: [String]
    private let parts: [Part]

    /// A template from its text; ``PromptTemplateError/malformed(_:)`` when it is none.
    public init(_ text: String) throws(PromptTemplateError) {
        var reader = Reader(rest: text.unicodeScalars[...])
        parts = try reader.parts()
        var names: Set<String> = []
        for case .field(let field) in parts { names.insert(field.name) }
        variables = names.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }
    }

    /// The text with the values in place.
    public func format(_ values: Value.Object) throws(PromptTemplateError) -> String {
        var text = ""
        for part in parts {
            switch part {
            case .text(let literal): text += literal
            case .field(let field):
                guard let value = values[field.name] else { throw .missingVariable(field.name) }
                do throws(FormatFailure) { text += try field.format(value) } catch {
                    throw .unsuitableValue(variable: field.name, reason: error.reason)
                }
            }
        }
        return text
    }
}

extension FStringTemplate {
    private struct Reader {
        var rest: Substring.UnicodeScalarView

        mutating func parts() throws(PromptTemplateError) -> [Part] {
            var parts: [Part] = []
            var literal = String.UnicodeScalarView()
            while let scalar = rest.popFirst() {
                if scalar != "{" && scalar != "}" {
                    literal.append(scalar)
                } else if rest.first == scalar {
                    rest.removeFirst()
                    literal.append(scalar)
                } else if scalar == "}" {
                    throw .malformed("single '}'; write '}}' for a brace")
                } else {
                    if !literal.isEmpty { parts.append(.text(String(literal))) }
                    literal = String.UnicodeScalarView()
                    parts.append(.field(try field()))
                }
            }
            if !literal.isEmpty { parts.append(.text(String(literal))) }
            return parts
        }

        /// The field whose opening brace was just read.
        private mutating func field() throws(PromptTemplateError) -> Field {
            let name = String(String.UnicodeScalarView(rest.prefix { !"{}:!".unicodeScalars.contains($0) }))
            rest.removeFirst(name.unicodeScalars.count)
            guard let end = rest.popFirst() else { throw .malformed("a '{' is not closed") }
            guard end != "{" else { throw .malformed("'{' in a name; write '{{' for a brace") }
            try check(name)
            var field = Field(name: name)
            if end == "}" { return field }
            var next: Unicode.Scalar? = end
            if end == "!" {
                guard let conversion = rest.popFirst(), conversion == "r" || conversion == "s" || conversion == "a"
                else {
                    throw .malformed("the conversion of '\(name)' must be one of !r, !s and !a")
                }
                field.conversion = conversion
                next = rest.popFirst()
                if next == "}" { return field }
            }
            guard next == ":" else { throw .malformed("expected ':' or '}' after the conversion of '\(name)'") }
            let spec = rest.prefix { $0 != "{" && $0 != "}" }
            rest.removeFirst(spec.count)
            guard let closing = rest.popFirst() else { throw .malformed("the format of '\(name)' is not closed") }
            guard closing == "}" else {
                throw .malformed("the format of '\(name)' has a field in it, which is not supported")
            }
            do throws(FormatFailure) { field.spec = try FormatSpec(spec) } catch {
                throw .malformed("the format of '\(name)': \(error.reason)")
            }
            return field
        }

        private func check(_ name: String) throws(PromptTemplateError) {
            if name.isEmpty { throw .malformed("a field needs a name") }
            if name.unicodeScalars.contains(where: { $0 == "." || $0 == "[" || $0 == "]" }) {
                throw .malformed("name '\(name)': attributes and indexes are not supported")
            }
            let isNumber = name.unicodeScalars.allSatisfy {
                $0.properties.numericType == .decimal || $0.properties.numericType == .digit
            }
            if isNumber { throw .malformed("name '\(name)': numbers stand for positions, which are not supported") }
        }
    }
}
