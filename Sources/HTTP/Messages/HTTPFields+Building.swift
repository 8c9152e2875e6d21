extension HTTPFields: ExpressibleByDictionaryLiteral {
    /// Room for the fields of most answers, so that adding one to a literal allocates nothing.
    private static let usualBytes = 160
    private static let usualCount = 5

    /// Fields written in the source. Traps on a name or value that no message may carry.
    public init(dictionaryLiteral elements: (StaticString, StaticString)...) {
        self.init()
        bytes.reserveCapacity(HTTPFields.usualBytes)
        entries.reserveCapacity(HTTPFields.usualCount)
        for (name, value) in elements { append(name, value) }
    }
}

extension HTTPFields {
    /// Appends a field written in the source. Traps on a name or value that no message may carry.
    public mutating func append(_ name: StaticString, _ value: StaticString) {
        precondition(append(name.bytes, checking: value.bytes), "\(name) is not a header field")
    }

    /// Appends a field whose value is a number.
    public mutating func append(_ name: StaticString, _ value: Int) {
        var digits: [UInt8] = []
        digits.append(decimal: value)
        append(name, verified: digits)
    }

    /// Appends a field whose value comes from elsewhere.
    ///
    /// Returns false, and appends nothing, when `value` holds a control character (tab excepted) or begins or ends with
    /// white space. Traps on a `name` that is no token.
    public mutating func append(_ name: StaticString, checking value: String) -> Bool {
        var value = value
        return value.withUTF8 { append(name.bytes, checking: UnsafeRawBufferPointer($0)) }
    }

    /// Appends a field whose name, checked already, and value come from elsewhere; false as above.
    public mutating func append(_ name: HTTPToken, checking value: String) -> Bool {
        var name = name.text
        var value = value
        return name.withUTF8 { name in
            value.withUTF8 { append(UnsafeRawBufferPointer(name), checking: UnsafeRawBufferPointer($0)) }
        }
    }

    /// Appends a field given as bytes; false, and nothing appended, when the name is no token or the value as above.
    public mutating func append(_ name: UnsafeRawBufferPointer, checking value: UnsafeRawBufferPointer) -> Bool {
        guard name.count <= HTTPFields.maximumNameBytes, Bytes.isToken(name) else { return false }
        guard HTTPFields.isValid(value: value) else { return false }
        appendLine(name, value)
        return true
    }

    /// Replaces every field of this name by one written in the source. Traps as `append` does.
    public mutating func set(_ name: StaticString, _ value: StaticString) {
        remove(name)
        append(name, value)
    }

    /// Replaces every field of this name; false, and nothing changed, when `value` may not stand in a field.
    public mutating func set(_ name: StaticString, checking value: String) -> Bool {
        var value = value
        return value.withUTF8 { value in
            let value = UnsafeRawBufferPointer(value)
            guard HTTPFields.isValid(value: value) else { return false }
            remove(name)
            return append(name.bytes, checking: value)
        }
    }

    /// Removes every field of this name.
    public mutating func remove(_ name: StaticString) {
        guard contains(name) else { return }
        let old = self
        self = HTTPFields()
        old.forEach { fieldName, value in
            if !Bytes.equalIgnoringCase(fieldName, name.bytes) { appendLine(fieldName, value) }
        }
    }

    /// Appends every field of `other`, in order.
    public mutating func append(contentsOf other: HTTPFields) {
        other.forEach { appendLine($0, $1) }
    }

    /// Appends the fields as they stand in a message, a line each, without the empty line that ends them.
    public func append(to output: inout [UInt8]) { append(to: &output, except: []) }

    /// The same without the fields whose kind is in `excluded`.
    func append(to output: inout [UInt8], except excluded: KnownField.Set) {
        if isEncoded, known.isDisjoint(with: excluded) {
            output.append(contentsOf: bytes)
            return
        }
        bytes.withUnsafeBytes { bytes in
            for entry in entries where entry.known == .other || !excluded.contains(entry.known.set) {
                output.append(contentsOf: entry.name(in: bytes))
                output.append(literal: ": ")
                output.append(contentsOf: entry.value(in: bytes))
                output.append(literal: "\r\n")
            }
        }
    }

    private static func isValid(value: UnsafeRawBufferPointer) -> Bool {
        guard let start = value.baseAddress, let first = value.first, let last = value.last else { return true }
        return first > Bytes.space && last > Bytes.space && Bytes.isFieldContent(start, value.count)
    }

    private mutating func append(_ name: StaticString, verified value: [UInt8]) {
        precondition(Bytes.isToken(name.bytes), "\(name) is not a header field name")
        value.withUnsafeBytes { appendLine(name.bytes, $0) }
    }

    /// For a name and a value that have been checked.
    private mutating func appendLine(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        precondition(bytes.count + name.count + value.count < Int(UInt32.max) - 4, "header fields too large")
        if !isEncoded {
            // Bytes of a parsed message hold more than its fields: begin a clean copy.
            let parsed = self
            self = HTTPFields()
            parsed.forEach { appendLine($0, $1) }
        }
        let start = bytes.count
        let kind = name.baseAddress.map { KnownField(name: $0, count: name.count) } ?? .other
        entries.append(
            Entry(
                name: UInt32(start),
                value: UInt32(start + name.count + 2),
                valueCount: UInt32(value.count),
                nameCount: UInt16(name.count),
                known: kind
            )
        )
        known.formUnion(kind.set)
        bytes.append(contentsOf: name)
        bytes.append(literal: ": ")
        bytes.append(contentsOf: value)
        bytes.append(literal: "\r\n")
    }
}
