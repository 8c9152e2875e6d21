import HTTP
import JSON
import Runnable

/// Writes the events of one `/stream` answer. Each method replaces ``bytes`` by one event: one HTTP chunk.
struct StreamEncoder {
    let format: StreamFormat
    let output: RouteSettings.Output
    private let fallbackID: String
    private var tail: (id: String, bytes: [UInt8])?
    /// The event made last.
    private(set) var bytes: [UInt8] = []

    init(format: StreamFormat, output: RouteSettings.Output, runID: RunID) {
        self.format = format
        self.output = output
        fallbackID = "lc_run--\(runID)"
    }

    /// The run's id, before everything else. Bare text has no such event: false.
    mutating func metadata(_ runID: RunID) -> Bool {
        begin("metadata")
        bytes.appendRaw("{\"run_id\":\"")
        runID.append(to: &bytes)
        bytes.appendRaw("\"}")
        return finish()
    }

    /// A piece of the answer; false when this format has nothing to say about it.
    mutating func data(_ chunk: MessageChunk) -> Bool {
        if format == .text || output == .text {
            // Pieces that carry usage or the finish reason have no text; a token that is an empty string is one all the same.
            if chunk.content.isEmpty, format == .text || !chunk.isPlain || chunk.isLast { return false }
        }
        if format == .text {
            bytes.removeAll(keepingCapacity: true)
            switch chunk.content {
            case .text(let text): bytes.append(contentsOf: text.utf8)
            case .blocks: bytes.append(contentsOf: chunk.content.text.utf8)
            }
            return !bytes.isEmpty
        }
        begin("data")
        switch output {
        case .text:
            switch chunk.content {
            case .text(let text): bytes.appendJSON(text)
            case .blocks: bytes.appendJSON(chunk.content.text)
            }
        case .message:
            if chunk.isPlain && !chunk.isLast {
                appendPlain(chunk)
            } else {
                MessageEncoding.append(chunk, fallbackID: fallbackID, to: &bytes)
            }
        }
        return finish()
    }

    /// The empty last piece of a message whose model sent none.
    mutating func lastPiece() -> Bool {
        guard output == .message, format != .text else { return false }
        return data(MessageChunk(id: tail?.id, isLast: true))
    }

    /// The proper end; bare text ends with its body alone: false.
    mutating func end() -> Bool {
        bytes.removeAll(keepingCapacity: true)
        switch format {
        case .events: SSEEncoder.append(event: "end", to: &bytes)
        case .lines: bytes.appendRaw("{\"event\":\"end\"}\n")
        case .text: return false
        }
        return true
    }

    /// A failure; bare text can only be cut: false.
    mutating func error(_ error: RunError) -> Bool {
        begin("error")
        ErrorEncoding.appendEvent(error, to: &bytes)
        return finish()
    }

    private mutating func appendPlain(_ chunk: MessageChunk) {
        let id = chunk.id ?? fallbackID
        if tail?.id != id { tail = (id, MessageEncoding.plainChunkTail(id: id)) }
        bytes.appendRaw("{\"content\":")
        MessageEncoding.append(chunk.content, to: &bytes)
        if let tail { bytes.append(contentsOf: tail.bytes) }
    }

    private mutating func begin(_ event: StaticString) {
        bytes.removeAll(keepingCapacity: true)
        switch format {
        case .events:
            bytes.appendRaw("event: ")
            bytes.appendRaw(event)
            bytes.appendRaw("\r\ndata: ")
        case .lines:
            bytes.appendRaw("{\"event\":\"")
            bytes.appendRaw(event)
            bytes.appendRaw("\",\"data\":")
        case .text: return
        }
    }

    private mutating func finish() -> Bool {
        switch format {
        case .events: bytes.appendRaw("\r\n\r\n")
        case .lines: bytes.appendRaw("}\n")
        case .text: return false
        }
        return true
    }
}
