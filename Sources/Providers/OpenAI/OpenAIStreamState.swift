import Glibc
import HTTP
import JSON
import Runnable

/// What a stream has said so far.
struct OpenAIStreamState {
    let errors: OpenAIErrors
    private(set) var isComplete = false
    private(set) var finishReason: String?
    private var id: String?
    private var modelName: String?
    private var fingerprint: String?
    private var usage: UsageMetadata?
    /// What goes with the final chunk alone: sources are repeated with every chunk, and details are not to be added up, which would
    /// double their constant members.
    private var extra = Value.Object()
    private var details = ReasoningDetails()
    private var toolCalls = OpenAIToolCallAssembler()
    private var hasFunctionName = false
    private var hasBegun = false

    init(errors: OpenAIErrors) { self.errors = errors }

    /// Reads one event and appends the chunk it makes, if any. Throws `RunError` or `JSONError`.
    mutating func read(
        _ event: SSEEvent,
        padded: Bool,
        _ reader: JSONReader,
        _ chunks: inout [MessageChunk]
    ) throws {
        guard !isComplete else { return }
        let data = event.data.trimmed
        guard let first = data.first else { return }
        if first == UInt8(ascii: "["), data.isText("[DONE]") { return complete(&chunks) }
        if !event.name.isEmpty {
            if event.name.isText("error") { throw reported(data, reader) }
            if event.name.isText("ping") { return }
        }
        let chunk = try reader.read(data, padded: padded) { view in try readChunk(view) }
        if let chunk {
            hasBegun = true
            chunks.append(chunk)
        }
    }

    private func reported(_ data: UnsafeRawBufferPointer, _ reader: JSONReader) -> RunError {
        let body = try? reader.read(data) { OpenAIErrorBody($0) ?? OpenAIErrorBody(details: $0) }
        return errors.error(inside: body ?? OpenAIErrorBody(message: String(decoding: data, as: UTF8.self)))
    }

    /// The end: appends the final chunk with everything that must come exactly once.
    mutating func complete(_ chunks: inout [MessageChunk]) {
        isComplete = true
        var last = MessageChunk(id: id, isLast: true)
        var metadata = Value.Object()
        if let finishReason { metadata["finish_reason"] = .string(finishReason) }
        if let modelName { metadata["model_name"] = .string(modelName) }
        if let fingerprint { metadata["system_fingerprint"] = .string(fingerprint) }
        if !metadata.isEmpty { last.responseMetadata = metadata }
        if let usage { last.usage = usage }
        if let list = details.list { extra["reasoning_details"] = list }
        if !extra.isEmpty { last.additionalKwargs = extra }
        chunks.append(last)
    }

    /// Whether an event says that the stream is over.
    static func isEndMark(_ event: SSEEvent) -> Bool { event.data.trimmed.isText("[DONE]") }

    // MARK: One event

    private mutating func readChunk(_ root: JSONView) throws(RunError) -> MessageChunk? {
        guard root.kind == .object else {
            if let body = OpenAIErrorBody(root) { throw errors.error(inside: body) }
            throw RunError(.upstreamProtocol, detail: "an event is no object")
        }
        var choices: JSONView?
        for (key, value) in root.members {
            // Told apart by their length first.
            switch key.raw.count - 2 {
            case 2 where id == nil && !hasBegun && key.isKey("id"): id = value.nonEmptyString
            case 5:
                if key.isKey("model") {
                    if modelName == nil { modelName = value.nonEmptyString }
                } else if key.isKey("usage") {
                    if let usage = UsageMetadata(openAI: value) { self.usage = usage }
                } else if key.isKey("error"), !value.isNull {
                    throw errors.error(inside: OpenAIErrorBody(details: value))
                }
            case 6:
                if key.isKey("x_groq") {
                    try readGroq(value)
                } else if key.isKey("object"), value.equals("error") {
                    throw errors.error(inside: OpenAIErrorBody(details: root))
                }
            case 7 where key.isKey("choices"): choices = value
            case 18 where fingerprint == nil && key.isKey("system_fingerprint"):
                fingerprint = value.nonEmptyString
            case 9, 14:
                if let name = OpenAISources.name(of: key), !value.isNull { extra[name] = Value(value) }
            default: continue
            }
        }
        guard let choices else {
            // An event that says nothing about the answer is skipped, unless it is an error in another shape.
            if let body = OpenAIErrorBody(root) { throw errors.error(inside: body) }
            return nil
        }
        return try firstChoice(choices)
    }

