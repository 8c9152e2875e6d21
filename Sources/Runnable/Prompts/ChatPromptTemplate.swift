/// A prompt made from templates and the members of its input.
///
/// Blocks and streams nothing: it needs its whole input and gives one prompt. Its input is an object of its variables; a template with
/// a single variable also takes that variable's value alone. Fails with `caller_invalid` (422) naming what is missing.
public struct ChatPromptTemplate: AsyncRunnable {
    /// A part of the prompt.
    public enum Part: Sendable {
        /// A message whose text is a template.
        case message(Message.Role, any PromptTemplate)
        /// A message whose content blocks are templates in all their strings.
        case blocks(Message.Role, [Value], make: @Sendable (String) throws(PromptTemplateError) -> any PromptTemplate)
        /// A message as it is.
        case literal(Message)
        /// Messages that the input brings: all of them, or the last so many. Without them it is an error unless they are optional.
        case placeholder(String, isOptional: Bool = false, last: Int? = nil)
    }

    /// What runs of it are called. Default `ChatPromptTemplate`; `PromptTemplate` for a text.
    public var name: String

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
    /// text is `{name}` and whose messages are optional.
    public init(messages: [(role: String, template: String)]) throws(PromptTemplateError) {
        var parts: [Part] = []
        for (role, text) in messages {
            if role == "placeholder" {
                guard text.hasPrefix("{"), text.hasSuffix("}") else { throw .malformed("a placeholder is {name}") }
                parts.append(.placeholder(String(text.dropFirst().dropLast()), isOptional: true))
            } else if let role = Message.Role(word: role) {
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
        try RunScope(name, .prompt, config).run(input) { _ in try format(input) }
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
            let text = try template.format(Self.texts(template, values))
            messages.append(Message(role: role, content: .text(text)))
        case .blocks(let role, let blocks, let make):
            var filled: [Value] = []
            for block in blocks { filled.append(try Self.fill(block, values, make)) }
            messages.append(Message(role: role, content: .blocks(filled)))
        case .literal(let message): messages.append(message)
        case .placeholder(let name, let isOptional, let last):
            guard let value = values[name], !(value.isNull && isOptional) else {
                if isOptional { return }
                throw .missingVariable(name)
            }
            guard let list = Message.list(value) else {
                throw .unsuitableValue(variable: name, reason: "expected a list of messages, not \(value.typeName)")
            }
            messages += last.map { list.suffix($0) } ?? list[...]
        }
    }

    /// A template's values as JSON; a message is its text.
    private static func texts(_ template: any PromptTemplate, _ values: RunValue.Members) -> Value.Object {
        var texts = Value.Object()
        for name in template.variables {
            switch values[name] {
            case .value(let value)?, .snapshot(let value)?: texts[name] = value
            case .message(let message)?: texts[name] = .string(message.content.text)
            case .chunk(let sum)?: texts[name] = .string(sum.content.text)
            case .prompt(let prompt)?: texts[name] = .string(prompt.text)
            case .list(let elements)?:
                texts[name] = .array(elements.map { .string(Message($0)?.content.text ?? $0.typeName) })
            case .object?, nil: break
            }
        }
        return texts
    }

    private static func fill(
        _ block: Value,
        _ values: RunValue.Members,
        _ make: (String) throws(PromptTemplateError) -> any PromptTemplate
    ) throws(PromptTemplateError) -> Value {
        switch block {
        case .string(let text):
            let template = try make(text)
            return .string(try template.format(texts(template, values)))
        case .array(let elements):
            var filled: [Value] = []
            for element in elements { filled.append(try fill(element, values, make)) }
            return .array(filled)
        case .object(let members):
            var filled = Value.Object()
            for member in members { filled[member.key] = try fill(member.value, values, make) }
            return .object(filled)
        default: return block
        }
    }
}

extension ChatPromptTemplate.Part {
    fileprivate var variables: [String] {
        switch self {
        case .message(_, let template): return template.variables
        case .blocks(_, let blocks, let make): return Self.variables(.array(blocks), make)
        case .literal: return []
        case .placeholder(let name, let isOptional, _): return isOptional ? [] : [name]
        }
    }

    private static func variables(
        _ block: Value,
        _ make: (String) throws(PromptTemplateError) -> any PromptTemplate
    ) -> [String] {
        switch block {
        case .string(let text): (try? make(text).variables) ?? []
        case .array(let elements): elements.flatMap { variables($0, make) }
        case .object(let members): members.flatMap { variables($0.value, make) }
        default: []
        }
    }
}
