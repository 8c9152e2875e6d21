/// Writes an event stream with CR LF line ends, `event` before `data`, as LangServe does.
public enum SSEEncoder {
    /// Appends an event with one `data` line.
    ///
    /// Traps in debug builds when `data` has a line end: JSON written by this package never has one.
    public static func append(event: StaticString, data: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        append(event: event, to: &output) { $0.append(contentsOf: data) }
    }

    /// Appends an event whose one `data` line `data` appends itself; it must not write a line end.
    public static func append<E: Error>(
        event: StaticString,
        to output: inout [UInt8],
        data: (inout [UInt8]) throws(E) -> Void
    ) throws(E) {
        output.append(literal: "event: ")
        output.append(literal: event)
        output.append(literal: "\r\ndata: ")
        let start = output.count
        try data(&output)
        assert(!output[start...].contains { $0 == Bytes.lf || $0 == Bytes.cr }, "line end in an event's data")
        output.append(literal: "\r\n\r\n")
    }

    /// Appends an event with a `data` line and no name, as OpenAI's protocol has them.
    public static func append(data: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        assert(!data.contains { $0 == Bytes.lf || $0 == Bytes.cr }, "line end in an event's data")
        output.append(literal: "data: ")
        output.append(contentsOf: data)
        output.append(literal: "\r\n\r\n")
    }

    /// Appends an event without any `data` line, such as LangServe's `end`.
    public static func append(event: StaticString, to output: inout [UInt8]) {
        output.append(literal: "event: ")
        output.append(literal: event)
        output.append(literal: "\r\n\r\n")
    }

    /// Appends a comment, which clients skip: a sign of life.
    public static func appendComment(_ text: StaticString, to output: inout [UInt8]) {
        output.append(literal: ": ")
        output.append(literal: text)
        output.append(literal: "\r\n\r\n")
    }
}
