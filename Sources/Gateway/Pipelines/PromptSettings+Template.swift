import MustachePrompts
import Runnable

extension PromptSettings {
    /// A template in the prompt's form.
    func template(_ text: String) throws(PromptTemplateError) -> any PromptTemplate {
        switch format {
        case .fstring: try FStringTemplate(text)
        case .mustache: try MustacheTemplate(text)
        }
    }

    /// The prompt as a runnable.
    func runnable() throws(PromptTemplateError) -> ChatPromptTemplate {
        if let text {
            switch format {
            case .fstring: return ChatPromptTemplate(text: try FStringTemplate(text))
            case .mustache: return ChatPromptTemplate(text: try MustacheTemplate(text))
            }
        }
        var parts: [ChatPromptTemplate.Part] = []
        for part in self.parts {
            switch part {
            case .message(let role, let text): parts.append(.message(role.role, try template(text)))
            case .placeholder(let name, let isOptional, let last):
                parts.append(.placeholder(name, isOptional: isOptional, last: last))
            }
        }
        return ChatPromptTemplate(parts)
    }

    /// The members its input has to have: texts for templates in f-string form, any values for mustache, messages for placeholders.
    func variables() throws(PromptTemplateError) -> [Shape.Member] {
        var members: [Shape.Member] = []
        func add(_ member: Shape.Member) {
            if !members.contains(where: { $0.key == member.key }) { members.append(member) }
        }
        for part in parts {
            if case .placeholder(let name, let isOptional, _) = part {
                add(Shape.Member(key: name, shape: .messages, isRequired: !isOptional))
            }
        }
        let shape: Shape = format == .fstring ? .string : .any
        var texts = text.map { [$0] } ?? []
        for case .message(_, let text) in parts { texts.append(text) }
        var names: Set<String> = []
        for text in texts { names.formUnion(try template(text).variables) }
        for name in names.sorted() { add(Shape.Member(key: name, shape: shape)) }
        return members.sorted { $0.key < $1.key }
    }
}

extension PromptSettings.Role {
    fileprivate var role: Message.Role {
        switch self {
        case .system: .system
        case .human, .user: .human
        case .ai, .assistant: .ai
        }
    }
}
