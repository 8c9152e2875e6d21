internal import CSimdJSON

/// A value inside a text that a ``JSONReader`` is lending. Two words, copied freely, nothing is allocated by walking.
///
/// Valid only inside the closure that received it; using it later reads memory that may be gone. Nothing is decoded before
/// it is asked for, and asking for the wrong type gives nil.
public struct JSONView {
    /// The JSON types; arrays and objects are the two containers.
    public enum Kind: UInt8, Sendable {
        case null, bool, number, string, array, object
    }

    /// A `csj_node`. Its fields are read by offset so that walking can be inlined into clients without the C header.
    @usableFromInline let node: UnsafeRawPointer
    /// The first byte of the whole text.
    @usableFromInline let base: UnsafeRawPointer

    @inlinable
    init(node: UnsafeRawPointer, base: UnsafeRawPointer) {
        self.node = node
        self.base = base
    }

    @inlinable var start: Int { Int(node.load(as: UInt32.self)) }
    @inlinable var end: Int { Int(node.load(fromByteOffset: 4, as: UInt32.self)) }
    @inlinable var info: UInt32 { node.load(fromByteOffset: 12, as: UInt32.self) }
    /// The node behind this value and all it contains.
    @inlinable var nextNode: UnsafeRawPointer { node + 16 * Int(node.load(fromByteOffset: 8, as: UInt32.self)) }
    @inlinable var firstChildNode: UnsafeRawPointer { node + 16 }

    @inlinable var hasEscape: Bool { info & 8 != 0 }
    @inlinable var hasLoneSurrogate: Bool { info & 16 != 0 }

    /// The bytes between the quotes, still escaped; only for strings.
    @inlinable var inside: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + start + 1, count: end - start - 2)
    }

    /// The value's type.
    @inlinable
    public var kind: Kind {
        // The reader writes no other values.
        Kind(rawValue: UInt8(truncatingIfNeeded: info & 7)).unsafelyUnwrapped
    }

    /// The value as it stands in the source, with its quotes or brackets, without white space around it. Lent.
    @inlinable
    public var raw: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + start, count: end - start) }

    /// Bytes of the text before this value, for error messages.
    @inlinable
    public var offset: Int { start }

    /// How many values and keys this one comes to, itself and all that it contains. Known without walking.
    @inlinable
    public var nodeCount: Int { Int(node.load(fromByteOffset: 8, as: UInt32.self)) }

    /// Whether this is `null`.
    @inlinable
    public var isNull: Bool { kind == .null }

    /// `true` or `false`; nil for every other value.
    @inlinable
    public var bool: Bool? {
        guard kind == .bool else { return nil }
        return base.load(fromByteOffset: start, as: UInt8.self) == UInt8(ascii: "t")
    }
}

@available(*, unavailable)
extension JSONView: Sendable {}

extension JSONView {
    /// The object's member with this key; of several the last. Nil when there is none or this is not an object.
    ///
    /// Looks at every key of the object, so for objects with very many members prefer one pass over ``members``.
    public subscript(key: StaticString) -> JSONView? {
        member(UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
    }

    /// The object's member with this key, as with the subscript, for keys that are not known beforehand.
    public func member(_ key: String) -> JSONView? {
        var key = key
        return key.withUTF8 { member(UnsafeRawBufferPointer($0)) }
    }

    /// The object's member whose key has exactly these UTF-8 bytes, after decoding escapes in the source's keys.
    public func member(_ key: UnsafeRawBufferPointer) -> JSONView? {
        guard kind == .object else { return nil }
        let object = node.assumingMemoryBound(to: csj_node.self)
        guard let found = csj_member(object, base.bytes, key.bytes, key.count) else { return nil }
        return JSONView(node: UnsafeRawPointer(found), base: base)
    }

    /// The array's element at `index`, counted from zero; nil when there is none or this is not an array. Linear in `index`.
    public subscript(index: Int) -> JSONView? {
        guard index >= 0 else { return nil }
        var remaining = index
        var elements = elements
        while let element = elements.next() {
            if remaining == 0 { return element }
            remaining -= 1
        }
        return nil
    }
}

extension UnsafeRawPointer {
    var bytes: UnsafePointer<UInt8> { assumingMemoryBound(to: UInt8.self) }
}

extension UnsafeRawBufferPointer {
    /// Nil only when empty, which the C functions allow.
    var bytes: UnsafePointer<UInt8>? { baseAddress?.bytes }
}
