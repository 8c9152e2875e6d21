import Glibc

/// Where a log's lines end up. Used by one thread at a time.
protocol LogOutput: Sendable {
    /// Writes whole lines, and waits for a reader that is slow.
    ///
    /// - Returns: how many of them were lost.
    mutating func write(_ lines: UnsafeRawBufferPointer) -> Int
}

/// Lines on a descriptor, such as standard error, as they are.
struct LogStream: LogOutput {
    private let descriptor: Int32
    /// The last write ended within a line: the next one must not be taken for its rest.
    private var isMidLine = false

    /// - Parameter descriptor: stays the caller's, and open as long as it is written to. May be blocking or not.
    init(descriptor: Int32) { self.descriptor = descriptor }

    mutating func write(_ lines: UnsafeRawBufferPointer) -> Int {
        if isMidLine {
            guard writeAll(UnsafeRawBufferPointer(start: LogStream.lineEnd.utf8Start, count: 1)) == 1 else {
                return LogStream.lines(in: lines)
            }
            isMidLine = false
        }
        let written = writeAll(lines)
        if written > 0 { isMidLine = lines[written - 1] != UInt8(ascii: "\n") }
        return LogStream.lines(in: UnsafeRawBufferPointer(rebasing: lines[written...]))
    }

    private static let lineEnd: StaticString = "\n"

    private static func lines(in bytes: UnsafeRawBufferPointer) -> Int { bytes.count { $0 == UInt8(ascii: "\n") } }

    /// Writes until everything is out or the descriptor fails; returns how many bytes are.
    private func writeAll(_ bytes: UnsafeRawBufferPointer) -> Int {
        var place = 0
        while place < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[place...])
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count > 0 {
                place += count
            } else if errno == EAGAIN || errno == EWOULDBLOCK {
                // Somebody who shares the descriptor made it non-blocking.
                var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wait, 1, -1)
            } else if errno != EINTR {
                break
            }
        }
        return place
    }
}
