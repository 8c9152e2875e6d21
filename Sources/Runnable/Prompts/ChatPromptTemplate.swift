/// A prompt made from templates and the members of its input.
///
/// Blocks and streams nothing: it needs its whole input and gives one prompt. Its input is an object of its variables; a template with
/// a single variable also takes that variable's value alone. Fails with `caller_invalid` (422) naming what is missing.
public struct ChatPromptTemplate: AsyncRunnable {
    /// A part of the prompt.
    public enum Part: Sendable {
        /// A message whose text is a template.
        case message(Message.Role, any PromptTemplate)
        /// A message whose content blocks have templates in them.
        case blocks(Message.Role, BlocksTemplate)
        /// A message as it is.
        case literal(Message)
        /// Messages that the input brings: all of them, or the last so many (none below 1). Without them it is an error unless they
        /// are optional.
        case placeholder(String, isOptional: Bool = false, last: Int? = nil)
    }

    /// What runs of it are called. Default `ChatPromptTemplate`; `PromptTemplate` for a text.
    public var name: String

    /// True: nothing in it waits.
    public var isImmediate: Bool { true }

    /// ``RunKind/prompt``.
    public var kind: RunKind { .prompt }

    private let parts: [Part]
    /// Whether it is one text rather than messages.
    private let isText: Bool
    private var bound: [String: @Sendable () -> RunValue] = [:]

    /// A prompt of messages.
    public init(_ parts: [Part]) {
        self.init(parts: parts, isText: false, name: "ChatPromptTemplate")
    }

    /// A prompt that is one text, in Python's f-string form.
    public init(_ template: String) throws(PromptTemplateError) {
        self.init(text: try FStringTemplate(template))
    }

    /// A prompt that is one text.
    public init(text template: some PromptTemplate) {
        self.init(parts: [.message(.human, template)], isText: true, name: "PromptTemplate")
    }

    private init(parts: [Part], isText: Bool, name: String) {
        self.parts = parts
        self.isText = isText
        self.name = name
    }

    /// A prompt of messages as pairs of a role and an f-string: `system`, `human` or `user`, `ai` or `assistant`, and `placeholder`, whose
    /// text is `{name}` and whose messages are optional. ``PromptTemplateError/malformed(_:)`` for other roles.
    public init(messages: [(role: String, template: String)]) throws(PromptTemplateError) {
        var parts: [Part] = []
        for (role, text) in messages {
            if role == "placeholder" {
                guard text.hasPrefix("{"), text.hasSuffix("}"), text.count > 2 else {
                    throw .malformed("a placeholder is {name}")
                }
                parts.append(.placeholder(String(text.dropFirst().dropLast()), isOptional: true))
            } else if let role = Message.Role(word: role), role.isTemplated {
                parts.append(.message(role, try FStringTemplate(text)))
            } else {
                throw .malformed("there is no role '\(role)'")
            }
        }
        self.init(parts)
    }

    /// The names it needs, sorted, each once: not those of optional placeholders, and not those that are bound.
    public var variables: [String] {
        var names: Set<String> = []
        for part in parts { names.formUnion(part.variables) }
        return names.subtracting(bound.keys).sorted()
    }

    /// The names of placeholders, the optional ones too.
    public var placeholders: [String] {
        parts.compactMap { part in
            if case .placeholder(let name, _, _) = part { name } else { nil }
        }
    }

    /// The same with values for some of its variables, which its input need no longer bring; the input's own count more.
    public func partial(_ values: [String: RunValue]) -> ChatPromptTemplate {
        var copy = self
        for (name, value) in values { copy.bound[name] = { value } }
        return copy
    }

    /// The same with functions that give the values of some of its variables, called for each prompt.
    public func partial(_ values: [String: @Sendable () -> RunValue]) -> ChatPromptTemplate {
        var copy = self
        for (name, value) in values { copy.bound[name] = value }
        return copy
    }

