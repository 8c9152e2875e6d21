/// A manual page in the making: the source that `man` formats, in the macros of man(7).
///
/// Text is plain, with `backticks` around what is to be typed as it stands; everything that roff takes for its own is escaped. Lines stay
/// below 80 bytes, as formatters like them. Not thread-safe; a value.
public struct ManualPage: Sendable {
    /// The page so far.
    public private(set) var source: String

    /// An empty page.
    ///
    /// - Parameters:
    ///   - name: what the page is called, in lower case.
    ///   - section: 1 for commands, 5 for files.
    ///   - date: the day it describes, as `2026-11-28`.
    public init(name: String, section: Int, date: String) {
        source = """
            .\\" Written by headgate manual; changes belong in its sources.
            .TH \(Self.escape(name.uppercased())) \(section) \(date) "Headgate \(Gateway.version)"
            .nh
            .ad l

            """
    }

    /// Begins a section such as `FILES`.
    public mutating func section(_ title: String) { source += ".SH \(Self.escape(title, isLiteral: true))\n" }

    /// Begins a section inside a section.
    public mutating func subsection(_ title: String) { source += ".SS \(Self.escape(title, isLiteral: true))\n" }

    /// The line of the section `NAME`, which `apropos` reads: "headgate.yaml - what it is".
    public mutating func name(_ name: String, _ purpose: String) {
        source += "\(Self.escape(name)) \\- \(Self.formatted(purpose))\n"
    }

    /// One paragraph.
    public mutating func paragraph(_ text: String) {
        // A heading begins one of its own.
        if !isBehindHeading { source += ".PP\n" }
        fill(Self.formatted(text))
    }

    /// Text as `--help` shows it: blank lines part paragraphs, indented lines are examples.
    public mutating func prose(_ text: String) {
        var paragraph: [Substring] = []
        var example: [Substring] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) + [Substring()] {
            if !line.hasPrefix("  "), !example.isEmpty {
                self.example(example.joined(separator: "\n"))
                example = []
            }
            if line.isEmpty || line.hasPrefix("  "), !paragraph.isEmpty {
                self.paragraph(paragraph.joined(separator: " "))
                paragraph = []
            }
            if line.hasPrefix("  ") {
                example.append(line.dropFirst(2))
            } else if !line.isEmpty {
                paragraph.append(line)
            }
        }
    }

    /// Lines that stay as they are, indented.
    public mutating func example(_ text: String) {
        if !isBehindHeading { source += ".PP\n" }
        source += ".RS 4\n.EX\n"
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            source += Self.guarded(Self.escape(line, isLiteral: true)) + "\n"
        }
        source += ".EE\n.RE\n"
    }

    /// A term with what there is to say of it; `note` stands on a line of its own below that.
    ///
    /// In the term, what stands between `<` and `>` is a placeholder, the rest is to be typed.
    public mutating func entry(_ term: String, _ text: String, note: String? = nil) {
        source += ".TP\n\(Self.term(term))\n"
        fill(Self.formatted(text))
        if let note {
            source += ".br\n"
            fill(Self.formatted(note))
        }
    }

    /// A term alone on its line, as in `SYNOPSIS`.
    public mutating func usage(_ term: String) {
        source += ".HP\n"
        fill(Self.term(term))
    }

    // MARK: Roff

    /// A word of the page's language, which stands for itself.
    static func escape(_ text: some StringProtocol, isLiteral: Bool = false) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "\\": escaped += "\\e"
            // Otherwise a hyphen, an accent or a quotation mark that nobody can paste into a shell.
            case "-" where isLiteral: escaped += "\\-"
            case "^" where isLiteral: escaped += "\\(ha"
            case "~" where isLiteral: escaped += "\\(ti"
            case "'" where isLiteral: escaped += "\\(aq"
            case "`": escaped += "\\(ga"
            default: escaped.append(character)
            }
        }
        return escaped
    }

    /// Text with what is between backticks in bold, and with options outside of them as they are typed.
    private static func formatted(_ text: String) -> String {
        var result = ""
        for (index, part) in text.split(separator: "`", omittingEmptySubsequences: false).enumerated() {
            if index % 2 == 1 {
                result += "\\fB\(escape(part, isLiteral: true))\\fR"
            } else {
                let words = part.split(separator: " ", omittingEmptySubsequences: false)
                result += words.map { escape($0, isLiteral: $0.hasPrefix("-") && $0.count > 1) }.joined(separator: " ")
            }
        }
        return result
    }

    /// A term's literal parts in bold, its placeholders in italics without their brackets.
    private static func term(_ term: String) -> String {
        var result = ""
        for part in term.split(separator: "<", omittingEmptySubsequences: false) {
            var literal = part
            if !result.isEmpty || term.hasPrefix("<"), let end = part.firstIndex(of: ">") {
                result += "\\fI\(escape(part[..<end], isLiteral: true))\\fR"
                literal = part[part.index(after: end)...]
            }
            if !literal.isEmpty { result += "\\fB\(escape(literal, isLiteral: true))\\fR" }
        }
        return guarded(result)
    }

    private var isBehindHeading: Bool {
        let last = source.split(separator: "\n").last ?? ""
        return last.hasPrefix(".SH") || last.hasPrefix(".SS")
    }

    /// A line that begins with a dot or an apostrophe would be a request.
    private static func guarded(_ line: String) -> String {
        line.hasPrefix(".") || line.hasPrefix("'") ? "\\&\(line)" : line
    }

    /// Breaks escaped text at blanks.
    private mutating func fill(_ text: String) {
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.utf8.count + word.utf8.count >= 78 {
                source += Self.guarded(line) + "\n"
                line = ""
            }
            line += line.isEmpty ? word : " " + word
        }
        if !line.isEmpty { source += Self.guarded(line) + "\n" }
    }
}
