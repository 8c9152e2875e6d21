/// Content blocks with templates in all their strings, however deep.
public struct BlocksTemplate: Sendable {
    private enum Node: Sendable {
        case text(any PromptTemplate)
        case list([Node])
        case object([(key: String, node: Node)])
        case constant(Value)
    }

    /// The names of the values it needs, sorted, each once.
    public let variables: [String]
    private let blocks: [Node]

    /// A template from blocks; ``PromptTemplateError/malformed(_:)`` when a string in them is none.
    /// - Parameter make: makes the template of each string, not of keys.
    public init(
        _ blocks: [Value],
        make: (String) throws(PromptTemplateError) -> any PromptTemplate
    ) throws(PromptTemplateError) {
        var names: Set<String> = []
        var nodes: [Node] = []
        for block in blocks { nodes.append(try Self.node(block, &names, make)) }
        self.blocks = nodes
        variables = names.sorted()
    }

    /// A template from blocks with strings in Python's f-string form.
    public init(_ blocks: [Value]) throws(PromptTemplateError) {
        try self.init(blocks) { text throws(PromptTemplateError) in try FStringTemplate(text) }
    }

    /// The blocks with the values in place. Values it does not need are ignored; one that is missing is an error.
    public func format(_ values: Value.Object) throws(PromptTemplateError) -> [Value] {
        try Self.fill(blocks, values)
    }

    private static func node(
        _ value: Value,
        _ names: inout Set<String>,
        _ make: (String) throws(PromptTemplateError) -> any PromptTemplate
    ) throws(PromptTemplateError) -> Node {
        switch value {
        case .string(let text):
            let template = try make(text)
            names.formUnion(template.variables)
            return .text(template)
        case .array(let elements):
            var nodes: [Node] = []
            for element in elements { nodes.append(try node(element, &names, make)) }
            return .list(nodes)
        case .object(let members):
            var nodes: [(key: String, node: Node)] = []
            for member in members { nodes.append((member.key, try node(member.value, &names, make))) }
            return .object(nodes)
        case .null, .bool, .number: return .constant(value)
        }
    }

    private static func fill(_ nodes: [Node], _ values: Value.Object) throws(PromptTemplateError) -> [Value] {
        var filled: [Value] = []
        filled.reserveCapacity(nodes.count)
        for node in nodes { filled.append(try fill(node, values)) }
        return filled
    }

    private static func fill(_ node: Node, _ values: Value.Object) throws(PromptTemplateError) -> Value {
        switch node {
        case .text(let template): return .string(try template.format(values))
        case .list(let nodes): return .array(try fill(nodes, values))
        case .object(let members):
            var filled = Value.Object()
            for (key, node) in members { filled[key] = try fill(node, values) }
            return .object(filled)
        case .constant(let value): return value
        }
    }
}
