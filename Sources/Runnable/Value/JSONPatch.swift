/// One step that changes a JSON value (RFC 6902). Paths are JSON pointers (RFC 6901), `""` the whole value.
public enum JSONPatchOperation: Sendable, Hashable {
    /// Sets a member, or inserts an element at an index or, with `-`, at the end.
    case add(path: String, value: Value)
    /// Removes a member or an element, which must be there.
    case remove(path: String)
    /// Puts a value in the place of one, which must be there.
    case replace(path: String, value: Value)

    /// What it changes.
    public var path: String {
        switch self {
        case .add(let path, _), .remove(let path), .replace(let path, _): path
        }
    }

    /// As it is sent, for example `{"op":"add","path":"/a","value":1}`.
    public var wireValue: Value {
        switch self {
        case .add(let path, let value): ["op": "add", "path": .string(path), "value": value]
        case .remove(let path): ["op": "remove", "path": .string(path)]
        case .replace(let path, let value): ["op": "replace", "path": .string(path), "value": value]
        }
    }

    /// An operation from what was sent, or nil when it is none of the three. Further members are ignored.
    public init?(wireValue: Value) {
        guard let path = wireValue["path"]?.string else { return nil }
        switch (wireValue["op"]?.string, wireValue["value"]) {
        case ("add", let value?): self = .add(path: path, value: value)
        case ("replace", let value?): self = .replace(path: path, value: value)
        case ("remove", _): self = .remove(path: path)
        default: return nil
        }
    }
}

/// Why a patch does not fit a value.
public struct JSONPatchError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The path of the operation.
    public let path: String
    /// What is wrong.
    public let reason: String

    /// For example `/a/7: no such element`.
    public var description: String { "\(path): \(reason)" }
}

/// Differences of JSON values and their application.
public enum JSONPatch {
    /// The operations that make one value of another; none when they are equal.
    ///
    /// Objects are compared by key (first removals, then additions, then changes), arrays by index. All else that differs is
    /// replaced whole, as is a value by one of another kind, and no value (nil) at the root by any.
    public static func difference(from old: Value?, to new: Value) -> [JSONPatchOperation] {
        var operations: [JSONPatchOperation] = []
        guard let old else { return [.replace(path: "", value: new)] }
        compare(old, new, at: "", into: &operations)
        return operations
    }

    private static func compare(
        _ old: Value,
        _ new: Value,
        at path: String,
        into operations: inout [JSONPatchOperation]
    ) {
        switch (old, new) {
        case (.object(let old), .object(let new)): compare(old, new, at: path, into: &operations)
        case (.array(let old), .array(let new)): compare(old, new, at: path, into: &operations)
        default: if old != new { operations.append(.replace(path: path, value: new)) }
        }
    }

    private static func compare(
        _ old: Value.Object,
        _ new: Value.Object,
        at path: String,
        into operations: inout [JSONPatchOperation]
    ) {
        for member in old where new[member.key] == nil { operations.append(.remove(path: join(path, member.key))) }
        for member in new where old[member.key] == nil {
            operations.append(.add(path: join(path, member.key), value: member.value))
        }
        for member in old {
            guard let value = new[member.key] else { continue }
            compare(member.value, value, at: join(path, member.key), into: &operations)
        }
    }

    private static func compare(
        _ old: [Value],
        _ new: [Value],
        at path: String,
        into operations: inout [JSONPatchOperation]
    ) {
        for (place, pair) in zip(old, new).enumerated() {
            compare(pair.0, pair.1, at: "\(path)/\(place)", into: &operations)
        }
        for _ in new.count..<max(old.count, new.count) { operations.append(.remove(path: "\(path)/\(new.count)")) }
        for place in old.count..<max(old.count, new.count) {
            operations.append(.add(path: "\(path)/\(place)", value: new[place]))
        }
    }

