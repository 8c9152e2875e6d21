/// Why two pieces of a stream cannot be added.
public struct ChunkAdditionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Which field, as a path such as `response_metadata.logprobs`; empty for the value itself.
    public let path: String
    /// What does not fit.
    public let reason: String

    /// An error at a path.
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// Path and reason.
    public var description: String { path.isEmpty ? reason : "\(path): \(reason)" }

    func under(_ key: String) -> ChunkAdditionError {
        ChunkAdditionError(path: path.isEmpty ? key : "\(key).\(path)", reason: reason)
    }
}

/// A piece of a stream; adding all pieces in order gives the whole.
public protocol AddableChunk {
    /// Adds the piece that comes after this one. Leaves this one unchanged when it throws.
    mutating func add(_ next: Self) throws(ChunkAdditionError)
}

extension String: AddableChunk {
    /// Appends the text.
    public mutating func add(_ next: String) throws(ChunkAdditionError) { append(next) }
}

extension Int: AddableChunk {
    /// Adds the number, as LangChain adds the numbers of a stream.
    public mutating func add(_ next: Int) throws(ChunkAdditionError) {
        let (sum, isOverflow) = addingReportingOverflow(next)
        if isOverflow { throw ChunkAdditionError(path: "", reason: "numbers out of range") }
        self = sum
    }
}

extension Double: AddableChunk {
    /// Adds the number.
    public mutating func add(_ next: Double) throws(ChunkAdditionError) { self += next }
}

extension Array: AddableChunk {
    /// Appends the elements.
    public mutating func add(_ next: [Element]) throws(ChunkAdditionError) { append(contentsOf: next) }
}

extension Value: AddableChunk {
    /// Adds as LangChain's addable dictionaries do: strings and arrays concatenate, numbers add, objects add member by
    /// member, null yields to the other side; anything else throws.
    public mutating func add(_ next: Value) throws(ChunkAdditionError) {
        switch (self, next) {
        case (_, .null): break
        case (.null, _): self = next
        case (.string(var left), .string(let right)):
            self = .null  // gives up this one's reference, so the text grows in place
            left.append(right)
            self = .string(left)
        case (.array(let left), .array(let right)): self = .array(left + right)
        case (.number(let left), .number(let right)): self = try .sum(left, right)
        case (.object(var left), .object(let right)):
            for member in right {
                guard var sum = left[member.key] else {
                    left[member.key] = member.value
                    continue
                }
                do throws(ChunkAdditionError) { try sum.add(member.value) } catch { throw error.under(member.key) }
                left[member.key] = sum
            }
            self = .object(left)
        default: throw Self.mismatch(self, next)
        }
    }

    private static func sum(_ left: String, _ right: String) throws(ChunkAdditionError) -> Value {
        if let left = Int(left), let right = Int(right) {
            let (sum, isOverflow) = left.addingReportingOverflow(right)
            if !isOverflow { return .integer(sum) }
        }
        guard let left = Double(left), let right = Double(right) else {
            throw ChunkAdditionError(path: "", reason: "numbers out of range")
        }
        return .double(left + right)
    }

    static func mismatch(_ left: Value, _ right: Value) -> ChunkAdditionError {
        ChunkAdditionError(path: "", reason: "cannot add \(right.typeName) to \(left.typeName)")
    }

    var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: isWholeNumber ? "an integer" : "a float"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }

    /// Whether JSON readers take the number for an integer: no fraction and no exponent.
    var isWholeNumber: Bool {
        guard case .number(let text) = self else { return false }
        return text.utf8.allSatisfy { $0 == UInt8(ascii: "-") || ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")) }
    }
}
