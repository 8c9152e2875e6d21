/// The name of a trace: 16 bytes that are not all zero.
public struct TraceID: Sendable, Hashable {
    /// The first eight bytes, big-endian.
    public let high: UInt64
    /// The last eight bytes, big-endian.
    public let low: UInt64

    /// An id from its two halves; one that is all zero becomes another, since that means "none".
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = high | low == 0 ? 1 : low
    }

    /// Appends 32 lower-case hexadecimal digits.
    public func append(to output: inout [UInt8]) {
        output.append(hexadecimal: high)
        output.append(hexadecimal: low)
    }
}

/// The name of a span in its trace: eight bytes that are not all zero.
public struct SpanID: Sendable, Hashable {
    /// The bytes, big-endian.
    public let bits: UInt64

    /// An id; zero becomes another, since that means "none".
    public init(_ bits: UInt64) { self.bits = bits == 0 ? 1 : bits }

    /// Appends 16 lower-case hexadecimal digits.
    public func append(to output: inout [UInt8]) { output.append(hexadecimal: bits) }
}

/// Where a request stands in a trace, as the field `traceparent` says it (W3C Trace Context, level 2).
public struct TraceParent: Sendable, Hashable {
    /// Of a trace that its participants record.
    public static let sampled: UInt8 = 1
    /// Of a trace whose id's last seven bytes are random.
    public static let random: UInt8 = 2

    /// The trace.
    public let traceID: TraceID
    /// The sender's span.
    public let spanID: SpanID
    /// ``sampled`` and ``random``; other bits mean nothing and are zero.
    public let flags: UInt8

    /// Whether the sender records the trace.
    public var isSampled: Bool { flags & TraceParent.sampled != 0 }

    private static let length = 55
    private static let hyphen = UInt8(ascii: "-")

    /// Says where a request stands.
    public init(traceID: TraceID, spanID: SpanID, flags: UInt8) {
        self.traceID = traceID
        self.spanID = spanID
        self.flags = flags & (TraceParent.sampled | TraceParent.random)
    }

    /// Reads a field's value; nil for what the specification calls invalid: upper case, zeros, a wrong length, version `ff`. Of versions
    /// after ours the part that ours has is read.
    public init?(parsing value: UnsafeRawBufferPointer) {
        guard value.count >= TraceParent.length, value[2] == TraceParent.hyphen, value[35] == TraceParent.hyphen,
            value[52] == TraceParent.hyphen, let version = value.hexadecimal(0..<2), version != 0xFF,
            let high = value.hexadecimal(3..<19), let low = value.hexadecimal(19..<35),
            let span = value.hexadecimal(36..<52), let flags = value.hexadecimal(53..<55), high | low != 0, span != 0
        else { return nil }
        if value.count > TraceParent.length {
            guard version != 0, value[TraceParent.length] == TraceParent.hyphen else { return nil }
        }
        self.init(traceID: TraceID(high: high, low: low), spanID: SpanID(span), flags: UInt8(flags))
    }

    /// What the fields of a request say; nil when they say nothing, something invalid, or several things.
    public init?(_ fields: HTTPFields) {
        guard let parent = fields.withFirst("traceparent", { TraceParent(parsing: $0) }) ?? nil else { return nil }
        guard fields.values("traceparent").count == 1 else { return nil }
        self = parent
    }

    /// Appends the field's value, 55 bytes of version 00.
    public func append(to output: inout [UInt8]) {
        withUnsafeTemporaryAllocation(byteCount: TraceParent.length, alignment: 8) { text in
            write(to: text)
            output.append(contentsOf: text)
        }
    }

    /// Appends the field as a line, with its CRLF.
    public func appendLine(to output: inout [UInt8]) {
        let name = StaticString("traceparent: ").bytes
        withUnsafeTemporaryAllocation(byteCount: name.count + TraceParent.length + 2, alignment: 8) { line in
            line.copyMemory(from: name)
            write(to: UnsafeMutableRawBufferPointer(rebasing: line[name.count...]))
            line[line.count - 2] = Bytes.cr
            line[line.count - 1] = Bytes.lf
            output.append(contentsOf: line)
        }
    }

    private func write(to text: UnsafeMutableRawBufferPointer) {
        guard let start = text.baseAddress else { return }
        text.copyMemory(from: StaticString("00-").bytes)
        Bytes.writeHexadecimal(traceID.high, to: start + 3)
        Bytes.writeHexadecimal(traceID.low, to: start + 19)
        text[35] = TraceParent.hyphen
        Bytes.writeHexadecimal(spanID.bits, to: start + 36)
        text[52] = TraceParent.hyphen
        text[53] = UInt8(ascii: "0")
        text[54] = UInt8(ascii: "0") + flags
    }
}

/// The field `tracestate`: what tracing systems tell each other, passed on as it came.
public enum TraceState {
    /// Of a request's; the specification's maximum.
    static let mostMembers = 32
    /// Bytes passed on; the specification's least.
    static let longest = 512
    /// When there are too many bytes, members longer than this go first.
    static let longMember = 128

    /// The members of all such fields, joined; nil when there are none, or they are not in order.
    ///
    /// More than 512 bytes are cut down as the specification has it: first the members of more than 128 bytes, then from the end.
    public static func accepted(_ fields: HTTPFields) -> [UInt8]? {
        guard fields.contains("tracestate") else { return nil }
        var members: [[UInt8]] = []
        var isInOrder = true
        fields.forEach { name, value in
            guard Bytes.equalIgnoringCase(name, StaticString("tracestate").bytes) else { return }
            Bytes.forEachElement(of: value) { member in
                guard !member.isEmpty else { return }
                if isValid(member) { members.append(Array(member)) } else { isInOrder = false }
            }
        }
        guard isInOrder, 1...mostMembers ~= members.count else { return nil }
        if length(members) > longest { members.removeAll { $0.count > longMember } }
        while length(members) > longest { members.removeLast() }
        return members.isEmpty ? nil : Array(members.joined(separator: [UInt8(ascii: ",")]))
    }

    private static func length(_ members: [[UInt8]]) -> Int { members.reduce(members.count - 1) { $0 + $1.count } }

    /// `key=value`, with the characters that each may have.
    private static func isValid(_ member: UnsafeRawBufferPointer) -> Bool {
        guard let equals = member.firstIndex(of: UInt8(ascii: "=")), 1...256 ~= equals,
            1...256 ~= member.count - equals - 1
        else { return false }
        let isKey = member[..<equals].enumerated().allSatisfy { place, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "/"), UInt8(ascii: "@"):
                place > 0
            default: false
            }
        }
        return isKey && member[(equals + 1)...].allSatisfy { 0x20...0x7E ~= $0 && $0 != UInt8(ascii: "=") }
    }
}

extension [UInt8] {
    /// Appends 16 lower-case hexadecimal digits.
    fileprivate mutating func append(hexadecimal bits: UInt64) {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { digits in
            guard let start = digits.baseAddress else { return }
            Bytes.writeHexadecimal(bits, to: start)
            append(contentsOf: digits)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The number that lower-case hexadecimal digits spell; nil for anything else.
    fileprivate func hexadecimal(_ range: Range<Int>) -> UInt64? {
        var number: UInt64 = 0
        for place in range {
            switch self[place] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(self[place] - 0x30)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(self[place] - 0x57)
            default: return nil
            }
        }
        return number
    }
}
