/// Writes the chunked transfer coding (RFC 9112 section 7.1).
public enum ChunkedEncoder {
    /// Appends `bytes` as one chunk; nothing when empty, since an empty chunk would end the body.
    public static func appendChunk(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        appendSize(bytes.count, to: &output)
        output.append(contentsOf: bytes)
        output.append(literal: "\r\n")
    }

    /// Appends `bytes` as one chunk; nothing when empty.
    public static func appendChunk(_ bytes: [UInt8], to output: inout [UInt8]) {
        bytes.withUnsafeBytes { appendChunk($0, to: &output) }
    }

    /// Appends the line of a chunk whose `size` bytes the caller writes itself, followed by a CR LF.
    ///
    /// Traps unless `size` is above 0.
    public static func appendSize(_ size: Int, to output: inout [UInt8]) {
        precondition(size > 0, "an empty chunk would end the body")
        let digits = (Int.bitWidth - size.leadingZeroBitCount + 3) / 4
        var shift = digits * 4
        repeat {
            shift -= 4
            let digit = UInt8(truncatingIfNeeded: size >> shift) & 0xF
            output.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        } while shift > 0
        output.append(literal: "\r\n")
    }

    /// Appends the last chunk, the trailers and the end of the body.
    public static func appendEnd(trailers: HTTPFields? = nil, to output: inout [UInt8]) {
        output.append(literal: "0\r\n")
        trailers?.append(to: &output)
        output.append(literal: "\r\n")
    }
}
