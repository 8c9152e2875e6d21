import HTTP

/// One element of `Accept` (RFC 9110, section 12.5.1).
struct MediaRange {
    /// The type, in lower case and without parameters.
    let name: String
    /// What `q` says; 1 without it.
    let weight: Double
    /// Its place among the others.
    let place: Int

    private init(_ text: Substring, place: Int) {
        let pieces = text.split(separator: ";").map(Self.trimmed)
        name = pieces.first?.lowercased() ?? ""
        weight =
            pieces.dropFirst().lazy.compactMap { parameter in
                parameter.hasPrefix("q=") || parameter.hasPrefix("Q=") ? Double(parameter.dropFirst(2)) : nil
            }.first ?? 1
        self.place = place
    }

    /// Those of `accept`, whose elements are separated by commas.
    static func all(in accept: String) -> [MediaRange] {
        accept.split(separator: ",").enumerated().map { MediaRange($1, place: $0) }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
