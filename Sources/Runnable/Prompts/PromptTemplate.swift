/// Text with places for values.
public protocol PromptTemplate: Sendable {
    /// The names of the values it needs, sorted, each once.
    var variables: [String] { get }

    /// The text with the values in place. Values it does not need are ignored; one that is missing is an error.
    func format(_ values: Value.Object) throws(PromptTemplateError) -> String
}

extension PromptTemplate {
    /// The values in a prompt's input: the members of an object, or anything else as the value of the only variable. An error
    /// when that is not an object and there are more variables, or none.
    public func values(from input: Value) throws(PromptTemplateError) -> Value.Object {
        if case .object(let values) = input { return values }
        guard variables.count == 1, let name = variables.first else { throw .notAnObject(variables: variables) }
        return Value.Object([(name, input)])
    }
}

/// Why a template cannot be made, or cannot be filled.
public enum PromptTemplateError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The text is no template.
    case malformed(String)
    /// A variable has no value.
    case missingVariable(String)
    /// A variable's value cannot be written as the template demands.
    case unsuitableValue(variable: String, reason: String)
    /// The input is no object, and the template has not exactly one variable.
    case notAnObject(variables: [String])

    /// What is wrong, with the names of variables, without values.
    public var description: String {
        switch self {
        case .malformed(let reason): "invalid template: \(reason)"
        case .missingVariable(let name): "missing variable '\(name)'"
        case .unsuitableValue(let name, let reason): "variable '\(name)': \(reason)"
        case .notAnObject(let names):
            names.isEmpty ? "expected an object" : "expected an object with: \(names.joined(separator: ", "))"
        }
    }
}