    private mutating func readGroq(_ view: JSONView) throws(RunError) {
        if let error = view["error"], !error.isNull { throw errors.error(inside: OpenAIErrorBody(details: error)) }
        if let usage = view["usage"].flatMap({ UsageMetadata(openAI: $0) }) { self.usage = usage }
    }

    /// Reads the choice with index 0; there are none in the first and last chunks of some servers.
    private mutating func firstChoice(_ choices: JSONView) throws(RunError) -> MessageChunk? {
        for choice in choices.elements {
            var index = 0
            var delta: JSONView?
            var message: JSONView?
            var reason: JSONView?
            var logprobs: JSONView?
            for (key, value) in choice.members where !value.isNull {
                switch key.raw.count - 2 {
                case 5:
                    if key.isKey("delta") { delta = value } else if key.isKey("index") { index = value.int ?? 0 }
                case 7 where key.isKey("message"): message = value
                case 8 where key.isKey("logprobs"): logprobs = value
                case 13 where key.isKey("finish_reason"): reason = value
                default: continue
                }
            }
            guard index == 0 else { continue }
            if let reason = reason?.nonEmptyString {
                guard reason != "error" else {
                    let body = choice["error"].map { OpenAIErrorBody(details: $0) }
                    throw errors.error(inside: body ?? OpenAIErrorBody())
                }
                finishReason = reason
            }
            // Some send a `message` with the whole text beside each delta: only where there is no delta is it news.
            return try chunk(of: delta ?? message, logprobs)
        }
        return nil
    }

    private mutating func chunk(of delta: JSONView?, _ logprobs: JSONView?) throws(RunError) -> MessageChunk? {
        guard let delta else { return nil }
        let fields = OpenAIMessageFields(delta)
        var chunk = MessageChunk(id: id)
        if let text = fields.content?.nonEmptyString { chunk.content = .text(text) }
        if fields.isTextAlone, fields.content?.kind != .array, logprobs == nil {
            return chunk.content.isEmpty ? nil : chunk
        }
        return try addRare(fields, logprobs, to: &chunk) || !chunk.content.isEmpty ? chunk : nil
    }

    /// Adds everything but plain text; false when that is nothing.
    private mutating func addRare(
        _ fields: OpenAIMessageFields,
        _ logprobs: JSONView?,
        to chunk: inout MessageChunk
    ) throws(RunError) -> Bool {
        var extra = Value.Object()
        var reasoning = OpenAIContent(fields.reasoning).text
        if let content = fields.content, content.kind == .array {
            let parts = OpenAIContent(content)
            chunk.content = .text(parts.text)
            reasoning += parts.reasoning
        }
        if !reasoning.isEmpty { extra["reasoning_content"] = .string(reasoning) }
        if let pieces = fields.reasoningDetails { details.add(pieces) }
        if let refusal = fields.refusal?.nonEmptyString { extra["refusal"] = .string(refusal) }
        if let call = fields.functionCall.flatMap({ functionCall($0) }) { extra["function_call"] = call }
        if !extra.isEmpty { chunk.additionalKwargs = extra }
        var pieces: [ToolCallChunk] = []
        for fragment in (fields.toolCalls?.elements).map(Array.init) ?? [] where fragment.kind == .object {
            if let piece = try toolCalls.piece(fragment) { pieces.append(piece) }
        }
        if !pieces.isEmpty { chunk.toolCallChunks = pieces }
        let hasContent = !extra.isEmpty || !pieces.isEmpty || !chunk.content.isEmpty
        // Alone they are no content; some servers send empty ones with every chunk.
        if let logprobs, hasContent { chunk.responseMetadata = ["logprobs": Value(logprobs)] }
        return hasContent
    }

    /// The old form of a tool call: the name once, the arguments in pieces.
    private mutating func functionCall(_ view: JSONView) -> Value? {
        var call = Value.Object()
        if !hasFunctionName, let name = view["name"]?.nonEmptyString {
            hasFunctionName = true
            call["name"] = .string(name)
        }
        if let arguments = view["arguments"]?.nonEmptyString { call["arguments"] = .string(arguments) }
        return call.isEmpty ? nil : .object(call)
    }
}

extension UnsafeRawBufferPointer {
    /// Without white space around it.
    fileprivate var trimmed: UnsafeRawBufferPointer {
        guard let first, let last, first <= 0x20 || last <= 0x20 else { return self }
        guard let start = firstIndex(where: { $0 > 0x20 }), let end = lastIndex(where: { $0 > 0x20 }) else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(rebasing: self[start...end])
    }

    fileprivate func isText(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount, let baseAddress else { return false }
        return memcmp(baseAddress, text.utf8Start, count) == 0
    }
}
