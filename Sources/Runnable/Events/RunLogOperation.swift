/// A change of the document that tells of a run, as RFC 6902 has it.
public struct RunLogOperation: Sendable, Hashable {
    /// What is done. The raw values are those of RFC 6902.
    public enum Kind: String, Sendable, Hashable {
        /// Sets a member of an object, or inserts into a list; `-` at the path's end appends.
        case add
        /// Sets what is there already.
        case replace
    }

    /// What is done.
    public var kind: Kind
    /// Where, as a JSON pointer; empty for the whole document.
    public var path: String
    /// The new value.
    public var value: RunValue

    /// A change.
    public init(_ kind: Kind, _ path: String, _ value: RunValue) {
        self.kind = kind
        self.path = path
        self.value = value
    }

    /// What turns one value at `path` into another. Objects change key by key, lists grow at their end; all else is replaced whole.
    static func changes(from old: RunValue, to new: RunValue, at path: String) -> [RunLogOperation] {
        if old == new { return [] }
        if let before = old.members, let after = new.members, before.all.allSatisfy({ after[$0.key] != nil }) {
            return after.all.flatMap { member -> [RunLogOperation] in
                let place = JSONPatch.join(path, member.key)
                guard let known = before[member.key] else { return [RunLogOperation(.add, place, member.value)] }
                return changes(from: known, to: member.value, at: place)
            }
        }
        if let before = old.elements, let after = new.elements, after.starts(with: before) {
            return after.dropFirst(before.count).map { RunLogOperation(.add, path + "/-", $0) }
        }
        return [RunLogOperation(.replace, path, new)]
    }
}
