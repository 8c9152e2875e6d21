import JSON
import Runnable

extension MockScript.Tool {
    /// The id of every scripted call.
    public static let callID = "call_mock_0"

    /// The arguments in the pieces they stream in.
    public var tokens: MockTokens { MockTokens(text: arguments, pieceBytes: 8) }

    /// Adds the whole call to an answer: to the invalid ones when the arguments are not a JSON object.
    func add(to message: inout Message) {
        let parsed = try? JSONReader().read(Array(arguments.utf8)) { view in Value(mock: view).object }
        if let object = parsed ?? nil {
            message.toolCalls = [ToolCall(name: name, arguments: object, id: MockScript.Tool.callID)]
        } else {
            message.invalidToolCalls = [
                InvalidToolCall(
                    name: name, arguments: arguments, id: MockScript.Tool.callID, error: "the arguments are not a JSON object")
            ]
        }
    }
}

extension Value {
    fileprivate init(mock view: JSONView) {
        switch view.kind {
        case .null: self = .null
        case .bool: self = .bool(view.bool ?? false)
        case .number: self = .number(String(decoding: view.raw, as: UTF8.self))
        case .string: self = .string(view.string ?? "")
        case .array: self = .array(view.elements.map { Value(mock: $0) })
        case .object:
            self = .object(Object(view.members.map { ($0.key.string ?? "", Value(mock: $0.value)) }))
        }
    }
}
