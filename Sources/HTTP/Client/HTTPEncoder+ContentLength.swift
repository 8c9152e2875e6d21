extension HTTPEncoder {
    /// Ends a head that was written up to here with its Content-Length and the empty line.
    static func appendContentLengthAndEnd(_ count: Int, to output: inout [UInt8]) {
        output.append(literal: "content-length: ")
        output.append(decimal: count)
        output.append(literal: "\r\n\r\n")
    }
}
