extension Message {
    /// A message from what people write for one: a message, a text (a human's), a pair of role and content, or an object as messages
    /// have it on the wire, with `type` or `role`, `content`, and what else their role has. Nil for anything else, and for tool calls
    /// that are none.
    public init?(_ value: RunValue) {
        switch value {
        case .message(let message): self = message
        case .chunk(let sum): self.init(sum)
        case .value(let value), .snapshot(let value): self.init(json: value)
        case .prompt, .object, .list: return nil
        }
    }

    private init?(json: Value) {
        switch json {
        case .string(let text): self = .human(text)
        case .array(let pair):
            guard pair.count == 2, let role = pair[0].string.flatMap(Role.init(word:)),
                role == .system || role == .human || role == .ai, let content = MessageContent(json: pair[1])
            else { return nil }
            self.init(role: role, content: content)
        case .object(let members): self.init(members)
        default: return nil
        }
    }

    private init?(_ members: Value.Object) {
        guard let word = (members["type"] ?? members["role"])?.string, let role = Role(word: word) else { return nil }
        let calls = members["tool_calls"]?.array ?? []
        guard let content = MessageContent(json: members["content"] ?? (calls.isEmpty ? .null : "")) else { return nil }
        self.init(role: role, content: content, id: members["id"]?.string)
        if let name = members["name"]?.string { self.name = name }
        if let extra = members["additional_kwargs"]?.object, !extra.isEmpty { additionalKwargs = extra }
        switch role {
        case .ai:
            for call in calls {
                guard let name = call["name"]?.string, let arguments = call["args"]?.object else { return nil }
                toolCalls.append(ToolCall(name: name, arguments: arguments, id: call["id"]?.string))
            }
        case .tool:
            guard let callID = members["tool_call_id"]?.string else { return nil }
            toolCallID = callID
            if let status = members["status"]?.string.flatMap(ToolStatus.init(rawValue:)) { toolStatus = status }
        case .chat:
            guard let speaker = members["role"]?.string else { return nil }
            chatRole = speaker
        case .function where name == nil: return nil
        case .function, .human, .system: break
        }
    }

    /// Messages from a list of what ``init(_:)-(RunValue)`` takes, or from a prompt; nil when one of them is something else.
    public static func list(_ value: RunValue) -> [Message]? {
        if case .prompt(let prompt) = value { return prompt.messages }
        guard let elements = value.elements else { return nil }
        var messages: [Message] = []
        for element in elements {
            guard let message = Message(element) else { return nil }
            messages.append(message)
        }
        return messages
    }
}

extension MessageContent {
    /// A text or a list of blocks; nil for anything else.
    fileprivate init?(json: Value) {
        switch json {
        case .string(let text): self = .text(text)
        case .array(let blocks): self = .blocks(blocks)
        default: return nil
        }
    }
}

extension Message.Role {
    /// The role that people name so: `user` is human, `assistant` is ai, `developer` is system; `AIMessageChunk` is what streams say.
    public init?(word: String) {
        switch word {
        case "user": self = .human
        case "assistant", "AIMessageChunk": self = .ai
        case "developer": self = .system
        default: self.init(rawValue: word)
        }
    }
}

extension ChatPrompt {
    /// A prompt from what language models take: a prompt, a text, messages, or an object with `text` or `messages`. Nil for anything
    /// else.
    public init?(_ value: RunValue) {
        switch value {
        case .prompt(let prompt): self = prompt
        case .value(.string(let text)), .snapshot(.string(let text)): self.init(text)
        default:
            if let text = value["text"]?.json?.string {
                self.init(text)
            } else if let messages = Message.list(value["messages"] ?? value), !messages.isEmpty {
                self.init(messages: messages)
            } else {
                return nil
            }
        }
    }
}
