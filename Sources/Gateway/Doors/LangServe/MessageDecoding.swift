import JSON
import Providers
import Runnable

/// Reads one message of a prompt (langserve-protocol.md, 2.2); fields it does not know are ignored.
///
/// Also takes the forms that LangChain takes in process and LangServe fails on: a bare string, `["human", "hi"]`, and
/// `{"role": "user", "content": "hi"}` with tool calls as OpenAI writes them.
enum MessageDecoding {
    /// The message in `view`. Places in errors are relative to it.
    static func message(_ view: JSONView) throws(RequestProblem) -> Message {
        switch view.kind {
        case .string: return .human(view.string ?? "")
        case .array: return try pair(view)
        case .object: return try object(view)
        case .null, .bool, .number: throw .at([], "model_type", "Input should be a message", view)
        }
    }

    private static func object(_ view: JSONView) throws(RequestProblem) -> Message {
        let type = view["type"]
        guard let tag = type ?? view["role"] else { throw .missing("type", in: view) }
        guard let name = tag.string, let role = role(named: name, isRole: type == nil) else {
            throw unknownTag(tag, in: view)
        }
        var message = Message(role: role, content: .empty)
        let callsTools = type == nil && role == .ai && view["tool_calls"]?.kind == .array
        if let content = view["content"], !callsTools || !content.isNull {
            message.content = try RequestProblem.within("content") { () throws(RequestProblem) in
                try self.content(content)
            }
        } else if !callsTools {
            throw .missing("content", in: view)
        }
        try addFields(of: view, to: &message)
        return message
    }

    /// `["human", "hi"]`
    private static func pair(_ view: JSONView) throws(RequestProblem) -> Message {
        guard view.count == 2, let tag = view[0], let text = view[1] else {
            throw .at([], "model_type", "Input should be a message or a pair of role and content", view)
        }
        guard let name = tag.string, let role = role(named: name, isRole: true), role != .tool, role != .function else {
            throw unknownTag(tag, in: view)
        }
        let content = try RequestProblem.within(1) { () throws(RequestProblem) in try self.content(text) }
        return Message(role: role, content: content)
    }

    // MARK: Tags

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

    private static func unknownTag(_ tag: JSONView, in view: JSONView) -> RequestProblem {
        let name = tag.string ?? String(decoding: tag.raw.prefix(40), as: UTF8.self)
        return .at(
            [],
            "union_tag_invalid",
            "Input tag '\(name)' found using 'type' does not match any of the expected tags: 'ai', 'human', 'chat', "
                + "'system', 'function', 'tool', 'AIMessageChunk', 'HumanMessageChunk', 'ChatMessageChunk', "
                + "'SystemMessageChunk', 'FunctionMessageChunk', 'ToolMessageChunk'",
            view
        )
    }

    // MARK: Fields

    private static func content(_ view: JSONView) throws(RequestProblem) -> MessageContent {
        if let text = view.string { return .text(text) }
        guard view.kind == .array else {
            throw .at([], "string_type", "Input should be a valid string or a list of content blocks", view)
        }
        var blocks: [Value] = []
        for block in view.elements {
            guard block.kind == .string || block.kind == .object else {
                let place = Location.index(blocks.count)
                throw .at([place], "string_type", "Input should be a valid string or a content block", block)
            }
            blocks.append(Value(block))
        }
        return .blocks(blocks)
    }

    private static func addFields(of view: JSONView, to message: inout Message) throws(RequestProblem) {
        message.name = try string("name", of: view)
        message.id = try identifier("id", of: view)
        if let extra = try members("additional_kwargs", of: view) { message.additionalKwargs = extra }
        if let metadata = try members("response_metadata", of: view) { message.responseMetadata = metadata }
        switch message.role {
        case .ai:
            try addToolCalls(of: view, to: &message)
            message.usage = view["usage_metadata"].flatMap { usage($0) }
        case .tool:
            guard let id = try identifier("tool_call_id", of: view) else { throw .missing("tool_call_id", in: view) }
            message.toolCallID = id
            if let artifact = view["artifact"], !artifact.isNull { message.artifact = Value(artifact) }
            if let status = view["status"], !status.isNull {
                guard let known = status.string.flatMap(Message.ToolStatus.init(rawValue:)) else {
                    throw .at(["status"], "literal_error", "Input should be 'success' or 'error'", status)
                }
                message.toolStatus = known
            }
        case .function where message.name == nil: throw .missing("name", in: view)
        case .chat:
            guard let role = try string("role", of: view) else { throw .missing("role", in: view) }
            message.chatRole = role
        case .function, .human, .system: break
        }
    }

