internal import CSimdJSON

extension JSONView {
    /// The number when it is written as an integer and fits; nil for `1.0`, `1e3`, integers beyond `Int`, and other types.
    public var int: Int? {
        guard kind == .number else { return nil }
        var digits = raw[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        var value = 0
        for byte in digits {
            let digit = Int(byte) - Int(UInt8(ascii: "0"))
            guard 0...9 ~= digit else { return nil }
            // Towards the sign, so that Int.min is reached without passing -Int.min.
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(isNegative ? -digit : digit)
            if overflow || carry { return nil }
            value = sum
        }
        return value
    }

    /// The number's nearest double; nil when that is infinite, as for `1e999`, and for other types.
    public var double: Double? {
        guard kind == .number, let bytes = raw.bytes else { return nil }
        let value = csj_double(bytes, raw.count)
        return value.isFinite ? value : nil
    }

    /// The string's text with escapes decoded; nil when this is not a string. Escaped lone surrogates become U+FFFD.
    public var string: String? {
        guard kind == .string else { return nil }
        let inside = inside
        guard hasEscape, let bytes = inside.bytes else { return String(decoding: inside, as: UTF8.self) }
        return String(unsafeUninitializedCapacity: inside.count) { buffer in
            guard let out = buffer.baseAddress else { return 0 }
            return csj_unescape(bytes, inside.count, out)
        }
    }

    /// The string's UTF-8 bytes when the source has no backslash, lent and without any copying; nil otherwise.
    @inlinable
    public var stringBytes: UnsafeRawBufferPointer? {
        kind == .string && !hasEscape ? inside : nil
    }

    /// Appends the string's decoded UTF-8 bytes, as ``string`` has them. Returns false when this is not a string.
    @discardableResult
    public func appendString(to bytes: inout [UInt8]) -> Bool {
        guard kind == .string else { return false }
        let inside = inside
        guard hasEscape, let source = inside.bytes else {
            bytes.append(contentsOf: inside)
            return true
        }
        bytes.append(addingCapacity: inside.count) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                guard let out = buffer.baseAddress else { return }
                initialized = csj_unescape(source, inside.count, out)
            }
        }
        return true
    }

    /// Whether this is a string with exactly this text, escapes decoded; allocates nothing.
    public func equals(_ text: StaticString) -> Bool {
        equals(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Whether this is a string whose decoded UTF-8 bytes are exactly these; allocates nothing.
    public func equals(_ text: UnsafeRawBufferPointer) -> Bool {
        guard kind == .string else { return false }
        let inside = inside
        if hasEscape { return csj_equals(inside.bytes, inside.count, text.bytes, text.count) }
        return inside.count == text.count && inside.elementsEqual(text)
    }
}
