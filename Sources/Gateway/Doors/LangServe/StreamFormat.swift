import HTTP

/// How `/stream` and the streamed form of `/batch` are written.
enum StreamFormat: Equatable {
    /// LangServe's server-sent events.
    case events
    /// One JSON object a line.
    case lines
    /// The bare text of the tokens, for people and pipes.
    case text

    /// The format that `Accept` asks for by RFC 9110, section 12.5.1; nil for the door's default.
    ///
    /// Each type offered has the weight of the most specific range that matches it; the heaviest wins, and of equals the one named
    /// first. Wildcards name nothing: of what only they match, the default wins. Where nothing offered is acceptable, the default is sent all
    /// the same: LangServe never looks at `Accept`.
    ///
    /// - Parameters:
    ///   - offered: what there is besides the default, or with it.
    ///   - standard: the default: one of `offered`, or nil for a whole JSON answer.
    static func negotiated(_ fields: HTTPFields, offered: [StreamFormat], standard: StreamFormat?) -> StreamFormat? {
        let accept = fields.values("accept").joined(separator: ",")
        if accept.isEmpty || accept == "*/*" { return standard }
        let ranges = MediaRange.all(in: accept)
        var candidates: [StreamFormat?] = offered
        if !offered.contains(where: { $0 == standard }) { candidates.append(standard) }
        var best: (format: StreamFormat?, match: MediaRange.Match)?
        for format in candidates {
            guard let match = MediaRange.match(ranges, format, isDefault: format == standard), match.weight > 0 else {
                continue
            }
            if best.map({ match.isBetter(than: $0.match) }) ?? true { best = (format, match) }
        }
        return best.map(\.format) ?? standard
    }

    /// The head's fields, but for those of one answer alone.
    var fields: HTTPFields {
        switch self {
        case .events: StreamFormat.eventFields
        case .lines: StreamFormat.lineFields
        case .text: StreamFormat.textFields
        }
    }

    private static let eventFields = fields("text/event-stream; charset=utf-8")
    private static let lineFields = fields("application/x-ndjson; charset=utf-8")
    private static let textFields = fields("text/plain; charset=utf-8")

    private static func fields(_ type: StaticString) -> HTTPFields {
        ["content-type": type, "cache-control": "no-store", "x-accel-buffering": "no"]
    }

    /// Bytes that mean nothing to the reader: a comment, or white space before the next line's value. Bare text has none.
    var keepAlive: [UInt8]? {
        switch self {
        case .events: StreamFormat.comment
        case .lines: StreamFormat.space
        case .text: nil
        }
    }

    private static let comment = Array(": ping\r\n\r\n".utf8)
    private static let space = [UInt8(ascii: " ")]
}

extension MediaRange {
    /// How well a format is liked.
    fileprivate struct Match {
        let weight: Double
        let rank: Int
        let place: Int

        func isBetter(than other: Match) -> Bool {
            if weight != other.weight { return weight > other.weight }
            return rank != other.rank ? rank > other.rank : place < other.place
        }
    }

    /// The most specific range that covers `format`; nil when there is none.
    fileprivate static func match(_ ranges: [MediaRange], _ format: StreamFormat?, isDefault: Bool) -> Match? {
        let names = format.names
        if let range = ranges.first(where: { names.contains($0.name) }) {
            // In `application/json, text/plain, */*` of stock clients text is a habit, and the default as welcome.
            let isHabit = format == .text && ranges.contains { $0.name == "*/*" && $0.weight >= range.weight }
            return Match(weight: range.weight, rank: isHabit ? 1 : 3, place: range.place)
        }
        let kind = names[0].prefix { $0 != "/" }
        guard let range = ranges.first(where: { $0.name == "\(kind)/*" }) ?? ranges.first(where: { $0.name == "*/*" })
        else { return nil }
        return Match(weight: range.weight, rank: isDefault ? 2 : 0, place: range.place)
    }
}

extension StreamFormat? {
    /// Media types that ask for it; nil is a whole JSON answer.
    fileprivate var names: [String] {
        switch self {
        case .events: ["text/event-stream"]
        case .lines: ["application/x-ndjson", "application/ndjson", "application/jsonl"]
        case .text: ["text/plain"]
        case nil: ["application/json"]
        }
    }
}
