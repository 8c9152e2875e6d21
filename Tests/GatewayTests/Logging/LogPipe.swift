import Glibc
import Testing

@testable import Gateway

/// A pipe whose writing end a log gets and whose reading end the test keeps.
final class LogPipe {
    let writer: Int32
    private var reader: Int32
    private var isWriterOpen = true

    init() {
        var ends: [Int32] = [-1, -1]
        let result = pipe(&ends)
        precondition(result == 0, "no pipe")
        reader = ends[0]
        writer = ends[1]
    }

    deinit {
        closeReader()
        closeWriter()
    }

    /// Leaves the writer without a reader.
    func closeReader() {
        if reader >= 0 { close(reader) }
        reader = -1
    }

    func closeWriter() {
        if isWriterOpen { close(writer) }
        isWriterOpen = false
    }

    /// Waits for bytes; empty at the end of the file, or when none came in a time no working log needs.
    func readSome() -> [UInt8] {
        var wait = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, 30_000) == 1 else { return [] }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(reader, &buffer, buffer.count)
        return count > 0 ? Array(buffer[..<count]) : []
    }

    /// Everything that is written until the writing end is closed.
    func readToEnd() -> String {
        closeWriter()
        var all: [UInt8] = []
        while true {
            let some = readSome()
            if some.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += some
        }
    }

    /// Waits for that many whole lines.
    func readLines(_ count: Int) -> [String] {
        var all: [UInt8] = []
        var missing = count
        while missing > 0 {
            let some = readSome()
            if some.isEmpty { break }
            for byte in some where byte == UInt8(ascii: "\n") { missing -= 1 }
            all += some
        }
        return String(decoding: all, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Fills the pipe until no further byte fits.
    func fill() -> Int {
        let flags = fcntl(writer, F_GETFL)
        _ = fcntl(writer, F_SETFL, flags | O_NONBLOCK)
        defer { _ = fcntl(writer, F_SETFL, flags) }
        let chunk = [UInt8](repeating: UInt8(ascii: "."), count: 4096)
        var total = 0
        while true {
            let count = write(writer, chunk, chunk.count)
            if count <= 0 { return total }
            total += count
        }
    }

    /// Takes exactly `count` bytes out.
    func discard(_ count: Int) {
        var left = count
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while left > 0 {
            let taken = read(reader, &buffer, min(left, buffer.count))
            if taken <= 0 { return }
            left -= taken
        }
    }
}

extension LogClock {
    /// Always 2026-03-01 12:34:56.789 UTC, an hour behind the terminal.
    static let still = LogClock(
        now: { LogTime(seconds: 1_772_368_496, nanoseconds: 789_999_999) },
        utcOffset: { _ in 3600 }
    )
}

extension LogSettings {
    /// Settings of one format.
    static func with(_ format: Format, level: Level = .trace, access: Bool = true) -> LogSettings {
        var settings = LogSettings()
        settings.format = format
        settings.level = level
        settings.access = access
        return settings
    }
}

/// What `body` makes a log of `settings` write, with the clock standing still.
func written(
    _ settings: LogSettings,
    secrets: [Secret] = [],
    by body: (GatewayLog) throws -> Void
) throws -> String {
    let pipe = LogPipe()
    let log = try GatewayLog(settings: settings, secrets: secrets, descriptor: pipe.writer, clock: .still)
    try body(log)
    #expect(log.close(seconds: 30))
    return pipe.readToEnd()
}
