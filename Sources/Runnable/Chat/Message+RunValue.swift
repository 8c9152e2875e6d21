extension Message {
    /// A message from what people write for one: a message, a text (a human's), a pair of role and text, or an object with `role` or
    /// `type` and `content`. Nil for anything else.
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
            guard pair.count == 2, let word = pair[0].string, let role = Role(word: word), let text = pair[1].string
            else { return nil }
            self.init(role: role, content: .text(text))
        case .object(let members):
            guard let word = (members["role"] ?? members["type"])?.string, let role = Role(word: word) else { return nil }
            switch members["content"] {
            case .string(let text)?: self.init(role: role, content: .text(text))
            case .array(let blocks)?: self.init(role: role, content: .blocks(blocks))
            default: return nil
            }
            if let name = members["name"]?.string { self.name = name }
            if let callID = members["tool_call_id"]?.string { toolCallID = callID }
        default: return nil
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

extension Message.Role {
    /// The role that people name so: `user` is human, `assistant` is ai.
    public init?(word: String) {
        switch word {
        case "user": self = .human
        case "assistant": self = .ai
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
