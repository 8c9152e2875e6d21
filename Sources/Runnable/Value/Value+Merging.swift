/// How clients merge metadata, content blocks and the like of message chunks (`langserve-protocol.md` 2.5).
extension Value.Object {
    /// Strings that may be repeated unchanged instead of concatenating.
    private static let repeatable: Set<String> = ["id", "output_version", "model_provider"]
    /// Integers of which the last one counts instead of the sum.
    private static let lastWins: Set<String> = ["index", "created", "timestamp"]

    /// Merges the members that came later. Leaves this unchanged when it throws.
    ///
    /// Strings concatenate, equal ones too (but `id`, `output_version` and `model_provider` may be repeated unchanged). Equal
    /// numbers and Booleans stay; differing integers add (but of `index`, `created` and `timestamp` the last wins); differing
    /// Booleans and floats throw, as do different types. Objects merge, lists merge as ``Value/merge(_:into:)`` says, null
    /// yields to the other side.
    public mutating func merge(_ later: Value.Object) throws(ChunkAdditionError) {
        var merged = self
        for member in later {
            guard let value = merged[member.key] else {
                merged[member.key] = member.value
                continue
            }
            do throws(ChunkAdditionError) {
                merged[member.key] = try Self.merged(member.key, value, member.value)
            } catch {
                throw error.under(member.key)
            }
        }
        self = merged
    }

    private static func merged(_ key: String, _ left: Value, _ right: Value) throws(ChunkAdditionError) -> Value {
        switch (left, right) {
        case (_, .null): return left
        case (.null, _): return right
        case (.string(let old), .string(let new)):
            let isRepeated = old == new && repeatable.contains(key) || key == "index" && old.hasPrefix("lc_")
            return isRepeated ? left : .string(old + new)
        case (.object(var old), .object(let new)):
            try old.merge(new)
            return .object(old)
        case (.array(var old), .array(let new)):
            try Value.merge(new, into: &old)
            return .array(old)
        case (.bool(let old), .bool(let new)) where old == new: return left
        case (.number, .number): return try mergedNumber(key, left, right)
        default: throw Value.mismatch(left, right)
        }
    }

    private static func mergedNumber(
        _ key: String,
        _ left: Value,
        _ right: Value
    ) throws(ChunkAdditionError) -> Value {
        switch (left.isWholeNumber, right.isWholeNumber) {
        case (true, true):
            if left == right { return left }
            if lastWins.contains(key) { return right }
            var sum = left
            try sum.add(right)
            return sum
        case (false, false) where left.double == right.double: return left
        default: throw Value.mismatch(left, right)
        }
    }
}

extension Value {
    /// Appends elements that came later to a list, merging objects that belong together.
    ///
    /// An object with an `index` (an integer, or a string beginning `lc_`) is merged into the first object of the list
    /// with an equal one, unless both have ids, not empty ones, and these differ. Its `type` is not repeated. All else is appended.
    public static func merge(_ later: [Value], into list: inout [Value]) throws(ChunkAdditionError) {
        var merged = list
        for element in later {
            guard case .object(var members) = element, let index = members["index"], index.joinsElements,
                let place = merged.firstIndex(where: { $0.isSameElement(as: members, index: index) }),
                case .object(var known) = merged[place]
            else {
                merged.append(element)
                continue
            }
            members["type"] = nil
            try known.merge(members)
            merged[place] = .object(known)
        }
        list = merged
    }

    private var joinsElements: Bool { isWholeNumber || string?.hasPrefix("lc_") ?? false }

    private func isSameElement(as members: Object, index: Value) -> Bool {
        guard case .object(let known) = self, known["index"] == index else { return false }
        guard let left = known["id"], let right = members["id"], !left.isNoID, !right.isNoID else { return true }
        return left == right
    }

    /// Some servers say no id with an empty one.
    private var isNoID: Bool { self == .null || self == .string("") }
}
