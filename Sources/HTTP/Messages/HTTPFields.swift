/// The fields of a message: an ordered multimap with case-insensitive names.
///
/// All names and values live in one array of bytes beside an array of offsets: two allocations for any number of
/// fields. Nothing with a CR, LF, NUL or another control character can get in: literals are checked with a trap, text
/// from elsewhere goes through `append(_:checking:)` and its like, which refuse it.
///
/// Printing it shows names only, since values may be credentials.
public struct HTTPFields: Sendable {
    /// Where one field's name and value lie in `bytes`.
    struct Entry: Sendable {
        var name: UInt32
        var value: UInt32
        var valueCount: UInt32
        var nameCount: UInt16
        var known: KnownField
    }

    /// Longest name that fits an entry.
    static let maximumNameBytes = Int(UInt16.max)

    var bytes: [UInt8]
    var entries: [Entry]
    /// Which known fields are among the entries.
    var known: KnownField.Set
    /// Whether `bytes` is exactly the entries as `name: value` lines, so that encoding is one copy.
    var isEncoded: Bool

    /// No fields.
    public init() {
        bytes = []
        entries = []
        known = []
        isEncoded = true
    }

    /// Fields as parsed; `bytes` may hold more than the fields.
    init(bytes: [UInt8], entries: [Entry], known: KnownField.Set) {
        self.bytes = bytes
        self.entries = entries
        self.known = known
        isEncoded = false
    }

    /// How many field lines there are.
    public var count: Int { entries.count }

    /// Whether there is no field at all.
    public var isEmpty: Bool { entries.isEmpty }
}

// MARK: Reading

extension HTTPFields {
    /// The first value of this name; bytes that are not UTF-8 show as U+FFFD. `name` in lower case is fastest.
    public subscript(name: StaticString) -> String? {
        withFirst(name) { String(decoding: $0, as: UTF8.self) }
    }

    /// Every value of this name, in order.
    public func values(_ name: StaticString) -> [String] {
        var values: [String] = []
        forEach { if Bytes.equalIgnoringCase($0, name.bytes) { values.append(String(decoding: $1, as: UTF8.self)) } }
        return values
    }

    /// Whether there is a field of this name.
    public func contains(_ name: StaticString) -> Bool {
        bytes.withUnsafeBytes { index(of: name.bytes, in: $0) != nil }
    }

    /// Lends the bytes of the first value of this name; nil when there is none.
    public func withFirst<R>(_ name: StaticString, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R? {
        try bytes.withUnsafeBytes { bytes in
            guard let index = index(of: name.bytes, in: bytes) else { return nil }
            return try body(entries[index].value(in: bytes))
        }
    }

    /// Whether a field of this name has `element`, in lower case, as one of the elements of its comma-separated list.
    ///
    /// Elements are compared without regard to case; parameters after a semicolon are part of the element.
    public func contains(_ name: StaticString, element: StaticString) -> Bool {
        var found = false
        forEach { fieldName, value in
            guard !found, Bytes.equalIgnoringCase(fieldName, name.bytes) else { return }
            Bytes.forEachElement(of: value) { if Bytes.equalIgnoringCase($0, element.bytes) { found = true } }
        }
        return found
    }

    /// Lends each field's name and value, in order. Names are as they came or were given.
    public func forEach(
        _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        try bytes.withUnsafeBytes { bytes in
            for entry in entries { try body(entry.name(in: bytes), entry.value(in: bytes)) }
        }
    }

    func index(of name: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer) -> Int? {
        entries.firstIndex { Int($0.nameCount) == name.count && Bytes.equalIgnoringCase($0.name(in: bytes), name) }
    }
}

extension HTTPFields.Entry {
    @inline(__always)
    func name(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let start = Int(name)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<(start + Int(nameCount))])
    }

    @inline(__always)
    func value(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let start = Int(value)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<(start + Int(valueCount))])
    }
}

extension HTTPFields: Equatable {
    /// Same names (without regard to case) and values in the same order.
    public static func == (left: HTTPFields, right: HTTPFields) -> Bool {
        guard left.count == right.count else { return false }
        return left.bytes.withUnsafeBytes { leftBytes in
            right.bytes.withUnsafeBytes { rightBytes in
                zip(left.entries, right.entries).allSatisfy {
                    Bytes.equalIgnoringCase($0.name(in: leftBytes), $1.name(in: rightBytes))
                        && $0.value(in: leftBytes).elementsEqual($1.value(in: rightBytes))
                }
            }
        }
    }
}

extension HTTPFields: CustomStringConvertible, CustomDebugStringConvertible {
    /// The names only, since values may be credentials.
    public var description: String {
        var names: [String] = []
        forEach { name, _ in names.append(String(decoding: name, as: UTF8.self)) }
        return "[" + names.joined(separator: ", ") + "]"
    }

    /// The same as `description`.
    public var debugDescription: String { description }
}
