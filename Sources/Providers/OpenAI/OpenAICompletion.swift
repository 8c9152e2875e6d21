import JSON
import Runnable

/// Reads a whole chat completion.
struct OpenAICompletion {
    /// The message, with tool calls still to be added.
    private var message = Message(role: .ai, content: .empty)
    private var calls: [Call] = []

    private struct Call {
        var id: String?
        var name: String
        var arguments: String
        /// Set when the arguments came as an object instead of as text.
        var object: Value.Object?
    }

    /// Reads `body`. Blank lines before the object are white space.
    /// - Throws: ``RunError``: what the upstream reported, or `upstream_protocol`.
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
        guard let choice = OpenAICompletion.firstChoice(root["choices"]) else {
            if let body = OpenAIErrorBody(root) { throw errors.error(inside: body) }
            throw RunError(.upstreamProtocol, detail: "the answer has no choices")
        }
        if let error = root["error"], !error.isNull { throw errors.error(inside: OpenAIErrorBody(details: error)) }
        var metadata = Value.Object()
        for (key, value) in root.members {
            if key.isKey("id") {
                message.id = value.nonEmptyString
            } else if key.isKey("model") {
                if let name = value.nonEmptyString { metadata["model_name"] = .string(name) }
            } else if key.isKey("system_fingerprint") {
                if let text = value.nonEmptyString { metadata["system_fingerprint"] = .string(text) }
            } else if key.isKey("usage") {
                message.usage = UsageMetadata(openAI: value) ?? message.usage
            } else if key.isKey("x_groq"), message.usage == nil {
                message.usage = value["usage"].flatMap { UsageMetadata(openAI: $0) }
            }
        }
        for (key, value) in choice.members where !value.isNull {
            if key.isKey("message") {
                read(OpenAIMessageFields(value))
            } else if key.isKey("finish_reason") {
                metadata["finish_reason"] = Value(value)
            } else if key.isKey("logprobs") {
                metadata["logprobs"] = Value(value)
            }
        }
        if metadata["finish_reason"]?.string == "error" {
            throw errors.error(inside: choice["error"].map { OpenAIErrorBody(details: $0) } ?? OpenAIErrorBody())
        }
        guard let body = choice["message"], body.kind == .object else {
            throw RunError(.upstreamProtocol, detail: "the answer has no message")
        }
        message.responseMetadata = metadata
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
        let content = OpenAIContent(fields.content)
        message.content = .text(content.text)
        let reasoning = OpenAIContent(fields.reasoning).text + content.reasoning
        if !reasoning.isEmpty { message.additionalKwargs["reasoning_content"] = .string(reasoning) }
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
