import HTTP

/// How `/stream` and the streamed form of `/batch` are written.
enum StreamFormat: Equatable {
    /// LangServe's server-sent events.
    case events
    /// One JSON object a line.
    case lines
    /// The bare text of the tokens, for people and pipes.
    case text

    /// The format that `Accept` asks for; nil when it names none of `offered`, or is absent.
    ///
    /// Of formats with the same weight the one named first wins. A media type this door does not have is no error: LangServe never
    /// looks at `Accept`.
    static func negotiated(_ fields: HTTPFields, offered: [StreamFormat]) -> StreamFormat? {
        let accept = fields.values("accept").joined(separator: ",")
        if accept.isEmpty || accept == "*/*" { return nil }
        var best: (format: StreamFormat, weight: Double)?
        for part in accept.split(separator: ",") {
            let pieces = part.split(separator: ";").map(trimmed)
            guard let name = pieces.first?.lowercased(),
                let format = format(named: name),
                offered.contains(format)
            else { continue }
            let weight = pieces.dropFirst().compactMap(weight).first ?? 1
            if weight > 0, weight > best?.weight ?? 0 { best = (format, weight) }
        }
        return best?.format
    }

    private static func format(named name: String) -> StreamFormat? {
        switch name {
        case "text/event-stream": .events
        case "application/x-ndjson", "application/ndjson", "application/jsonl": .lines
        case "text/plain": .text
        default: nil
        }
    }

    private static func weight(_ parameter: Substring) -> Double? {
        guard parameter.hasPrefix("q=") || parameter.hasPrefix("Q=") else { return nil }
        return Double(parameter.dropFirst(2))
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }

    /// The head's fields.
    func fields(_ report: RunReport) -> HTTPFields {
        var fields: HTTPFields = [:]
        switch self {
        case .events: fields.append("content-type", "text/event-stream; charset=utf-8")
        case .lines: fields.append("content-type", "application/x-ndjson; charset=utf-8")
        case .text: fields.append("content-type", "text/plain; charset=utf-8")
        }
        fields.append("cache-control", "no-store")
        fields.append("x-accel-buffering", "no")
        report.appendID(to: &fields)
        return fields
    }

    /// Bytes that mean nothing to the reader: a comment, or white space before the next line's value. Bare text has none.
    var keepAlive: [UInt8]? {
        switch self {
        case .events: Array(": ping\r\n\r\n".utf8)
        case .lines: [UInt8(ascii: " ")]
        case .text: nil
        }
    }
}
