import HTTP
import JSON
import Runnable

/// Writes the events of one `/stream` answer. Each method replaces ``bytes`` by one event: one HTTP chunk.
final class StreamEncoder {
    let format: StreamFormat
    let output: RouteSettings.Output
    private let runID: RunID
    private let buffer: EventBuffer
    /// The message's id: the first piece's decides for all, as LangChain's clients keep one.
    private var messageID: String?
    private var tail: [UInt8]?
    private var hasLastPiece = false
    /// Whether the stream is one of messages; a pipeline shows it with its first piece.
    private var hasMessages: Bool
    /// The event made last.
    private(set) var bytes: [UInt8] {
        get { buffer.bytes }
        _modify { yield &buffer.bytes }
    }

    /// - Parameter buffer: where events are made; streams of one loop share one, as each event is written at once.
    /// - Parameter isPipeline: whether pieces are of any kind.
    init(
        format: StreamFormat,
        output: RouteSettings.Output,
        runID: RunID,
        buffer: EventBuffer,
        isPipeline: Bool = false
    ) {
        hasMessages = !isPipeline
        self.format = format
        self.output = output
        self.runID = runID
        self.buffer = buffer
    }

    /// The run's id, before everything else. Bare text has no such event: false.
    func metadata(_ runID: RunID) -> Bool {
        begin("metadata")
        // LangServe's server has a space here.
        bytes.appendRaw(format == .events ? "{\"run_id\": \"" : "{\"run_id\":\"")
        runID.append(to: &bytes)
        bytes.appendRaw("\"}")
        return finish()
    }

    /// A piece of the answer; false when this format has nothing to say about it.
    func data(_ chunk: MessageChunk) -> Bool {
        if chunk.isLast { hasLastPiece = true }
        if format == .text || output == .text {
            // Pieces that carry usage or the finish reason have no text; a token that is an empty string is one all the same.
            if chunk.content.isEmpty, format == .text || !chunk.isPlain || chunk.isLast { return false }
        }
        if format == .text {
            buffer.clear()
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

    /// A piece of a pipeline's output: pieces of messages as ``data(_:)-(MessageChunk)``, all else as JSON; as bare text only strings and
    /// messages say something.
    func data(_ value: RunValue) -> Bool {
        switch value {
        case .chunk(let chunk):
            hasMessages = true
            return data(chunk)
        case _ where format == .text:
            guard let text = value.parsedText, !text.isEmpty else { return false }
            buffer.clear()
            bytes.append(contentsOf: text.utf8)
            return true
        default:
            begin("data")
            ValueEncoding.append(value, runID: runID, to: &bytes)
            return finish()
        }
    }

    /// An event of `/stream_events` or a change of `/stream_log`.
    func data(_ append: (inout [UInt8]) -> Void) -> Bool {
        begin("data")
        append(&bytes)
        return finish()
    }

    /// The empty last piece of a message, if its model sent none.
    func lastPiece() -> Bool {
        guard !hasLastPiece, output == .message, hasMessages, format != .text else { return false }
        return data(MessageChunk(isLast: true))
    }

    /// The proper end; bare text ends with its body alone: false.
    func end() -> Bool {
        buffer.clear()
        switch format {
        case .events: SSEEncoder.append(event: "end", to: &bytes)
        case .lines: bytes.appendRaw("{\"event\":\"end\"}\n")
        case .text: return false
        }
        return true
    }

    /// A failure; bare text can only be cut: false.
    func error(_ error: RunError) -> Bool {
        begin("error")
        ErrorEncoding.appendEvent(error, to: &bytes)
        return finish()
    }

    private func appendPlain(_ chunk: MessageChunk) {
        bytes.appendRaw("{\"content\":")
        MessageEncoding.append(chunk.content, to: &bytes)
        let tail = tail ?? MessageEncoding.plainChunkTail(id: id(of: chunk))
        self.tail = tail
        bytes.append(contentsOf: tail)
    }

    private func id(of chunk: MessageChunk) -> String {
        let id = messageID ?? chunk.id ?? "lc_run--\(runID)"
        messageID = id
        return id
    }

    private func begin(_ event: StaticString) {
        buffer.clear()
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

    private func finish() -> Bool {
        switch format {
        case .events: bytes.appendRaw("\r\n\r\n")
        case .lines: bytes.appendRaw("}\n")
        case .text: return false
        }
        return true
    }
}

/// A place to make one event or answer in, which is written before the next one is made.
final class EventBuffer {
    var bytes: [UInt8] = []

    /// Room beyond this is given back: a large event is rare.
    private static let keptCapacity = 64 << 10

    func clear() {
        if bytes.capacity > EventBuffer.keptCapacity { bytes = [] } else { bytes.removeAll(keepingCapacity: true) }
    }
}
