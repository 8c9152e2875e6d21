import EventLoop
import Glibc
import HTTP
import JSON
import Providers
import Runnable

/// Writes spans in OTLP's JSON encoding, one after another, into a buffer that is kept: ids in hexadecimal, 64-bit numbers as text.
///
/// Nothing of prompts and answers gets in. What upstreams and callers say of themselves is cut and redacted by whoever calls.
struct SpanWriter {
    /// What a span is to its trace (`opentelemetry.proto.trace.v1.Span.SpanKind`).
    enum Kind: Int {
        case inner = 1
        case server = 2
        case client = 3
    }

    /// A span but for its attributes.
    struct Span {
        let id: SpanID
        let parent: SpanID?
        let kind: Kind
        let start: MonotonicTime
        let end: MonotonicTime
        /// Whether the parent is another process's.
        var hasRemoteParent = false
    }

    /// The spans so far, with commas between them.
    private(set) var bytes: [UInt8] = []
    /// How many they are.
    private(set) var count = 0
    private let trace: CallTrace
    /// From the loop's clock to the time of day, in nanoseconds.
    private let offset: Int64
    private var isFirst = true

    /// Writes spans of one trace.
    init(_ trace: CallTrace) {
        self.trace = trace
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        offset =
            Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) - Int64(clamping: MonotonicTime.now.nanoseconds)
    }

    /// Begins a span, up to its attributes.
    ///
    /// - Parameter name: writes the name, as the inside of a JSON string.
    mutating func begin(_ span: Span, name: (inout [UInt8]) -> Void) {
        if count > 0 { bytes.append(UInt8(ascii: ",")) }
        count += 1
        bytes.appendRaw("{\"traceId\":\"")
        trace.traceID.append(to: &bytes)
        bytes.appendRaw("\",\"spanId\":\"")
        span.id.append(to: &bytes)
        if let parent = span.parent {
            bytes.appendRaw("\",\"parentSpanId\":\"")
            parent.append(to: &bytes)
        }
        if !trace.state.isEmpty {
            bytes.appendRaw("\",\"traceState\":")
            trace.state.withUnsafeBytes { bytes.appendJSON(utf8: $0) }
            bytes.appendRaw(",\"flags\":")
        } else {
            bytes.appendRaw("\",\"flags\":")
        }
        // Bits 8 and 9: whether the parent is remote is known, and whether it is.
        bytes.appendJSON(Int(trace.flags) | 0x100 | (span.hasRemoteParent ? 0x200 : 0))
        bytes.appendRaw(",\"name\":\"")
        name(&bytes)
        bytes.appendRaw("\",\"kind\":")
        bytes.appendJSON(span.kind.rawValue)
        bytes.appendRaw(",\"startTimeUnixNano\":\"")
        append(span.start)
        bytes.appendRaw("\",\"endTimeUnixNano\":\"")
        append(max(span.start, span.end))
        bytes.appendRaw("\",\"attributes\":[")
        isFirst = true
    }

    /// The attributes are whole; events may follow.
    mutating func beginEvents() {
        bytes.appendRaw("],\"events\":[")
        isFirst = true
    }

    /// Adds an event without attributes.
    mutating func event(_ name: StaticString, at time: MonotonicTime) {
        separate()
        bytes.appendRaw("{\"timeUnixNano\":\"")
        append(time)
        bytes.appendRaw("\",\"name\":\"")
        bytes.appendRaw(name)
        bytes.appendRaw("\"}")
    }

    /// Ends the span behind its attributes or events.
    mutating func end(isError: Bool) { bytes.appendRaw(isError ? "],\"status\":{\"code\":2}}" : "],\"status\":{}}") }

    // MARK: Attributes

    mutating func attribute(_ key: StaticString, _ text: String) {
        beginAttribute(key)
        bytes.appendRaw("{\"stringValue\":")
        bytes.appendJSON(text)
        bytes.appendRaw("}}")
    }

    mutating func attribute(_ key: StaticString, word: StaticString) {
        beginAttribute(key)
        bytes.appendRaw("{\"stringValue\":\"")
        bytes.appendRaw(word)
        bytes.appendRaw("\"}}")
    }

    mutating func attribute(_ key: StaticString, _ id: RunID) {
        beginAttribute(key)
        bytes.appendRaw("{\"stringValue\":\"")
        id.append(to: &bytes)
        bytes.appendRaw("\"}}")
    }

    mutating func attribute(_ key: StaticString, _ number: Int) {
        beginAttribute(key)
        bytes.appendRaw("{\"intValue\":\"")
        bytes.appendJSON(number)
        bytes.appendRaw("\"}}")
    }

    mutating func attribute(_ key: StaticString, _ bool: Bool) {
        beginAttribute(key)
        bytes.appendRaw("{\"boolValue\":")
        bytes.appendJSON(bool)
        bytes.appendRaw("}}")
    }

    mutating func attribute(_ key: StaticString, list text: String) {
        beginAttribute(key)
        bytes.appendRaw("{\"arrayValue\":{\"values\":[{\"stringValue\":")
        bytes.appendJSON(text)
        bytes.appendRaw("}]}}}")
    }

    /// In seconds, as durations are in OpenTelemetry.
    mutating func attribute(_ key: StaticString, _ duration: Duration) {
        beginAttribute(key)
        bytes.appendRaw("{\"doubleValue\":")
        bytes.appendJSON(Double(duration.wholeNanoseconds) / 1_000_000_000)
        bytes.appendRaw("}}")
    }

    private mutating func beginAttribute(_ key: StaticString) {
        separate()
        bytes.appendRaw("{\"key\":\"")
        bytes.appendRaw(key)
        bytes.appendRaw("\",\"value\":")
    }

    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
    }

    private mutating func append(_ time: MonotonicTime) {
        bytes.appendJSON(Int(Int64(clamping: time.nanoseconds) + offset))
    }
}