    /// An object that may be missing or null.
    private static func members(_ key: StaticString, of view: JSONView) throws(RequestProblem) -> Value.Object? {
        guard let member = view[key], !member.isNull else { return nil }
        guard member.kind == .object else {
            throw .at([.key("\(key)")], "dict_type", "Input should be a valid dictionary", member)
        }
        return Value.Object(member)
    }

    /// Counts of tokens, if all three are there.
    private static func usage(_ view: JSONView) -> UsageMetadata? {
        guard let input = view["input_tokens"]?.int, let output = view["output_tokens"]?.int,
            let total = view["total_tokens"]?.int
        else { return nil }
        func details(_ key: StaticString) -> [String: Int]? {
            guard let counts = view[key], counts.kind == .object else { return nil }
            return counts.members.reduce(into: [:]) { details, member in
                details[member.key.string ?? ""] = member.value.int
            }
        }
        return UsageMetadata(
            inputTokens: input,
            outputTokens: output,
            totalTokens: total,
            inputTokenDetails: details("input_token_details"),
            outputTokenDetails: details("output_token_details")
        )
    }

    private static func string(_ key: StaticString, of view: JSONView) throws(RequestProblem) -> String? {
        guard let member = view[key], !member.isNull else { return nil }
        guard let string = member.string else {
            throw .at([.key("\(key)")], "string_type", "Input should be a valid string", member)
        }
        return string
    }

    /// A string; LangChain's own messages take numbers too.
    private static func identifier(_ key: StaticString, of view: JSONView) throws(RequestProblem) -> String? {
        if let member = view[key], member.kind == .number { return String(decoding: member.raw, as: UTF8.self) }
        return try string(key, of: view)
    }

    // MARK: Tool calls

    private static func addToolCalls(of view: JSONView, to message: inout Message) throws(RequestProblem) {
        for call in try list("tool_calls", of: view) {
            let place = message.toolCalls.count
            if view["type"] == nil, call["function"] != nil {
                // OpenAI's own form travels as older LangChain peers send it.
                message.additionalKwargs["tool_calls"] = view["tool_calls"].map { Value($0) }
                break
            }
            message.toolCalls.append(
                try RequestProblem.within("tool_calls", .index(place)) { () throws(RequestProblem) in
                    try toolCall(call)
                }
            )
        }
        for call in try list("invalid_tool_calls", of: view) {
            let place = message.invalidToolCalls.count
            message.invalidToolCalls.append(
                try RequestProblem.within("invalid_tool_calls", .index(place)) { () throws(RequestProblem) in
                    try invalidToolCall(call)
                }
            )
        }
    }

    private static func list(_ key: StaticString, of view: JSONView) throws(RequestProblem) -> [JSONView] {
        guard let list = view[key], !list.isNull else { return [] }
        guard list.kind == .array else {
            throw .at([.key("\(key)")], "list_type", "Input should be a valid list", list)
        }
        return Array(list.elements)
    }

    private static func toolCall(_ view: JSONView) throws(RequestProblem) -> ToolCall {
        guard view.kind == .object else { throw .at([], "dict_type", "Input should be a valid dictionary", view) }
        guard let name = try string("name", of: view) else { throw .missing("name", in: view) }
        guard let arguments = view["args"] else { throw .missing("args", in: view) }
        guard arguments.kind == .object else {
            throw .at(["args"], "dict_type", "Input should be a valid dictionary", arguments)
        }
        return ToolCall(name: name, arguments: Value.Object(arguments), id: try identifier("id", of: view))
    }

    private static func invalidToolCall(_ view: JSONView) throws(RequestProblem) -> InvalidToolCall {
        guard view.kind == .object else { throw .at([], "dict_type", "Input should be a valid dictionary", view) }
        return InvalidToolCall(
            name: try string("name", of: view),
            arguments: try string("args", of: view),
            id: try identifier("id", of: view),
            error: try string("error", of: view)
        )
    }
}
