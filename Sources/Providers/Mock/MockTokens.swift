import JSON

/// The tokens of one answer. Their texts one after the other are the answer's text, exactly.
///
/// * Of `words`, token i is `words[i % 61]`, with a space before it unless i is 0.
/// * Of a text, a token is a word together with the white space before it; white space at the end is a token of its own.
/// * Of a tool call's arguments, a token is 8 bytes, or up to 3 more where a character would be cut.
public struct MockTokens: Sendable {
    /// What `words` are taken from: 61 of them, a prime, so that a lost, doubled or moved token changes the text.
    public static let words: [String] = """
        the river keeps its own slow time and every stone along this bank has learned to listen while morning light \
        comes down through alder leaves a small boat waits with one oar lifted because somebody far away is calling \
        across water that remembers rain old bridges names of towns where bread was warm before dawn ever broke \
        over sleeping market squares
        """.split(separator: " ").map(String.init)

    /// The words as JSON strings, with the space that all but the first begin with, and that first one.
    private static let quoted: [[UInt8]] = words.map { Array("\" \($0)\"".utf8) }
    private static let firstQuoted: [UInt8] = Array("\"\(words[0])\"".utf8)

    private enum Source: Sendable {
        case words
        case text([UInt8], ends: [Int])
    }

    private let source: Source
    /// How many there are.
    public let count: Int
    /// Whether there would be more, had a limit not been in the way.
    public let isCut: Bool

    /// `count` words.
    ///
    /// - Parameter limit: the most tokens the caller wants; nil for no limit.
    public init(words count: Int, limit: Int? = nil) {
        source = .words
        self.count = min(count, limit ?? count)
        isCut = self.count < count
    }

    /// The tokens of a text.
    public init(text: String, limit: Int? = nil) {
        let bytes = Array(text.utf8)
        var ends: [Int] = []
        var isInWord = false
        for (place, byte) in bytes.enumerated() {
            let isSpace = MockTokens.isSpace(byte)
            if isSpace && isInWord { ends.append(place) }
            isInWord = !isSpace
        }
        if !bytes.isEmpty { ends.append(bytes.count) }
        source = .text(bytes, ends: ends)
        count = min(ends.count, limit ?? ends.count)
        isCut = count < ends.count
    }

    /// A text in pieces of `pieceBytes` bytes, each extended to the end of its last character.
    init(text: String, pieceBytes: Int) {
        let bytes = Array(text.utf8)
        var ends: [Int] = []
        var end = 0
        while end < bytes.count {
            end = min(end + pieceBytes, bytes.count)
            while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
            ends.append(end)
        }
        source = .text(bytes, ends: ends)
        count = ends.count
        isCut = false
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// The text of token `index`.
    public func text(at index: Int) -> String {
        switch source {
        case .words:
            let word = MockTokens.words[index % MockTokens.words.count]
            return index == 0 ? word : " " + word
        case .text(let bytes, let ends): return String(decoding: bytes[range(index, ends)], as: UTF8.self)
        }
    }

    /// The text of all tokens.
    public var text: String {
        if case .text(let bytes, let ends) = source {
            return count == 0 ? "" : String(decoding: bytes[..<ends[count - 1]], as: UTF8.self)
        }
        return (0..<count).map { text(at: $0) }.joined()
    }

    /// Appends token `index` as a JSON string.
    public func appendQuoted(_ index: Int, to output: inout [UInt8]) {
        switch source {
        case .words where index == 0: output.append(contentsOf: MockTokens.firstQuoted)
        case .words: output.append(contentsOf: MockTokens.quoted[index % MockTokens.quoted.count])
        case .text(let bytes, let ends):
            let range = range(index, ends)
            bytes.withUnsafeBytes { output.appendJSON(utf8: UnsafeRawBufferPointer(rebasing: $0[range])) }
        }
    }

    /// Appends the text of all tokens as one JSON string.
    public func appendQuoted(to output: inout [UInt8]) {
        switch source {
        case .words:
            output.append(UInt8(ascii: "\""))
            for index in 0..<count {
                let word = index == 0 ? MockTokens.firstQuoted : MockTokens.quoted[index % MockTokens.quoted.count]
                output.append(contentsOf: word.dropFirst().dropLast())
            }
            output.append(UInt8(ascii: "\""))
        case .text(let bytes, let ends):
            let end = count == 0 ? 0 : ends[count - 1]
            bytes.withUnsafeBytes { output.appendJSON(utf8: UnsafeRawBufferPointer(rebasing: $0[..<end])) }
        }
    }

    private func range(_ index: Int, _ ends: [Int]) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    /// How many words a text has: what a mock takes for its prompt's tokens.
    public static func countWords(_ utf8: some Sequence<UInt8>) -> Int {
        var count = 0
        var isInWord = false
        for byte in utf8 {
            let isSpace = isSpace(byte)
            if !isSpace && !isInWord { count += 1 }
            isInWord = !isSpace
        }
        return count
    }
}
