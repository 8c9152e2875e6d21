internal import Runnable

/// Looks at the tags of a mustache template: which variables it has, and whether all of it is supported.
struct TagScanner {
    private var rest: Substring.UnicodeScalarView
    private var sections: [String] = []
    private var names: Set<String> = []

    /// The names at the top level up to their first dot, sorted.
    static func variables(of text: String) throws(PromptTemplateError) -> [String] {
        var scanner = TagScanner(rest: text.unicodeScalars[...])
        while scanner.skipToTag() { try scanner.tag() }
        if let open = scanner.sections.last { throw .malformed("section '\(open)' is not closed") }
        return scanner.names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private mutating func skipToTag() -> Bool {
        while let place = rest.firstIndex(of: "{") {
            rest = rest[place...].dropFirst()
            if rest.first == "{" {
                rest.removeFirst()
                return true
            }
        }
        return false
    }

    private mutating func tag() throws(PromptTemplateError) {
        guard let kind = rest.first else { throw .malformed("a tag is not closed") }
        switch kind {
        case "!": _ = try content("")
        case "#", "^":
            rest.removeFirst()
            let name = try name()
            note(name)
            guard sections.count < MustacheTemplate.maximumDepth else { throw .malformed("sections nest too deeply") }
            sections.append(name)
        case "/":
            rest.removeFirst()
            let name = try name()
            guard sections.popLast() == name else {
                throw .malformed("section '\(name)' is closed where it is not open")
            }
        case "{":
            rest.removeFirst()
            note(try name(closing: "}"))
        case "&":
            rest.removeFirst()
            note(try name())
        case ">", "<", "$", "=", "%": throw .malformed("tags with '\(kind)' are not supported")
        default: note(try name())
        }
    }

    private mutating func note(_ name: String) {
        guard sections.isEmpty, name != "." else { return }
        names.insert(String(name.prefix { $0 != "." }))
    }

    /// What stands before the end of the tag, which is passed over.
    private mutating func content(_ closing: String) throws(PromptTemplateError) -> Substring.UnicodeScalarView {
        let end = Array((closing + "}}").unicodeScalars)
        var place = rest.startIndex
        while place < rest.endIndex {
            if rest[place...].starts(with: end) {
                let content = rest[..<place]
                rest = rest[place...].dropFirst(end.count)
                return content
            }
            place = rest.index(after: place)
        }
        throw .malformed("a tag is not closed")
    }

    private mutating func name(closing: String = "") throws(PromptTemplateError) -> String {
        let padded = try content(closing)
        let name = String(String.UnicodeScalarView(padded)).split(whereSeparator: \.isWhitespace)
        guard name.count == 1, let name = name.first.map(String.init) else { throw .malformed("a tag needs one name") }
        let isPlain = name.unicodeScalars.allSatisfy {
            $0.isASCII
                && ($0.properties.isAlphabetic || $0.properties.numericType != nil || "_-.".unicodeScalars.contains($0))
        }
        let hasEmptyPart = name.split(separator: ".", omittingEmptySubsequences: false).contains("")
        guard isPlain, name == "." || !hasEmptyPart else { throw .malformed("'\(name)' is no name") }
        return name
    }
}
