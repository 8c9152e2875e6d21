import JSON
import Providers
import Runnable

/// Reads what a language model accepts as input (langserve-protocol.md, 1.3): a string, a prompt value, or a list of messages.
///
/// Also takes the two forms that LangChain takes in process and LangServe fails on: `["human", "hi"]` and
/// `{"role": "user", "content": "hi"}`.
enum PromptDecoding {
    /// The prompt in `view`; `location` is where it stands in the validated value.
    static func prompt(_ view: JSONView, at location: [Location] = []) throws(RequestProblem) -> ChatPrompt {
        switch view.kind {
        case .string: return ChatPrompt(view.string ?? "")
        case .array: return try ChatPrompt(messages: messages(view, at: location))
        case .object: return try promptValue(view, at: location)
        default:
            throw .at(
                location,
                "string_type",
                "Input should be a string, a prompt value or a list of messages",
                view
            )
        }
    }

    private static func promptValue(_ view: JSONView, at location: [Location]) throws(RequestProblem) -> ChatPrompt {
        let tag = view["type"]
        if let messages = view["messages"], tag == nil || isTag(tag, "ChatPromptValueConcrete", "ChatPromptValue") {
            guard messages.kind == .array else {
                throw .at(location + ["messages"], "list_type", "Input should be a valid list", messages)
            }
            return try ChatPrompt(messages: self.messages(messages, at: location + ["messages"]))
        }
        if let text = view["text"], tag == nil || isTag(tag, "StringPromptValue") {
            guard let string = text.string else {
                throw .at(location + ["text"], "string_type", "Input should be a valid string", text)
            }
            return ChatPrompt(string)
        }
        throw .at(
            location,
            "model_type",
            "Input should be a prompt value: an object with 'text' or with 'messages'",
            view
        )
    }

    private static func isTag(_ view: JSONView?, _ first: StaticString, _ second: StaticString? = nil) -> Bool {
        guard let view else { return false }
        return view.equals(first) || second.map { view.equals($0) } ?? false
    }

    private static func messages(_ view: JSONView, at location: [Location]) throws(RequestProblem) -> [Message] {
        var messages: [Message] = []
        for element in view.elements {
            messages.append(try message(element, at: location + [.index(messages.count)]))
        }
        guard !messages.isEmpty else {
            throw .at(location, "too_short", "List should have at least 1 item after validation, not 0", view)
        }
        return messages
    }

    private static func message(_ view: JSONView, at location: [Location]) throws(RequestProblem) -> Message {
        switch view.kind {
        case .string: return .human(view.string ?? "")
        case .array: return try pair(view, at: location)
        case .object: break
        default: throw .at(location, "model_type", "Input should be a message", view)
        }
        guard let tag = view["type"] ?? view["role"] else { throw .missing("type", at: location, in: view) }
        guard let name = tag.string, let role = role(named: name, isRole: view["type"] == nil) else {
            throw unknownTag(tag, in: view, at: location)
        }
        guard let content = view["content"] else { throw .missing("content", at: location, in: view) }
        var message = Message(role: role, content: try self.content(content, at: location + ["content"]))
        try addFields(of: view, to: &message, at: location)
        return message
    }

    /// `["human", "hi"]`
    private static func pair(_ view: JSONView, at location: [Location]) throws(RequestProblem) -> Message {
        guard view.count == 2, let tag = view[0], let text = view[1] else {
            throw .at(location, "model_type", "Input should be a message or a pair of role and content", view)
        }
        guard let name = tag.string, let role = role(named: name, isRole: true), role != .tool, role != .function else {
            throw unknownTag(tag, in: view, at: location)
        }
        return Message(role: role, content: try content(text, at: location + [1]))
    }

    /// The role behind one of the 12 tags, or behind an OpenAI role's name where `isRole`.
    private static func role(named name: String, isRole: Bool) -> Message.Role? {
        switch name {
        case "ai", "AIMessageChunk": return .ai
        case "human", "HumanMessageChunk": return .human
        case "system", "SystemMessageChunk": return .system
        case "tool", "ToolMessageChunk": return .tool
        case "function", "FunctionMessageChunk": return .function
        // The JavaScript client sends custom roles as `generic`.
        case "chat", "ChatMessageChunk", "generic": return isRole ? nil : .chat
        case "user" where isRole: return .human
        case "assistant" where isRole: return .ai
        case "developer" where isRole: return .system
        default: return nil
        }
    }

