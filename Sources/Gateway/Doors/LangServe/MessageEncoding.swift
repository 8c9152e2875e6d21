import JSON
import Providers
import Runnable

/// Writes messages as LangChain's clients expect them (langserve-protocol.md, 2.2): every field in its place, empty containers
/// included, since one missing key turns a message into a plain dictionary on the other side.
enum MessageEncoding {
    /// Appends a model's whole answer as a route puts it out: the bare text, or the message.
    static func append(
        _ message: Message,
        as output: RouteSettings.Output,
        runID: RunID,
        to bytes: inout [UInt8]
    ) {
        switch output {
        case .text: bytes.appendJSON(message.content.text)
        case .message: append(message, fallbackID: "lc_run--\(runID)-0", to: &bytes)
        }
    }

    /// Appends a model's whole answer.
    ///
    /// - Parameter fallbackID: the id where the provider gave none; asked for only then. Nil where it has none.
    static func append(_ message: Message, fallbackID: @autoclosure () -> String?, to bytes: inout [UInt8]) {
        bytes.appendRaw("{\"content\":")
        append(message.content, to: &bytes)
        appendKwargs(message.additionalKwargs, message.responseMetadata, to: &bytes)
        bytes.appendRaw(",\"type\":\"ai\",\"name\":")
        appendOptional(message.name, to: &bytes)
        bytes.appendRaw(",\"id\":")
        appendOptional(message.id ?? fallbackID(), to: &bytes)
        bytes.appendRaw(",\"tool_calls\":[")
        for (place, call) in message.toolCalls.enumerated() {
            if place > 0 { bytes.appendRaw(",") }
            append(call, to: &bytes)
        }
        bytes.appendRaw("],\"invalid_tool_calls\":[")
        for (place, call) in message.invalidToolCalls.enumerated() {
            if place > 0 { bytes.appendRaw(",") }
            append(call, to: &bytes)
        }
        bytes.appendRaw("],\"usage_metadata\":")
        append(message.usage, to: &bytes)
        bytes.appendRaw("}")
    }

    /// Appends a piece of an answer.
    ///
    /// - Parameter id: the whole stream's; the piece's own does not count.
    static func append(_ chunk: MessageChunk, id: String, to bytes: inout [UInt8]) {
        bytes.appendRaw("{\"content\":")
        append(chunk.content, to: &bytes)
        appendKwargs(chunk.additionalKwargs, chunk.responseMetadata, to: &bytes)
        bytes.appendRaw(",\"type\":\"AIMessageChunk\",\"name\":")
        appendOptional(chunk.name, to: &bytes)
        bytes.appendRaw(",\"id\":")
        bytes.appendJSON(id)
        // The client works tool_calls out from the pieces below; a best-effort parse of each piece would be thrown away.
        bytes.appendRaw(",\"tool_calls\":[],\"invalid_tool_calls\":[],\"usage_metadata\":")
        append(chunk.usage, to: &bytes)
        bytes.appendRaw(",\"tool_call_chunks\":[")
        for (place, piece) in chunk.toolCallChunks.enumerated() {
            if place > 0 { bytes.appendRaw(",") }
            append(piece, to: &bytes)
        }
        if chunk.isLast {
            bytes.appendRaw("],\"chunk_position\":\"last\"}")
        } else {
            bytes.appendRaw("],\"chunk_position\":null}")
        }
    }

    /// What follows the content of a piece that has nothing but text: the same bytes for every token of a stream.
    static func plainChunkTail(id: String) -> [UInt8] {
        var bytes: [UInt8] = []
        appendKwargs([:], [:], to: &bytes)
        bytes.appendRaw(",\"type\":\"AIMessageChunk\",\"name\":null,\"id\":")
        bytes.appendJSON(id)
        bytes.appendRaw(",\"tool_calls\":[],\"invalid_tool_calls\":[],\"usage_metadata\":null,\"tool_call_chunks\":[]")
        bytes.appendRaw(",\"chunk_position\":null}")
        return bytes
    }

