import JSON
import Providers
import Runnable

/// Writes what flows through pipelines as LangServe's clients expect it.
enum ValueEncoding {
    /// Appends a value as JSON. A model's message or piece without an id gets one made from `runID`; messages in prompts and lists are
    /// the caller's, and stay without.
    static func append(_ value: RunValue, runID: RunID, to bytes: inout [UInt8]) {
        switch value {
        case .value(let value), .snapshot(let value): bytes.appendJSON(value)
        case .message(let message): append(message, runID: runID, to: &bytes)
        case .chunk(let chunk): MessageEncoding.append(chunk, id: chunk.id ?? "lc_run--\(runID)", to: &bytes)
        case .prompt(let prompt): append(prompt, to: &bytes)
        case .object(let members):
            bytes.appendRaw("{")
            for (place, member) in members.all.enumerated() {
                if place > 0 { bytes.appendRaw(",") }
                bytes.appendJSON(member.key)
                bytes.appendRaw(":")
                append(member.value, runID: runID, to: &bytes)
            }
            bytes.appendRaw("}")
        case .list(let elements):
            bytes.appendRaw("[")
            for (place, element) in elements.enumerated() {
                if place > 0 { bytes.appendRaw(",") }
                if case .message(let message) = element {
                    append(message, runID: nil, to: &bytes)
                } else {
                    append(element, runID: runID, to: &bytes)
                }
            }
            bytes.appendRaw("]")
        }
    }

    private static func append(_ prompt: ChatPrompt, to bytes: inout [UInt8]) {
        if prompt.isText {
            bytes.appendRaw("{\"text\":")
            bytes.appendJSON(prompt.text)
            bytes.appendRaw(",\"type\":\"StringPromptValue\"}")
            return
        }
        bytes.appendRaw("{\"messages\":[")
        for (place, message) in prompt.messages.enumerated() {
            if place > 0 { bytes.appendRaw(",") }
            append(message, runID: nil, to: &bytes)
        }
        bytes.appendRaw("],\"type\":\"ChatPromptValueConcrete\"}")
    }

    /// Appends any message: the model's as ``MessageEncoding`` does, others with the fields of their kind.
    private static func append(_ message: Message, runID: RunID?, to bytes: inout [UInt8]) {
        if message.role == .ai {
            return MessageEncoding.append(message, fallbackID: runID.map { "lc_run--\($0)-0" }, to: &bytes)
        }
        bytes.appendRaw("{\"content\":")
        MessageEncoding.append(message.content, to: &bytes)
        bytes.appendRaw(",\"additional_kwargs\":")
        bytes.appendJSON(message.additionalKwargs)
        bytes.appendRaw(",\"response_metadata\":")
        bytes.appendJSON(message.responseMetadata)
        bytes.appendRaw(",\"type\":")
        bytes.appendJSON(message.role.rawValue)
        appendOptional("name", message.name, to: &bytes)
        appendOptional("id", message.id, to: &bytes)
        switch message.role {
        case .tool:
            appendOptional("tool_call_id", message.toolCallID, to: &bytes)
            bytes.appendRaw(",\"artifact\":")
            bytes.appendJSON(message.artifact ?? .null)
            bytes.appendRaw(",\"status\":")
            bytes.appendJSON(message.toolStatus.rawValue)
        case .chat: appendOptional("role", message.chatRole, to: &bytes)
        default: break
        }
        bytes.appendRaw("}")
    }

    private static func appendOptional(_ key: StaticString, _ text: String?, to bytes: inout [UInt8]) {
        bytes.appendRaw(",\"")
        bytes.appendRaw(key)
        bytes.appendRaw("\":")
        if let text { bytes.appendJSON(text) } else { bytes.appendRaw("null") }
    }
}
