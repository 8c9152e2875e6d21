import EventLoop
import Glibc

/// Entries with fields for systemd's journal, each a datagram of its own (the journal's native protocol,
/// systemd.io/JOURNAL_NATIVE_PROTOCOL). What the journal does not take goes to a stream instead, as `<priority>` and message.
struct JournalOutput: LogOutput {
    /// Where the journal listens.
    static let defaultPath = "/run/systemd/journal/socket"
    /// What systemd's own client asks for; the kernel's limit (`net.core.wmem_max`) may make it less. Room for an entry, not memory.
    private static let sendBuffer: Int32 = 8 << 20

    let socket: DatagramSocket
    private var stream: LogStream
    /// What is sent, kept for the next one; begins with the fields that all entries have.
    private var datagram: [UInt8]
    private let common: Int

    /// Connects to the journal.
    ///
    /// - Parameters:
    ///   - path: where it listens.
    ///   - identifier: the program's name there (`journalctl --identifier`), one line.
    ///   - descriptor: for what it does not take; stays the caller's.
    /// - Returns: nil when nobody listens there.
    init?(path: String, identifier: String, descriptor: Int32) {
        guard let socket = DatagramSocket(path: path, sendBuffer: JournalOutput.sendBuffer) else { return nil }
        self.socket = socket
        stream = LogStream(descriptor: descriptor)
        datagram = Array("SYSLOG_IDENTIFIER=\(identifier)\n".utf8)
        common = datagram.count
    }

    /// Sends entries as ``LogLine`` makes them: lines `NAME=value`, the message first and the priority second, and an empty line.
    mutating func write(_ lines: UnsafeRawBufferPointer) -> Int {
        var lost = 0
        var rest = lines[...]
        while let end = JournalOutput.endOfEntry(in: rest) {
            let entry = UnsafeRawBufferPointer(rebasing: rest[..<end])
            datagram.removeLast(datagram.count - common)
            datagram.append(contentsOf: entry)
            if !datagram.withUnsafeBytes({ socket.send($0) }) { lost += writeToStream(entry) }
            rest = rest[(end + 1)...]
        }
        return lost
    }

    /// The place of the line end that is the empty line: no value holds one.
    private static func endOfEntry(in bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
        let lineEnd = UInt8(ascii: "\n")
        let rest = UnsafeRawBufferPointer(rebasing: bytes)
        guard let base = rest.baseAddress else { return nil }
        var place = 0
        while let found = memchr(base + place, Int32(lineEnd), rest.count - place) {
            place = UnsafeRawPointer(found) - base + 1
            guard place < rest.count else { return nil }
            if rest[place] == lineEnd { return bytes.startIndex + place }
        }
        return nil
    }

    private mutating func writeToStream(_ entry: UnsafeRawBufferPointer) -> Int {
        let lines = entry.split(separator: UInt8(ascii: "\n"), maxSplits: 2)
        guard lines.count > 1, let priority = lines[1].last else { return 1 }
        var line = [UInt8(ascii: "<"), priority, UInt8(ascii: ">")]
        line.append(contentsOf: lines[0].dropFirst("MESSAGE=".utf8.count))
        line.append(UInt8(ascii: "\n"))
        return line.withUnsafeBytes { stream.write($0) }
    }
}