    /// A pointer to a member: `~` becomes `~0` and `/` becomes `~1` in its key.
    public static func join(_ path: String, _ key: String) -> String {
        var path = path + "/"
        for scalar in key.unicodeScalars {
            switch scalar {
            case "~": path += "~0"
            case "/": path += "~1"
            default: path.unicodeScalars.append(scalar)
            }
        }
        return path
    }

    /// What the operations, one after the other, make of a value. Nil stands for no value: an added or replaced root.
    ///
    /// An error at the first operation whose path is no pointer or leads nowhere.
    public static func apply(_ operations: [JSONPatchOperation], to value: Value?) throws(JSONPatchError) -> Value? {
        var value = value
        for operation in operations {
            let keys = try keys(of: operation.path)
            if keys.isEmpty {
                switch operation {
                case .add(_, let new), .replace(_, let new): value = new
                case .remove: value = nil
                }
                continue
            }
            guard var root = value else { throw JSONPatchError(path: operation.path, reason: "there is no value") }
            try apply(operation, keys[...], to: &root)
            value = root
        }
        return value
    }

    private static func keys(of path: String) throws(JSONPatchError) -> [String] {
        if path.isEmpty { return [] }
        guard path.unicodeScalars.first == "/" else {
            throw JSONPatchError(path: path, reason: "a pointer begins with '/'")
        }
        var keys: [String] = []
        for part in path.unicodeScalars.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            var key = String.UnicodeScalarView()
            var scalars = part.makeIterator()
            while let scalar = scalars.next() {
                guard scalar == "~" else {
                    key.append(scalar)
                    continue
                }
                switch scalars.next() {
                case "0": key.append("~")
                case "1": key.append("/")
                default: throw JSONPatchError(path: path, reason: "'~' must be followed by 0 or 1")
                }
            }
            keys.append(String(key))
        }
        return keys
    }

    private static func apply(
        _ operation: JSONPatchOperation,
        _ keys: ArraySlice<String>,
        to value: inout Value
    ) throws(JSONPatchError) {
        guard let key = keys.first else { return }
        let rest = keys.dropFirst()
        switch value {
        case .object(var members):
            value = .null
            try apply(operation, key, rest, to: &members)
            value = .object(members)
        case .array(var elements):
            value = .null
            try apply(operation, key, rest, to: &elements)
            value = .array(elements)
        default: throw JSONPatchError(path: operation.path, reason: "no array or object")
        }
    }

    private static func apply(
        _ operation: JSONPatchOperation,
        _ key: String,
        _ rest: ArraySlice<String>,
        to members: inout Value.Object
    ) throws(JSONPatchError) {
        if rest.isEmpty, case .add(_, let new) = operation {
            members[key] = new
            return
        }
        guard var member = members[key] else { throw JSONPatchError(path: operation.path, reason: "no such member") }
        guard rest.isEmpty else {
            members[key] = .null
            try apply(operation, rest, to: &member)
            members[key] = member
            return
        }
        if case .replace(_, let new) = operation { members[key] = new } else { members[key] = nil }
    }

    private static func apply(
        _ operation: JSONPatchOperation,
        _ key: String,
        _ rest: ArraySlice<String>,
        to elements: inout [Value]
    ) throws(JSONPatchError) {
        let isDigits = !key.isEmpty && key.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let isIndex = isDigits && (key == "0" || key.utf8.first != UInt8(ascii: "0"))
        guard let place = key == "-" ? elements.count : (isIndex ? Int(key) : nil) else {
            throw JSONPatchError(path: operation.path, reason: "no index of an array")
        }
        if rest.isEmpty, case .add(_, let new) = operation, place <= elements.count {
            elements.insert(new, at: place)
            return
        }
        guard place < elements.count else { throw JSONPatchError(path: operation.path, reason: "no such element") }
        guard rest.isEmpty else { return try apply(operation, rest, to: &elements[place]) }
        if case .replace(_, let new) = operation { elements[place] = new } else { elements.remove(at: place) }
    }
}