    private static func unknownTag(_ tag: JSONView, in view: JSONView, at location: [Location]) -> RequestProblem {
        let name = tag.string ?? "\(tag.kind)"
        return .at(
            location,
            "union_tag_invalid",
            "Input tag '\(name)' found using 'type' does not match any of the expected tags: 'ai', 'human', 'chat', "
                + "'system', 'function', 'tool', 'AIMessageChunk', 'HumanMessageChunk', 'ChatMessageChunk', "
                + "'SystemMessageChunk', 'FunctionMessageChunk', 'ToolMessageChunk'",
            view
        )
    }

    private static func content(_ view: JSONView, at location: [Location]) throws(RequestProblem) -> MessageContent {
        if let text = view.string { return .text(text) }
        guard view.kind == .array else {
            throw .at(location, "string_type", "Input should be a valid string or a list of content blocks", view)
        }
        var blocks: [Value] = []
        for block in view.elements {
            guard block.kind == .string || block.kind == .object else {
                throw .at(
                    location + [.index(blocks.count)],
                    "string_type",
                    "Input should be a valid string or a content block",
                    block
                )
            }
            blocks.append(Value(block))
        }
        return .blocks(blocks)
    }

    private static func addFields(
        of view: JSONView,
        to message: inout Message,
        at location: [Location]
    ) throws(RequestProblem) {
        message.name = try optionalString("name", of: view, at: location)
        if let id = view["id"], !id.isNull { message.id = id.string ?? String(decoding: id.raw, as: UTF8.self) }
        if let extra = view["additional_kwargs"], extra.kind == .object {
            message.additionalKwargs = Value.Object(extra)
        }
        switch message.role {
        case .ai: try addToolCalls(of: view, to: &message, at: location)
        case .tool:
            guard let id = try optionalString("tool_call_id", of: view, at: location) else {
                throw .missing("tool_call_id", at: location, in: view)
            }
            message.toolCallID = id
            if let status = view["status"], !status.isNull {
                guard let known = status.string.flatMap(Message.ToolStatus.init(rawValue:)) else {
                    throw .at(location + ["status"], "literal_error", "Input should be 'success' or 'error'", status)
                }
                message.toolStatus = known
            }
        case .function where message.name == nil: throw .missing("name", at: location, in: view)
        case .chat:
            guard let role = try optionalString("role", of: view, at: location) else {
                throw .missing("role", at: location, in: view)
            }
            message.chatRole = role
        default: break
        }
    }

    private static func optionalString(
        _ key: String,
        of view: JSONView,
        at location: [Location]
    ) throws(RequestProblem) -> String? {
        guard let member = view.member(key), !member.isNull else { return nil }
        guard let string = member.string else {
            throw .at(location + [.key(key)], "string_type", "Input should be a valid string", member)
        }
        return string
    }

    private static func addToolCalls(
        of view: JSONView,
        to message: inout Message,
        at location: [Location]
    ) throws(RequestProblem) {
        guard let calls = view["tool_calls"], !calls.isNull else { return }
        let here = location + ["tool_calls"]
        guard calls.kind == .array else { throw .at(here, "list_type", "Input should be a valid list", calls) }
        for call in calls.elements {
            let place = here + [.index(message.toolCalls.count)]
            guard call.kind == .object else {
                throw .at(place, "dict_type", "Input should be a valid dictionary", call)
            }
            guard let name = call["name"]?.string else { throw .missing("name", at: place, in: call) }
            guard let arguments = call["args"] else { throw .missing("args", at: place, in: call) }
            guard arguments.kind == .object else {
                throw .at(place + ["args"], "dict_type", "Input should be a valid dictionary", arguments)
            }
            message.toolCalls.append(
                ToolCall(name: name, arguments: Value.Object(arguments), id: call["id"]?.string)
            )
        }
    }
}
