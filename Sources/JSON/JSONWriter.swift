internal import CSimdJSON

// Writing JSON is appending to a byte array. All that is appended is one line, whatever splits lines: control characters,
// U+0085, U+2028 and U+2029 are always escaped, because some stream readers break lines at them (Python's splitlines).

extension [UInt8] {
    /// Appends text as it is: brackets, commas, keys that need no escaping.
    @inlinable
    public mutating func appendRaw(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a quoted and escaped string.
    public mutating func appendJSON(_ string: String) {
        var string = string
        string.withUTF8 { appendJSON(utf8: UnsafeRawBufferPointer($0)) }
    }

    /// Appends a quoted and escaped string. `utf8` must be valid UTF-8, which is not checked again.
    public mutating func appendJSON(utf8: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "\""))
        var rest = utf8[...]
        while !rest.isEmpty {
            let bytes = UnsafeRawBufferPointer(rebasing: rest)
            let plain = csj_plain_prefix(bytes.bytes, bytes.count)
            append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[..<plain]))
            rest = rest.dropFirst(plain)
            if let escaped = rest.first { rest = rest.dropFirst(appendEscape(escaped, in: rest)) }
        }
        append(UInt8(ascii: "\""))
    }

    /// Appends `true` or `false`.
    public mutating func appendJSON(_ bool: Bool) {
        appendRaw(bool ? "true" : "false")
    }

    /// Appends a number in decimal.
    public mutating func appendJSON(_ int: Int) {
        if int < 0 { append(UInt8(ascii: "-")) }
        var magnitude = int.magnitude
        guard magnitude > 9 else { return append(UInt8(ascii: "0") + UInt8(magnitude)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var first = 20
            while magnitude > 0 {
                first -= 1
                digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
                magnitude /= 10
            }
            append(contentsOf: digits[first...])
        }
    }

    /// Appends the shortest text that reads back as the same double; `null` for infinities and not-a-numbers.
    public mutating func appendJSON(_ double: Double) {
        guard double.isFinite else { return appendRaw("null") }
        append(contentsOf: double.description.utf8)
    }

    /// Appends the value of `view`, a string, without decoding it: escapes of the source stay as they are, except that lone
    /// surrogates become U+FFFD, as in ``JSONView/string``. Traps when `view` is not a string.
    public mutating func appendJSONString(of view: JSONView) {
        precondition(view.kind == .string, "not a JSON string")
        guard view.hasLoneSurrogate else { return appendUnseparated(view.raw) }
        var decoded: [UInt8] = []
        view.appendString(to: &decoded)
        decoded.withUnsafeBytes { appendJSON(utf8: $0) }
    }

    /// Appends a copy of a valid JSON text as one line: insignificant white space is left out, U+0085, U+2028 and U+2029 are
    /// escaped, all else stays as it is, numbers and escapes included.
    /// - Parameter raw: from ``JSONView/raw``, or known to be valid in another way. Traps when a string in it is not closed.
    public mutating func appendCompactJSON(_ raw: UnsafeRawBufferPointer) {
        guard let first = raw.first, let last = raw.last else { preconditionFailure("not valid JSON") }
        // A scalar without white space around it has none at all.
        if last > UInt8(ascii: " ") {
            switch first {
            case UInt8(ascii: "{"), UInt8(ascii: "["), 0...UInt8(ascii: " "): break
            case UInt8(ascii: "\""): return appendUnseparated(raw)
            default: return append(contentsOf: raw)
            }
        }
        let start = count
        append(addingCapacity: raw.count + Int(CSJ_PADDING)) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                guard let source = raw.bytes, let out = buffer.baseAddress else { return }
                initialized = csj_compact(source, raw.count, out)
                precondition(initialized > 0, "not valid JSON")
            }
        }
        let plain = withUnsafeBytes { csj_unseparated_prefix($0.bytes.map { $0 + start }, $0.count - start) }
        guard start + plain < count else { return }
        let rest = Array(self[(start + plain)...])
        removeLast(rest.count)
        rest.withUnsafeBytes { appendUnseparated($0) }
    }

    /// Appends `text` with U+0085, U+2028 and U+2029 escaped. In valid JSON these occur inside strings only.
    private mutating func appendUnseparated(_ text: UnsafeRawBufferPointer) {
        var rest = text[...]
        while !rest.isEmpty {
            let bytes = UnsafeRawBufferPointer(rebasing: rest)
            let plain = csj_unseparated_prefix(bytes.bytes, bytes.count)
            append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[..<plain]))
            rest = rest.dropFirst(plain)
            if let separator = rest.first { rest = rest.dropFirst(appendEscape(separator, in: rest)) }
        }
    }

    /// Appends the escape for what `rest` begins with and returns how many bytes of `rest` that was.
    private mutating func appendEscape(_ first: UInt8, in rest: Slice<UnsafeRawBufferPointer>) -> Int {
        switch first {
        case UInt8(ascii: "\""): appendRaw("\\\"")
        case UInt8(ascii: "\\"): appendRaw("\\\\")
        case UInt8(ascii: "\n"): appendRaw("\\n")
        case UInt8(ascii: "\r"): appendRaw("\\r")
        case UInt8(ascii: "\t"): appendRaw("\\t")
        case 0x08: appendRaw("\\b")
        case 0x0C: appendRaw("\\f")
        case 0xC2:
            appendRaw("\\u0085")
            return 2
        case 0xE2:
            appendRaw(rest[rest.startIndex + 2] == 0xA8 ? "\\u2028" : "\\u2029")
            return 3
        default:
            let digits: StaticString = "0123456789abcdef"
            appendRaw("\\u00")
            append(digits.utf8Start[Int(first >> 4)])
            append(digits.utf8Start[Int(first & 15)])
        }
        return 1
    }
}
