/// What a ``ScriptedUpstream`` does with one request, step by step. Afterwards it reads the next request on the connection.
public enum UpstreamStep: Sendable {
    /// Sends these bytes.
    case bytes([UInt8])
    /// Waits until the gate is open.
    case gate(Gate)
    /// Sends these bytes again and again, a millisecond apart, until the peer ends the connection; counts as a disconnect.
    case repeated([UInt8])
    /// Reads until the peer ends or breaks the connection, and counts that as a disconnect.
    case untilDisconnect
    /// Ends the connection in the orderly way.
    case close
    /// Breaks the connection.
    case reset

    /// Sends this text.
    public static func text(_ text: String) -> UpstreamStep { .bytes(Array(text.utf8)) }
}

/// The steps of one request.
public typealias UpstreamScript = [UpstreamStep]

extension UpstreamScript {
    /// A whole response with a Content-Length.
    public static func response(
        status: Int = 200,
        type: String = "application/json",
        fields: [String] = [],
        _ body: String
    ) -> UpstreamScript {
        let lines = ["content-type: \(type)", "content-length: \(body.utf8.count)"] + fields
        return [.text("HTTP/1.1 \(status) Status\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n" + body)]
    }

    /// An event stream in one chunk for each part, with its proper end.
    public static func eventStream(_ parts: [String]) -> UpstreamScript {
        [.eventStreamHead] + parts.map { .chunk($0) } + [.lastChunk]
    }
}

extension UpstreamScript {
    /// All bytes of the script as one step, written at once.
    public func joined() -> UpstreamScript {
        var all: [UInt8] = []
        for case .bytes(let bytes) in self { all += bytes }
        return [.bytes(all)]
    }
}

extension UpstreamStep {
    /// The head of an event stream in chunks.
    public static var eventStreamHead: UpstreamStep {
        .text("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    }

    /// One chunk of a chunked body.
    public static func chunk(_ text: String) -> UpstreamStep {
        .text(String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n")
    }

    /// The end of a chunked body.
    public static var lastChunk: UpstreamStep { .text("0\r\n\r\n") }
}