    /// The parts of one and then of the other, with what either has bound.
    public static func + (left: ChatPromptTemplate, right: ChatPromptTemplate) -> ChatPromptTemplate {
        var sum = ChatPromptTemplate(left.parts + right.parts)
        sum.bound = left.bound.merging(right.bound) { $1 }
        return sum
    }

    /// The prompt for an input.
    public func format(_ input: RunValue) throws(RunError) -> ChatPrompt {
        do throws(PromptTemplateError) {
            let values = try values(input)
            var messages: [Message] = []
            for part in parts { try append(part, values, to: &messages) }
            var prompt = ChatPrompt(messages: messages)
            prompt.isText = isText
            return prompt
        } catch {
            throw RunError(.callerInvalid, "prompt: \(error)", status: 422)
        }
    }

    /// The prompt for an input, on the calling thread.
    public func invoke(_ input: RunValue, config: RunConfig) throws -> ChatPrompt {
        guard config.isObserved else { return try format(input) }
        return try RunScope(name, .prompt, config).run(input) { _ in try format(input) }
    }

    /// The prompt for an input; never waits.
    public func ainvoke(_ input: RunValue, config: RunConfig) async throws -> ChatPrompt {
        try invoke(input, config: config)
    }

    // MARK: Values

    /// The values of all variables: those bound, under those that the input brings.
    private func values(_ input: RunValue) throws(PromptTemplateError) -> RunValue.Members {
        var members: RunValue.Members
        if let own = input.members {
            members = own
        } else {
            let variables = variables
            guard variables.count == 1, let name = variables.first else { throw .notAnObject(variables: variables) }
            members = RunValue.Members(name, input)
        }
        for (name, value) in bound where members[name] == nil { members[name] = value() }
        return members
    }

    private func append(
        _ part: Part,
        _ values: RunValue.Members,
        to messages: inout [Message]
    ) throws(PromptTemplateError) {
        switch part {
        case .message(let role, let template):
            let text = try template.format(Self.json(template.variables, values))
            messages.append(Message(role: role, content: .text(text)))
        case .blocks(let role, let template):
            let blocks = try template.format(Self.json(template.variables, values))
            messages.append(Message(role: role, content: .blocks(blocks)))
        case .literal(let message): messages.append(message)
        case .placeholder(let name, let isOptional, let last):
            guard let value = values[name], !(value.isNull && isOptional) else {
                if isOptional { return }
                throw .missingVariable(name)
            }
            guard let list = Message.list(value) else {
                throw .unsuitableValue(variable: name, reason: "expected a list of messages, not \(value.typeName)")
            }
            messages += last.map { list.suffix(max(0, $0)) } ?? list[...]
        }
    }

    /// A template's values as JSON.
    private static func json(_ names: [String], _ values: RunValue.Members) -> Value.Object {
        var object = Value.Object()
        for name in names { object[name] = values[name]?.inTemplate }
        return object
    }
}

extension ChatPromptTemplate.Part {
    fileprivate var variables: [String] {
        switch self {
        case .message(_, let template): template.variables
        case .blocks(_, let template): template.variables
        case .literal: []
        case .placeholder(let name, let isOptional, _): isOptional ? [] : [name]
        }
    }
}

extension Message.Role {
    /// Whether a message of this role needs nothing but a text.
    fileprivate var isTemplated: Bool { self == .system || self == .human || self == .ai }
}

extension RunValue {
    /// As JSON, for a template: messages and prompts are their texts.
    fileprivate var inTemplate: JSONValue {
        switch self {
        case .value(let value), .snapshot(let value): return value
        case .message(let message): return .string(message.content.text)
        case .chunk(let sum): return .string(sum.content.text)
        case .prompt(let prompt): return .string(prompt.text)
        case .list(let elements): return .array(elements.map(\.inTemplate))
        case .object(let members):
            var object = JSONValue.Object()
            for member in members.all { object[member.key] = member.value.inTemplate }
            return .object(object)
        }
    }
}
