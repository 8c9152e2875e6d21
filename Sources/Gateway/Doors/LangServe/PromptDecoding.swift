import JSON
import Runnable

/// Reads what a language model accepts as input (langserve-protocol.md, 1.3): a string, a prompt value, or a list of messages.
enum PromptDecoding {
    /// The prompt in `view`. Places in errors are relative to it.
    static func prompt(_ view: JSONView) throws(RequestProblem) -> ChatPrompt {
        switch view.kind {
        case .string: return ChatPrompt(view.string ?? "")
        case .array: return ChatPrompt(messages: try messages(view))
        case .object: return try promptValue(view)
        case .null, .bool, .number:
            throw .at([], "string_type", "Input should be a string, a prompt value or a list of messages", view)
        }
    }

    /// `{"messages": [...]}` or `{"text": "..."}`, with or without its type.
    private static func promptValue(_ view: JSONView) throws(RequestProblem) -> ChatPrompt {
        let tag = view["type"]
        if let messages = view["messages"], tag == nil || isTag(tag, "ChatPromptValueConcrete", "ChatPromptValue") {
            guard messages.kind == .array else {
                throw .at(["messages"], "list_type", "Input should be a valid list", messages)
            }
            return try RequestProblem.within("messages") { () throws(RequestProblem) in
                ChatPrompt(messages: try self.messages(messages))
            }
        }
        if let text = view["text"], tag == nil || isTag(tag, "StringPromptValue", "StringPromptValue") {
            guard let string = text.string else {
                throw .at(["text"], "string_type", "Input should be a valid string", text)
            }
            return ChatPrompt(string)
        }
        throw .at(
            [],
            "model_type",
            "Input should be a prompt value: an object with 'text' or with 'messages'",
            view
        )
    }

    private static func isTag(_ view: JSONView?, _ first: StaticString, _ second: StaticString) -> Bool {
        view.map { $0.equals(first) || $0.equals(second) } ?? false
    }

    private static func messages(_ view: JSONView) throws(RequestProblem) -> [Message] {
        var messages: [Message] = []
        for element in view.elements {
            let message = try RequestProblem.within(.index(messages.count)) { () throws(RequestProblem) in
                try MessageDecoding.message(element)
            }
            messages.append(message)
        }
        guard !messages.isEmpty else {
            throw .at([], "too_short", "List should have at least 1 item after validation, not 0", view)
        }
        return messages
    }
}
