extension JSONView {
    /// An array's elements in order. A single pass over lent memory: valid as long as the view.
    public struct Elements: Sequence, IteratorProtocol {
        @usableFromInline var node: UnsafeRawPointer
        @usableFromInline let end: UnsafeRawPointer
        @usableFromInline let base: UnsafeRawPointer

        @inlinable
        init(_ array: JSONView) {
            end = array.nextNode
            node = array.kind == .array ? array.firstChildNode : end
            base = array.base
        }

        /// The next element, or nil after the last.
        @inlinable
        public mutating func next() -> JSONView? {
            guard node < end else { return nil }
            let element = JSONView(node: node, base: base)
            node = element.nextNode
            return element
        }
    }

    /// An object's members in the order of the source, repeated keys included. A single pass over lent memory.
    public struct Members: Sequence, IteratorProtocol {
        @usableFromInline var node: UnsafeRawPointer
        @usableFromInline let end: UnsafeRawPointer
        @usableFromInline let base: UnsafeRawPointer

        @inlinable
        init(_ object: JSONView) {
            end = object.nextNode
            node = object.kind == .object ? object.firstChildNode : end
            base = object.base
        }

        /// The next key, which is a string, and its value, or nil after the last.
        @inlinable
        public mutating func next() -> (key: JSONView, value: JSONView)? {
            guard node < end else { return nil }
            let key = JSONView(node: node, base: base)
            let value = JSONView(node: key.nextNode, base: base)
            node = value.nextNode
            return (key, value)
        }
    }

    /// The elements of an array; none for other values.
    @inlinable
    public var elements: Elements { Elements(self) }

    /// The members of an object; none for other values.
    @inlinable
    public var members: Members { Members(self) }

    /// How many elements an array or members an object has, repeated keys included; 0 for scalars. Linear.
    public var count: Int {
        switch kind {
        case .array: elements.reduce(0) { count, _ in count + 1 }
        case .object: members.reduce(0) { count, _ in count + 1 }
        default: 0
        }
    }

    /// Calls `body` with each element of an array in order; does nothing for other values.
    @inlinable
    public func forEachElement<E: Error>(_ body: (JSONView) throws(E) -> Void) throws(E) {
        var elements = elements
        while let element = elements.next() { try body(element) }
    }

    /// Calls `body` with each member of an object in order, repeated keys included; does nothing for other values.
    @inlinable
    public func forEachMember<E: Error>(_ body: (_ key: JSONView, _ value: JSONView) throws(E) -> Void) throws(E) {
        var members = members
        while let (key, value) = members.next() { try body(key, value) }
    }
}
