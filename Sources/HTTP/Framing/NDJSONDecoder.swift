/// Why a stream of lines was refused.
public enum NDJSONError: Error, Sendable, Hashable {
    /// A line is longer than the bound.
    case lineTooLarge
}

/// Reads newline-delimited JSON from bytes as they come: lines end in LF, a CR before it is dropped, empty lines are
/// skipped.
///
/// Does not look into the lines. The lines depend on the bytes only, not on how they were split; one that lies whole in
/// an input is lent without a copy. A value without isolation. After an error it must not be used again.
public struct NDJSONDecoder: Sendable {
    private let maximumLineBytes: Int
    /// The beginning of a line whose end has not come.
    private var partial: [UInt8] = []

    /// - Parameter maximumLineBytes: most bytes in a line without its LF. Default 4 MiB.
    public init(maximumLineBytes: Int = 4 << 20) { self.maximumLineBytes = maximumLineBytes }

    /// Lends every line that `bytes` completes, in order. Throws `NDJSONError`, or what `line` throws.
    public mutating func feed(
        _ bytes: UnsafeRawBufferPointer,
        _ line: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var start = 0
        while let end = bytes.offset(of: Bytes.lf, from: start) {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            guard partial.count + piece.count <= maximumLineBytes else { throw NDJSONError.lineTooLarge }
            if partial.isEmpty {
                try NDJSONDecoder.lend(piece, line)
            } else {
                partial.append(contentsOf: piece)
                try partial.withUnsafeBytes { try NDJSONDecoder.lend($0, line) }
                partial.removeAll(keepingCapacity: partial.capacity <= 64 << 10)
            }
            start = end + 1
        }
        guard partial.count + bytes.count - start <= maximumLineBytes else { throw NDJSONError.lineTooLarge }
        partial.append(contentsOf: bytes[start...])
    }

    /// Lends the last line when it had no line end.
    public mutating func finish(_ line: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        let last = partial
        partial = []
        try last.withUnsafeBytes { try NDJSONDecoder.lend($0, line) }
    }

    /// Whether nothing of a next line has come.
    public var isBetweenLines: Bool { partial.isEmpty }

    private static func lend(
        _ line: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        var line = line
        if line.last == Bytes.cr { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
        if !line.isEmpty { try body(line) }
    }
}