    /// Appends text or content blocks.
    static func append(_ content: MessageContent, to bytes: inout [UInt8]) {
        switch content {
        case .text(let text): bytes.appendJSON(text)
        case .blocks(let blocks): bytes.appendJSON(Value.array(blocks))
        }
    }

    private static func appendKwargs(_ extra: Value.Object, _ metadata: Value.Object, to bytes: inout [UInt8]) {
        bytes.appendRaw(",\"additional_kwargs\":")
        append(extra, to: &bytes)
        bytes.appendRaw(",\"response_metadata\":")
        append(metadata, to: &bytes)
    }

    private static func append(_ object: Value.Object, to bytes: inout [UInt8]) {
        bytes.appendJSON(object)
    }

    private static func appendOptional(_ text: String?, to bytes: inout [UInt8]) {
        if let text { bytes.appendJSON(text) } else { bytes.appendRaw("null") }
    }

    private static func append(_ call: ToolCall, to bytes: inout [UInt8]) {
        bytes.appendRaw("{\"name\":")
        bytes.appendJSON(call.name)
        bytes.appendRaw(",\"args\":")
        append(call.arguments, to: &bytes)
        bytes.appendRaw(",\"id\":")
        appendOptional(call.id, to: &bytes)
        bytes.appendRaw(",\"type\":\"tool_call\"}")
    }

    private static func append(_ call: InvalidToolCall, to bytes: inout [UInt8]) {
        bytes.appendRaw("{\"type\":\"invalid_tool_call\",\"id\":")
        appendOptional(call.id, to: &bytes)
        bytes.appendRaw(",\"name\":")
        appendOptional(call.name, to: &bytes)
        bytes.appendRaw(",\"args\":")
        appendOptional(call.arguments, to: &bytes)
        bytes.appendRaw(",\"error\":")
        appendOptional(call.error, to: &bytes)
        bytes.appendRaw("}")
    }

    private static func append(_ piece: ToolCallChunk, to bytes: inout [UInt8]) {
        bytes.appendRaw("{\"name\":")
        appendOptional(piece.name, to: &bytes)
        bytes.appendRaw(",\"args\":")
        appendOptional(piece.arguments, to: &bytes)
        bytes.appendRaw(",\"id\":")
        appendOptional(piece.id, to: &bytes)
        bytes.appendRaw(",\"index\":")
        if let index = piece.index { bytes.appendJSON(index) } else { bytes.appendRaw("null") }
        bytes.appendRaw(",\"type\":\"tool_call_chunk\"}")
    }

    private static func append(_ usage: UsageMetadata?, to bytes: inout [UInt8]) {
        guard let usage else { return bytes.appendRaw("null") }
        bytes.appendRaw("{\"input_tokens\":")
        bytes.appendJSON(usage.inputTokens)
        bytes.appendRaw(",\"output_tokens\":")
        bytes.appendJSON(usage.outputTokens)
        bytes.appendRaw(",\"total_tokens\":")
        bytes.appendJSON(usage.totalTokens)
        if let details = usage.inputTokenDetails {
            bytes.appendRaw(",\"input_token_details\":")
            append(details, to: &bytes)
        }
        if let details = usage.outputTokenDetails {
            bytes.appendRaw(",\"output_token_details\":")
            append(details, to: &bytes)
        }
        bytes.appendRaw("}")
    }

    private static func append(_ details: [String: Int], to bytes: inout [UInt8]) {
        bytes.appendRaw("{")
        for (place, (key, count)) in details.sorted(by: { $0.key < $1.key }).enumerated() {
            if place > 0 { bytes.appendRaw(",") }
            bytes.appendJSON(key)
            bytes.appendRaw(":")
            bytes.appendJSON(count)
        }
        bytes.appendRaw("}")
    }
}
