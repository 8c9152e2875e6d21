import EventLoop
import Glibc
import HTTP

/// Follows a daemon's stream of lines over its admin socket. For a thread that waits for several things: only starting blocks.
public final class AdminFollower {
    /// The daemon's process, in our own namespace; 0 where the kernel does not tell.
    public let pid: Int32
    /// Readable when ``read()`` has something to say.
    public var descriptor: Int32 { connection.descriptor }

    private let connection: AdminConnection
    private var decoder = ResponseDecoder()
    private var status = 0
    private var rest: [UInt8] = []
    private var hasEnded = false
    private var heard = MonotonicTime.now
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)

    /// Silence after which a follower counts as forgotten: the daemon sends something every 15 s.
    private static let longestSilence = Duration.seconds(60)
    /// How long a daemon may take to begin.
    private static let patience = Duration.seconds(5)

    /// Connects, asks, and returns when the daemon has agreed: what ends from then on is told.
    ///
    /// - Throws: ``AdminClient/Failure``, also for a refusal.
    public init(_ path: String, _ target: String) throws(AdminClient.Failure) {
        let deadline = MonotonicTime.now + AdminFollower.patience
        connection = try AdminConnection(path)
        pid = connection.reply(0, []).pid
        try connection.send(.get, target, [], deadline)
        decoder.expect(responseTo: .get)
        while status == 0 || status != 200 && !hasEnded {
            if try !readSome() { try connection.wait(Int32(POLLIN), until: deadline) }
        }
        if status != 200 { throw .refused(connection.reply(status, rest).error) }
    }

    deinit { buffer.deallocate() }

    /// The lines that have come, without their ends and without blank ones; nil at the end.
    ///
    /// - Throws: ``AdminClient/Failure`` when the connection breaks, or was silent for a minute.
    public func read() throws(AdminClient.Failure) -> [String]? {
        while !hasEnded, try readSome() {}
        guard hasEnded || MonotonicTime.now - heard < AdminFollower.longestSilence else {
            throw .noAnswer("\(connection.path): the daemon does not answer")
        }
        var lines: [String] = []
        var start = 0
        while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if end > start { lines.append(String(decoding: rest[start..<end], as: UTF8.self)) }
            start = end + 1
        }
        rest.removeFirst(start)
        return lines.isEmpty && hasEnded ? nil : lines
    }

    /// False when nothing is there.
    private func readSome() throws(AdminClient.Failure) -> Bool {
        switch Socket.read(descriptor, into: buffer) {
        case .wouldBlock: return false
        case .endOfFile, .failed: throw .noAnswer("\(connection.path): the daemon closed the connection")
        case .bytes(let count):
            heard = .now
            var input = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            do {
                while let event = try decoder.next(&input) {
                    switch event {
                    case .informational: continue
                    case .head(let head): status = head.status
                    case .body(let part): rest.append(contentsOf: part)
                    case .end:
                        hasEnded = true
                        return true
                    }
                }
            } catch {
                throw .noAnswer("\(connection.path): this is no daemon of ours: \(error)")
            }
            return true
        }
    }
}
