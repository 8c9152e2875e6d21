import Runnable

/// Writes shapes as JSON Schema (draft 2020-12, which OpenAPI 3.1 uses too).
struct JSONSchema {
    /// Where shared definitions stand: `#/$defs/` in a document of its own.
    var prefix = "#/$defs/"
    /// Definitions that were referred to, by name.
    private(set) var definitions = Value.Object()

    init(prefix: String = "#/$defs/") { self.prefix = prefix }

    /// A document for one value.
    static func document(_ shape: Shape, title: String) -> Value {
        var writer = JSONSchema()
        guard case .object(let schema) = writer.schema(shape) else { return .object([:]) }
        var document: Value.Object = [:]
        if !writer.definitions.isEmpty { document["$defs"] = .object(writer.definitions) }
        document["title"] = .string(title)
        for member in schema where member.key != "title" { document[member.key] = member.value }
        return .object(document)
    }

    /// The schema of a shape.
    mutating func schema(_ shape: Shape) -> Value {
        switch shape {
        case .any: return [:]
        case .string: return ["type": "string"]
        case .number: return ["type": "number"]
        case .integer: return ["type": "integer"]
        case .boolean: return ["type": "boolean"]
        case .list(let element): return ["type": "array", "items": schema(element)]
        case .object(let members): return object(members)
        case .message: return ["oneOf": .array([reference("AIMessage")])]
        case .answer: return ["anyOf": .array([["type": "string"], reference("AIMessage")])]
        case .messages: return ["type": "array", "items": anyMessage()]
        case .prompt(let isText):
            return isText ? reference("StringPromptValue") : reference("ChatPromptValueConcrete")
        case .modelInput:
            return [
                "anyOf": .array([
                    ["type": "string"], reference("StringPromptValue"), reference("ChatPromptValueConcrete"),
                    ["type": "array", "items": anyMessage(), "minItems": 1],
                ])
            ]
        }
    }

    /// The schema of a piece of a streamed output; anything where pieces are not of the whole's kind.
    mutating func chunk(_ shape: Shape) -> Value {
        switch shape {
        case .string: ["type": "string"]
        case .message: reference("AIMessageChunk")
        default: [:]
        }
    }

    private mutating func object(_ members: Shape.Members) -> Value {
        var properties: Value.Object = [:]
        var required: [Value] = []
        for member in members.all {
            var property: Value.Object = ["title": .string(Self.title(member.key))]
            if case .object(let schema) = schema(member.shape) {
                for entry in schema { property[entry.key] = entry.value }
            }
            properties[member.key] = .object(property)
            if member.isRequired { required.append(.string(member.key)) }
        }
        var object: Value.Object = ["properties": .object(properties)]
        if !required.isEmpty { object["required"] = .array(required) }
        object["type"] = "object"
        return .object(object)
    }

    /// A name as pydantic shows it: `word_count` is `Word Count`.
    static func title(_ key: String) -> String {
        key.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: " ")
    }

    // MARK: Messages

    private mutating func reference(_ name: String) -> Value {
        if definitions[name] == nil {
            definitions[name] = .null  // so that what refers to itself ends
            definitions[name] = definition(name)
        }
        return ["$ref": .string(prefix + name)]
    }

    /// Any message, as it may come in.
    private mutating func anyMessage() -> Value {
        ["oneOf": .array(MessageSchema.all.map { reference($0.title) })]
    }

    private mutating func definition(_ name: String) -> Value {
        switch name {
        case "StringPromptValue":
            return [
                "properties": [
                    "text": ["title": "Text", "type": "string"],
                    "type": ["const": "StringPromptValue", "default": "StringPromptValue", "title": "Type"],
                ],
                "required": ["text"], "title": "StringPromptValue", "type": "object",
            ]
        case "ChatPromptValueConcrete":
            return [
                "properties": [
                    "messages": ["title": "Messages", "type": "array", "items": anyMessage(), "minItems": 1],
                    "type": [
                        "const": "ChatPromptValueConcrete", "default": "ChatPromptValueConcrete", "title": "Type",
                    ],
                ],
                "required": ["messages"], "title": "ChatPromptValueConcrete", "type": "object",
            ]
        default:
            return MessageSchema.all.first { $0.title == name }?.schema ?? [:]
        }
    }
}

/// The schema of one of LangChain's twelve messages.
struct MessageSchema {
    let title: String
    let tag: String
    /// Fields beyond those that all messages have.
    let extra: Value.Object
    let required: [Value]

    static let all: [MessageSchema] = kinds.flatMap { kind in
        [kind, MessageSchema("\(kind.title)Chunk", "\(kind.title)Chunk", kind.extra, kind.required)]
    }

    private static let kinds = [
        MessageSchema(
            "AIMessage",
            "ai",
            ["tool_calls": ["type": ["array", "null"], "items": toolCall, "title": "Tool Calls"]],
            []
        ),
        MessageSchema("HumanMessage", "human", [:], []),
        MessageSchema("ChatMessage", "chat", ["role": ["type": "string", "title": "Role"]], ["role"]),
        MessageSchema("SystemMessage", "system", [:], []),
        MessageSchema("FunctionMessage", "function", [:], ["name"]),
        MessageSchema(
            "ToolMessage",
            "tool",
            [
                "tool_call_id": ["type": ["string", "number"], "title": "Tool Call Id"],
                "status": [
                    "anyOf": [["enum": ["success", "error"]], ["type": "null"]], "default": "success",
                    "title": "Status",
                ],
            ],
            ["tool_call_id"]
        ),
    ]

    private static let toolCall: Value = [
        "type": "object",
        "properties": [
            "name": ["type": "string"], "args": ["type": "object"], "id": ["type": ["string", "number", "null"]],
            "type": ["const": "tool_call"],
        ],
        "required": ["name", "args", "id"],
    ]

    private init(_ title: String, _ tag: String, _ extra: Value.Object, _ required: [Value]) {
        self.title = title
        self.tag = tag
        self.extra = extra
        self.required = required
    }

    /// The message as an object.
    var schema: Value {
        let name: Value = required.contains("name") ? ["type": "string"] : ["type": ["string", "null"]]
        var properties: Value.Object = [
            "content": [
                "anyOf": [
                    ["type": "string"],
                    ["type": "array", "items": ["anyOf": [["type": "string"], ["type": "object"]]]],
                ],
                "title": "Content",
            ],
            "additional_kwargs": ["type": ["object", "null"], "title": "Additional Kwargs"],
            "response_metadata": ["type": ["object", "null"], "title": "Response Metadata"],
            "type": ["const": .string(tag), "title": "Type"],
            "name": name,
            "id": ["type": ["string", "number", "null"], "title": "Id"],
        ]
        for member in extra { properties[member.key] = member.value }
        return [
            "properties": .object(properties), "required": .array(["content", "type"] + required),
            "title": .string(title), "type": "object",
        ]
    }
}
