import Runnable
import Testing

/// The document that `/stream_log` tells of: applies its changes, as RFC 6902 has them, without any code of the gateway's.
struct RunLogDocument {
    private(set) var document = Value.null
    /// All changes in the order they came.
    private(set) var operations: [(kind: String, path: String)] = []

    /// - Parameter events: those of a whole stream; others than `data` are left out.
    init(_ events: [TestEvent]) throws {
        for change in try events.outputs.flatMap({ $0["ops"]?.array ?? [] }) {
            let kind = try #require(change["op"]?.string)
            let path = try #require(change["path"]?.string)
            operations.append((kind, path))
            let keys = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
                String($0).replacing("~1", with: "/").replacing("~0", with: "~")
            }
            document = try Self.changed(document, kind, Array(keys), try #require(change["value"]))
        }
    }

    private static func changed(_ value: Value, _ kind: String, _ keys: [String], _ new: Value) throws -> Value {
        guard let key = keys.first else { return new }
        let rest = Array(keys.dropFirst())
        switch value {
        case .object(var object):
            if rest.isEmpty {
                try #require(kind == "add" || object[key] != nil, "nothing to replace at \(key)")
                object[key] = new
            } else {
                object[key] = try changed(try #require(object[key], "no \(key)"), kind, rest, new)
            }
            return .object(object)
        case .array(var array):
            if key == "-" {
                try #require(kind == "add" && rest.isEmpty)
                array.append(new)
            } else {
                let place = try #require(Int(key))
                try #require(array.indices.contains(place))
                array[place] = try changed(array[place], kind, rest, new)
            }
            return .array(array)
        default: throw TestConnection.Failure(description: "no container at \(key)")
        }
    }
}
