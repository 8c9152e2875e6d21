import JSON
import Runnable

/// Reads a whole chat completion.
struct OpenAICompletion {
    /// The message, with tool calls still to be added.
    private var message = Message(role: .ai, content: .empty)
    private var calls: [Call] = []
    /// The message's, put there at the end.
    private var metadata = Value.Object()

    private struct Call {
        var id: String?
        var name: String
        var arguments: String
        /// Set when the arguments came as an object instead of as text.
        var object: Value.Object?
    }

    /// Reads `body`. Blank lines before the object are white space.
    /// - Throws: ``RunError``: what the upstream reported, or `upstream_protocol`.
    @inline(never)
    static func decode(_ body: [UInt8], reader: JSONReader, errors: OpenAIErrors) throws(RunError) -> Message {
        do {
            var completion = try reader.read(body) { view in try OpenAICompletion(view, errors) }
            // Not before the reader is free: arguments are JSON texts of their own.
            completion.readCalls()
            return completion.message
        } catch let error as RunError {
            throw error
        } catch {
            throw RunError(.upstreamProtocol, detail: "the answer is not JSON: \(error)")
        }
    }

    private init(_ root: JSONView, _ errors: OpenAIErrors) throws(RunError) {
        var choice: JSONView?
        var modelName: String?
        var fingerprint: String?
        for (key, value) in root.members where !value.isNull {
            // Told apart by their length first.
            switch key.raw.count - 2 {
            case 2 where key.isKey("id"): message.id = value.nonEmptyString
            case 5:
                if key.isKey("model") {
                    modelName = value.nonEmptyString
                } else if key.isKey("usage") {
                    message.usage = UsageMetadata(openAI: value) ?? message.usage
                } else if key.isKey("error") {
                    throw errors.error(inside: OpenAIErrorBody(details: value))
                }
            case 6 where message.usage == nil && key.isKey("x_groq"):
                message.usage = value["usage"].flatMap { UsageMetadata(openAI: $0) }
            case 7 where key.isKey("choices"): choice = OpenAICompletion.firstChoice(value)
            case 18 where key.isKey("system_fingerprint"): fingerprint = value.nonEmptyString
            case 9, 14:
                if let name = OpenAISources.name(of: key) { message.additionalKwargs[name] = Value(value) }
            default: continue
            }
        }
        guard let choice else {
            if let body = OpenAIErrorBody(root) { throw errors.error(inside: body) }
            throw RunError(.upstreamProtocol, detail: "the answer has no choices")
        }
        metadata.reserveCapacity(3)
        try read(choice, errors)
        if let modelName { metadata["model_name"] = .string(modelName) }
        if let fingerprint { metadata["system_fingerprint"] = .string(fingerprint) }
        if !metadata.isEmpty { message.responseMetadata = metadata }
    }

    private mutating func read(_ choice: JSONView, _ errors: OpenAIErrors) throws(RunError) {
        var hasMessage = false
        for (key, value) in choice.members where !value.isNull {
            if key.isKey("message"), value.kind == .object {
                hasMessage = true
                read(OpenAIMessageFields(value))
            } else if key.isKey("finish_reason") {
                guard !value.equals("error") else {
                    let body = choice["error"].map { OpenAIErrorBody(details: $0) }
                    throw errors.error(inside: body ?? OpenAIErrorBody())
                }
                metadata["finish_reason"] = Value(value)
            } else if key.isKey("logprobs") {
                metadata["logprobs"] = Value(value)
            }
        }
        guard hasMessage else { throw RunError(.upstreamProtocol, detail: "the answer has no message") }
    }

    /// The choice with index 0, or the first that has none.
    private static func firstChoice(_ choices: JSONView?) -> JSONView? {
        guard let choices else { return nil }
        for choice in choices.elements where choice.kind == .object {
            if choice["index"]?.int ?? 0 == 0 { return choice }
        }
        return nil
    }

    private mutating func read(_ fields: OpenAIMessageFields) {
        if let text = fields.content?.string, fields.isTextAlone {
            message.content = .text(text)
            return
        }
        let content = OpenAIContent(fields.content)
        message.content = .text(content.text)
        let reasoning = OpenAIContent(fields.reasoning).text + content.reasoning
        if !reasoning.isEmpty { message.additionalKwargs["reasoning_content"] = .string(reasoning) }
        if let pieces = fields.reasoningDetails {
            var details = ReasoningDetails()
            details.add(pieces)
            if let list = details.list { message.additionalKwargs["reasoning_details"] = list }
        }
        if let refusal = fields.refusal?.nonEmptyString { message.additionalKwargs["refusal"] = .string(refusal) }
        if let call = fields.functionCall { message.additionalKwargs["function_call"] = Value(call) }
        guard let toolCalls = fields.toolCalls else { return }
        for call in toolCalls.elements where call.kind == .object {
            let function = call["function"]
            let arguments = function?["arguments"]
            calls.append(
                Call(
                    id: call["id"]?.nonEmptyString,
                    name: function?["name"]?.string ?? "",
                    arguments: arguments?.string ?? "",
                    object: arguments?.kind == .object ? arguments.map { Value.Object($0) } : nil
                )
            )
        }
    }

    private mutating func readCalls() {
        for call in calls {
            if let object = call.object ?? (call.arguments.isEmpty ? Value.Object() : nil) {
                message.toolCalls.append(ToolCall(name: call.name, arguments: object, id: call.id))
                continue
            }
            let problem: String
            do throws(ValueParseError) {
                if case .object(let arguments) = try Value(parsing: call.arguments) {
                    message.toolCalls.append(ToolCall(name: call.name, arguments: arguments, id: call.id))
                    continue
                }
                problem = "the arguments are not an object"
            } catch {
                problem = "the arguments are not JSON: \(error)"
            }
            message.invalidToolCalls.append(
                InvalidToolCall(name: call.name, arguments: call.arguments, id: call.id, error: problem)
            )
        }
    }
}
