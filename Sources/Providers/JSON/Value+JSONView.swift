public import JSON
public import Runnable

extension Value {
    /// An owned copy of a JSON value; numbers keep their source text.
    public init(_ view: JSONView) {
        switch view.kind {
        case .null: self = .null
        case .bool: self = .bool(view.bool ?? false)
        case .number: self = .number(String(decoding: view.raw, as: UTF8.self))
        case .string: self = .string(view.string ?? "")
        case .array: self = .array(view.elements.map { Value($0) })
        case .object: self = .object(Object(view))
        }
    }
}

extension Value.Object {
    /// An owned copy of a JSON object's members; empty for anything else. Of equal keys the last value counts.
    public init(_ view: JSONView) {
        self.init()
        for (key, value) in view.members { self[key.string ?? ""] = Value(value) }
    }
}
