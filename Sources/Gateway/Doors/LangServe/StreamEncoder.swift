import HTTP
import JSON
import Runnable

/// Writes the events of one `/stream` answer. Each method replaces ``bytes`` by one event: one HTTP chunk.
struct StreamEncoder {
    let format: StreamFormat
    let output: RouteSettings.Output
    private let fallbackID: String
    /// The message's id: the first piece's decides for all, as LangChain's clients keep one.
    private var messageID: String?
    private var tail: [UInt8]?
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
        // LangServe's server has a space here.
        bytes.appendRaw(format == .events ? "{\"run_id\": \"" : "{\"run_id\":\"")
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
                MessageEncoding.append(chunk, id: id(of: chunk), to: &bytes)
            }
        }
        return finish()
    }

    /// The empty last piece of a message whose model sent none.
    mutating func lastPiece() -> Bool {
        guard output == .message, format != .text else { return false }
        return data(MessageChunk(isLast: true))
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
        bytes.appendRaw("{\"content\":")
        MessageEncoding.append(chunk.content, to: &bytes)
        let tail = tail ?? MessageEncoding.plainChunkTail(id: id(of: chunk))
        self.tail = tail
        bytes.append(contentsOf: tail)
    }

    private mutating func id(of chunk: MessageChunk) -> String {
        let id = messageID ?? chunk.id ?? fallbackID
        messageID = id
        return id
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
