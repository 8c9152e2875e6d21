/// Splits the text of a list, which arrives in pieces, into its elements.
///
/// An element comes out when its successor begins, the last at the end; however the text is cut, the elements are the same. The
/// work is linear in the text.
public struct ListSplitter: Sendable {
    /// How the text marks its elements.
    public enum Style: Sendable, Hashable, CaseIterable {
        /// `a, b`: commas and line breaks separate. Spaces before an element are skipped, those behind it are kept. An element
        /// that begins with a double quote ends with one, and may hold commas, line breaks and (doubled) quotes. Empty lines
        /// hold nothing, but an empty element stands behind a comma at the end of a line.
        case commas
        /// `1. a`: what follows a number, a dot and a white space, to the end of the line; anywhere in a line.
        case numbers
        /// `- a` or `* a`: what follows a mark at the beginning of a line and a white space, to the end of the line.
        case marks
    }

    private enum State {
        /// At the beginning of the text or of a line.
        case line
        /// Where an element of a comma list begins.
        case element
        case plain
        case quoted
        case quoteInQuoted
        /// Before a number.
        case search
        case digits
        /// Behind the dot or the mark.
        case marker
        /// Behind the white space after the marker.
        case itemStart
        case item
        /// In a line without a mark.
        case otherLine
    }

    private let style: Style
    private var state: State
    private var element = String.UnicodeScalarView()
    /// An element that has ended, and waits for its successor.
    private var held: String?
    private var ready: [String] = []

    /// A splitter that has read nothing.
    public init(_ style: Style = .commas) {
        self.style = style
        state = style == .numbers ? .search : .line
    }

    /// Reads the next piece of the text.
    /// - Returns: the elements whose successors have begun.
    public mutating func push(_ text: String) -> [String] {
        for scalar in text.unicodeScalars {
            switch style {
            case .commas: readComma(scalar)
            case .numbers: readNumbered(scalar)
            case .marks: readMarked(scalar)
            }
        }
        defer { ready = [] }
        return ready
    }

    /// The elements that are left when the text has ended. Push nothing afterwards.
    public mutating func finish() -> [String] {
        switch state {
        case .element, .plain, .quoted, .quoteInQuoted, .item: end()
        default: break
        }
        if let held { ready.append(held) }
        held = nil
        defer { ready = [] }
        return ready
    }

    /// The elements of a text that is all there.
    public static func split(_ text: String, style: Style = .commas) -> [String] {
        var splitter = ListSplitter(style)
        let first = splitter.push(text)
        return first + splitter.finish()
    }

    /// An element begins: the one before it may go.
    private mutating func begin() {
        if let held { ready.append(held) }
        held = nil
    }

    private mutating func end() {
        begin()
        held = String(element)
        element = String.UnicodeScalarView()
    }
}

extension ListSplitter {
    private mutating func readComma(_ scalar: Unicode.Scalar) {
        let isBreak = scalar == "\n" || scalar == "\r"
        switch state {
        case .line where isBreak: break
        case .quoted where scalar == "\"": state = .quoteInQuoted
        case .quoted: element.append(scalar)
        case .quoteInQuoted where scalar == "\"":
            element.append(scalar)
            state = .quoted
        case _ where isBreak:
            end()
            state = .line
        case _ where scalar == ",":
            begin()
            end()
            begin()
            state = .element
        case .line, .element:
            begin()
            beginComma(scalar)
        default:
            element.append(scalar)
            state = .plain
        }
    }

    private mutating func beginComma(_ scalar: Unicode.Scalar) {
        switch scalar {
        case " ": state = .element
        case "\"": state = .quoted
        default:
            element.append(scalar)
            state = .plain
        }
    }

    private mutating func readNumbered(_ scalar: Unicode.Scalar) {
        switch state {
        case .digits where scalar == ".": state = .marker
        case .marker where Self.isSpace(scalar): state = .itemStart
        case .itemStart where scalar != "\n", .item where scalar != "\n": readItem(scalar)
        case .item:
            end()
            state = .search
        default: state = scalar.properties.numericType == .decimal ? .digits : .search
        }
    }

    private mutating func readMarked(_ scalar: Unicode.Scalar) {
        switch state {
        case .line where Self.isSpace(scalar): break
        case .line where scalar == "-" || scalar == "*": state = .marker
        case .marker where Self.isSpace(scalar): state = .itemStart
        case .itemStart where scalar != "\n", .item where scalar != "\n": readItem(scalar)
        case .item:
            end()
            state = .line
        default: state = scalar == "\n" ? .line : .otherLine
        }
    }

    private mutating func readItem(_ scalar: Unicode.Scalar) {
        if state == .itemStart { begin() }
        element.append(scalar)
        state = .item
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
    }
}
