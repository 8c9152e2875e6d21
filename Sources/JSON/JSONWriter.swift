internal import CSimdJSON

// Writing JSON is appending to a byte array. All that is appended is one line, whatever splits lines: control characters,
// U+0085, U+2028 and U+2029 are always escaped, because some stream readers break lines at them (Python's splitlines).

extension [UInt8] {
    /// Appends text as it is: brackets, commas, keys that need no escaping.
    @inlinable
    public mutating func appendRaw(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// The room that ``appendJSON(_:)`` wants for a string of so many UTF-8 bytes: with it reserved, a string with few escapes allocates
    /// nothing.
    public static func roomForJSON(utf8Count: Int) -> Int { utf8Count + utf8Count / 16 + Int(CSJ_ESCAPE_ROOM) + 2 }

    /// Appends a quoted and escaped string.
    public mutating func appendJSON(_ string: String) {
        var string = string
        string.withUTF8 { appendJSON(utf8: UnsafeRawBufferPointer($0)) }
    }

    /// Appends a quoted and escaped string. `utf8` must be valid UTF-8, which is not checked again.
    public mutating func appendJSON(utf8: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "\""))
        appendEscaping(utf8, csj_escape)
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
        appendEscaping(text, csj_escape_separators)
    }

    /// Appends what `escape` makes of `text`, in as many pieces as escapes need more room than expected.
    @inline(__always)
    private mutating func appendEscaping(
        _ text: UnsafeRawBufferPointer,
        _ escape: (UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UInt8>?, Int) -> csj_escaped
    ) {
        var rest = text
        while !rest.isEmpty {
            var taken = 0
            append(addingCapacity: rest.count + rest.count / 16 + Int(CSJ_ESCAPE_ROOM)) { span in
                span.withUnsafeMutableBufferPointer { buffer, initialized in
                    let result = escape(rest.bytes, rest.count, buffer.baseAddress, buffer.count)
                    initialized = result.written
                    taken = result.taken
                }
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
        }
    }
}
