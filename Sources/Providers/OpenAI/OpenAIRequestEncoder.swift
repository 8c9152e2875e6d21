import JSON
import Runnable

/// Writes chat completion requests. What does not change from request to request is written once.
struct OpenAIRequestEncoder: Sendable {
    private let options: OpenAIModelOptions
    /// Up to and including the `[` of the messages.
    private let wholePrefix: [UInt8]
    private let streamPrefix: [UInt8]

    private static let reserved: Set<String> = ["model", "messages", "stream"]
    /// For a message's keys, role and punctuation.
    private static let messageOverhead = 48

    init(_ options: OpenAIModelOptions) {
        self.options = options
        var start: [UInt8] = []
        start.appendRaw("{\"model\":")
        start.appendJSON(options.model)
        let parameters = options.parameters.filter { !OpenAIRequestEncoder.reserved.contains($0.name) }
        let hasStreamOptions = parameters.contains { $0.name == "stream_options" }
        var whole = start
        var stream = start
        stream.appendRaw(",\"stream\":true")
        if options.includesUsage, !hasStreamOptions {
            stream.appendRaw(",\"stream_options\":{\"include_usage\":true}")
        }
        for parameter in parameters {
            stream.append(parameter)
            // Servers refuse it where there is no stream.
            if parameter.name != "stream_options" { whole.append(parameter) }
        }
        whole.appendRaw(",\"messages\":[")
        stream.appendRaw(",\"messages\":[")
        wholePrefix = whole
        streamPrefix = stream
    }

    /// The body of a request.
    /// - Parameter arguments: fields for this request alone; they take the place of configured ones.
    func encode(_ prompt: ChatPrompt, isStream: Bool, arguments: Value.Object = [:]) -> [UInt8] {
        guard arguments.isEmpty else {
            return OpenAIRequestEncoder(options.overridden(by: arguments)).encode(prompt, isStream: isStream)
        }
        let prefix = isStream ? streamPrefix : wholePrefix
        var body: [UInt8] = []
        body.reserveCapacity(prompt.messages.reduce(prefix.count + 2) { $0 + OpenAIRequestEncoder.estimate($1) })
        body.append(contentsOf: prefix)
        var isFirst = true
        for message in prompt.messages {
            if !isFirst { body.append(UInt8(ascii: ",")) }
            isFirst = false
            body.append(message)
        }
        body.appendRaw("]}")
        return body
    }

    /// Enough where little has to be escaped; never less than the overhead.
    private static func estimate(_ message: Message) -> Int {
        guard case .text(let text) = message.content else { return 4 * messageOverhead }
        return [UInt8].roomForJSON(utf8Count: text.utf8.count) + messageOverhead
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ parameter: OpenAIModelOptions.Parameter) {
        append(UInt8(ascii: ","))
        appendJSON(parameter.name)
        append(UInt8(ascii: ":"))
        append(contentsOf: parameter.json.utf8)
    }

    fileprivate mutating func append(_ message: Message) {
        switch message.role {
        case .human: appendRaw("{\"role\":\"user\",\"content\":")
        case .ai: appendRaw("{\"role\":\"assistant\",\"content\":")
        case .system: appendRaw("{\"role\":\"system\",\"content\":")
        case .tool: appendRaw("{\"role\":\"tool\",\"content\":")
        case .function: appendRaw("{\"role\":\"function\",\"content\":")
        case .chat:
            appendRaw("{\"role\":")
            appendJSON(message.chatRole ?? "user")
            appendRaw(",\"content\":")
        }
        append(message.content)
        if let name = message.name {
            appendRaw(",\"name\":")
            appendJSON(name)
        }
        if message.role == .ai {
            appendCalls(of: message)
            // Only an upstream that sent them gets them back, and needs them as they were.
            if let details = message.additionalKwargs["reasoning_details"], !details.isNull {
                appendRaw(",\"reasoning_details\":")
                appendJSON(details)
            }
        }
        if message.role == .tool, let id = message.toolCallID {
            appendRaw(",\"tool_call_id\":")
            appendJSON(id)
        }
        append(UInt8(ascii: "}"))
    }

    private mutating func append(_ content: MessageContent) {
        switch content {
        case .text(let text): appendJSON(text)
        case .blocks(let blocks):
            append(UInt8(ascii: "["))
            for (place, block) in blocks.enumerated() {
                if place > 0 { append(UInt8(ascii: ",")) }
                if case .string(let text) = block {
                    // LangChain allows bare strings in the list; this protocol knows objects only.
                    appendRaw("{\"type\":\"text\",\"text\":")
                    appendJSON(text)
                    append(UInt8(ascii: "}"))
                } else {
                    appendJSON(block)
                }
            }
            append(UInt8(ascii: "]"))
        }
    }

    /// The calls an assistant made, valid or not: the conversation must show what the model said.
    private mutating func appendCalls(of message: Message) {
        guard !message.toolCalls.isEmpty || !message.invalidToolCalls.isEmpty else {
            // Older peers keep them in OpenAI's own form.
            for key in ["tool_calls", "function_call"] {
                guard let calls = message.additionalKwargs[key], !calls.isNull else { continue }
                append(UInt8(ascii: ","))
                appendJSON(key)
                append(UInt8(ascii: ":"))
                appendJSON(calls)
            }
            return
        }
        appendRaw(",\"tool_calls\":[")
        var isFirst = true
        for call in message.toolCalls {
            if !isFirst { append(UInt8(ascii: ",")) }
            isFirst = false
            var arguments: [UInt8] = []
            arguments.appendJSON(call.arguments)
            appendCall(id: call.id, name: call.name) { bytes in
                arguments.withUnsafeBytes { bytes.appendJSON(utf8: $0) }
            }
        }
        for call in message.invalidToolCalls {
            if !isFirst { append(UInt8(ascii: ",")) }
            isFirst = false
            appendCall(id: call.id, name: call.name ?? "") { $0.appendJSON(call.arguments ?? "") }
        }
        append(UInt8(ascii: "]"))
    }

    private mutating func appendCall(id: String?, name: String, arguments: (inout [UInt8]) -> Void) {
        append(UInt8(ascii: "{"))
        if let id {
            appendRaw("\"id\":")
            appendJSON(id)
            append(UInt8(ascii: ","))
        }
        appendRaw("\"type\":\"function\",\"function\":{\"name\":")
        appendJSON(name)
        appendRaw(",\"arguments\":")
        arguments(&self)
        appendRaw("}}")
    }
}
