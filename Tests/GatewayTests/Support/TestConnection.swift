import Glibc

/// A client connection that blocks: says what it is told to, and takes answers apart without any code of the gateway's.
///
/// Reads with a limit, so that a server that falls silent fails a test instead of hanging it.
final class TestConnection: @unchecked Sendable {  // @unchecked: one thread at a time uses it
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var isOpen = true
    /// The most bytes taken at a time; 1 makes a slow reader of it.
    var readLimit = 64 << 10

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let descriptor = descriptor
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            Glibc.close(descriptor)
            throw Failure(description: "connect: errno \(errno)")
        }
    }

    deinit { close() }

    func close() {
        guard isOpen else { return }
        isOpen = false
        Glibc.close(descriptor)
    }

    /// Closes with a reset.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    // MARK: Sending

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { pointer in
                Glibc.send(
                    descriptor,
                    pointer.baseAddress.map { $0 + sent },
                    bytes.count - sent,
                    Int32(MSG_NOSIGNAL)
                )
            }
            guard count > 0 else { throw Failure(description: "send: errno \(errno)") }
            sent += count
        }
    }

    func send(_ request: TestRequest) throws { try send(request.bytes) }

    // MARK: Receiving

    /// The next head; its body follows with ``nextPart(_:)``.
    func head(toHead isHead: Bool = false) throws -> TestReply {
        while true {
            while true {
                if let head = takeHead() {
                    // Interim answers, such as 100 Continue, are not what was asked for.
                    guard head.status >= 200 else { continue }
                    var head = head
                    head.hasBody = !isHead && head.status != 204
                    return head
                }
                break
            }
            guard try readMore() else { throw Failure(description: "the connection ended before a head") }
        }
    }

    /// A whole answer. An answer that is cut is no error: ``TestReply/ending`` says so.
    func reply(toHead isHead: Bool = false) throws -> TestReply {
        var reply = try head(toHead: isHead)
        while let part = try nextPart(&reply) { reply.parts.append(part) }
        return reply
    }

    /// The next part of a body: a chunk as it was sent, or all of a body with a length. Nil at the end, which
    /// `reply.ending` then tells.
    func nextPart(_ reply: inout TestReply) throws -> [UInt8]? {
        guard reply.ending == nil else { return nil }
        guard reply.hasBody else {
            reply.ending = .proper
            return nil
        }
        if reply["transfer-encoding"] == "chunked" { return try nextChunk(&reply) }
        let length = reply["content-length"].flatMap { Int($0) }
        while length.map({ buffer.count < $0 }) ?? true {
            guard try readMore(&reply) else {
                if length == nil, reply.ending == .cut { reply.ending = .proper }
                break
            }
        }
        let part = Array(buffer.prefix(length ?? buffer.count))
        buffer.removeFirst(part.count)
        if reply.ending == nil { reply.ending = .proper }
        return part.isEmpty ? nil : part
    }

    private func nextChunk(_ reply: inout TestReply) throws -> [UInt8]? {
        while true {
            if let end = buffer.firstEnd(of: [13, 10]) {
                let digits = String(decoding: buffer[..<(end - 2)], as: UTF8.self)
                guard let size = Int(digits, radix: 16) else { throw Failure(description: "chunk size \(digits)") }
                if size == 0, let lines = takeTrailers(after: end) {
                    reply.trailers = lines
                    reply.ending = .proper
                    return nil
                }
                if size > 0, buffer.count >= end + size + 2 {
                    let chunk = Array(buffer[end..<(end + size)])
                    buffer.removeFirst(end + size + 2)
                    return chunk
                }
            }
            guard try readMore(&reply) else { return nil }
        }
    }

    /// The lines behind the last chunk's, which ends at `start`; nil while the empty one is not there.
    private func takeTrailers(after start: Int) -> [String]? {
        var lines: [String] = []
        var place = start
        while let end = Array(buffer[place...]).firstEnd(of: [13, 10]) {
            let line = String(decoding: buffer[place..<(place + end - 2)], as: UTF8.self)
            place += end
            guard !line.isEmpty else {
                buffer.removeFirst(place)
                return lines
            }
            lines.append(line)
        }
        return nil
    }

    /// Waits for the connection's end; anything that still comes is an error.
    func expectEnd() throws {
        guard buffer.isEmpty, try !readMore() else { throw Failure(description: "more bytes than an answer") }
    }

    private func readMore(_ reply: inout TestReply) throws -> Bool {
        do {
            if try readMore() { return true }
            reply.ending = .cut
        } catch let failure as Failure where failure.description.hasSuffix("errno \(ECONNRESET)") {
            reply.ending = .reset
        }
        return false
    }

    private func readMore() throws -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, 30_000) == 1 else { throw Failure(description: "the server did nothing for 30 s") }
        var part = [UInt8](repeating: 0, count: readLimit)
        let count = recv(descriptor, &part, part.count, 0)
        guard count >= 0 else { throw Failure(description: "receive: errno \(errno)") }
        buffer.append(contentsOf: part[..<count])
        return count > 0
    }

    private func takeHead() -> TestReply? {
        guard let end = buffer.firstEnd(of: [13, 10, 13, 10]) else { return nil }
        let text = String(decoding: buffer[..<(end - 4)], as: UTF8.self)
        buffer.removeFirst(end)
        return TestReply(head: text)
    }
}

extension [UInt8] {
    fileprivate func firstEnd(of mark: [UInt8]) -> Int? {
        guard count >= mark.count else { return nil }
        return (0...(count - mark.count)).first {
            self[$0] == mark[0] && self[$0..<($0 + mark.count)].elementsEqual(mark)
        }
        .map { $0 + mark.count }
    }
}
