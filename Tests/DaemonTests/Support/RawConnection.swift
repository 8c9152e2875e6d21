import Glibc

/// A client's socket, in the test's hands: it reads when told to, and leaves as told to.
final class RawConnection {
    private(set) var descriptor: Int32
    private var parser = ReplyParser()
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    /// What the other side did, once it did.
    private(set) var end: HTTPReply.Ending?

    /// Connects to 127.0.0.1.
    ///
    /// - Parameter receiveBuffer: the kernel's buffer in bytes; default the system's.
    init(port: Int, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if var receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = loopback(port)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let number = errno
            close(descriptor)
            descriptor = -1
            throw Refused(number: number)
        }
    }

    /// The connection was not accepted.
    struct Refused: Error {
        let number: Int32
    }

    deinit { leave() }

    // MARK: Sending

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw NotYet(description: "send: errno \(errno)") }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends a POST with a JSON body.
    func post(_ path: String, _ body: String, fields: [String: String] = [:]) throws {
        var head = "POST \(path) HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        try send(head + "Content-Length: \(body.utf8.count)\r\n\r\n" + body)
    }

    /// Sends a GET.
    func get(_ path: String) throws { try send("GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n") }

    // MARK: Reading

    /// Reads what is there, waiting for the first of it; false at the end of waiting.
    private func readSome(_ deadline: Deadline) throws -> Bool {
        guard end == nil else { return false }
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let ready = poll(&poller, 1, deadline.milliseconds)
        if ready < 0, errno == EINTR { return true }
        guard ready > 0 else {
            throw NotYet(description: "nothing more came; so far: \(parser.reply) + \(parser.rest.count) bytes")
        }
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count > 0 {
            parser.feed(buffer[..<count])
        } else {
            end = count == 0 ? .cut : .reset
        }
        return end == nil
    }

    /// Whether something to read has arrived; waits a moment for it.
    var hasAnswer: Bool {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&poller, 1, 2) > 0
    }

    /// The response to the oldest request that has none yet, whole or up to where it ended.
    func reply(toHead: Bool = false) throws -> HTTPReply {
        if parser.reply.ending != nil { parser.begin(toHead: toHead) }
        let deadline = Deadline()
        while try !parser.advance() {
            guard try readSome(deadline) else {
                var reply = parser.reply
                reply.ending = end
                return reply
            }
        }
        return parser.reply
    }

    /// The response so far, as soon as `condition` holds for it.
    @discardableResult
    func replySoFar(until condition: (HTTPReply) -> Bool) throws -> HTTPReply {
        if parser.reply.ending != nil { parser.begin() }
        let deadline = Deadline()
        while true {
            let isComplete = try parser.advance()
            if parser.isInBody, condition(parser.reply) { return parser.reply }
            guard !isComplete, try readSome(deadline) else {
                throw NotYet(description: "the response ended: \(end as Any) \(parser.reply.text)")
            }
        }
    }

    /// Whether the other side closes without sending anything more.
    func isClosed() throws -> Bool {
        let deadline = Deadline()
        while try readSome(deadline) {}
        return true
    }

    // MARK: Leaving

    /// Closes, as a process that ends does.
    func leave() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
    }

    /// Closes with a reset, as a machine that lost its patience does.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        leave()
    }

    /// Sends our end, and goes on reading.
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }
}

/// 127.0.0.1 with a port.
func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port)).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    return address
}

/// A socket that listens on a free port of 127.0.0.1.
func listeningSocket(backlog: Int32) throws -> (descriptor: Int32, port: Int) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            bind(descriptor, address, length) == 0 && listen(descriptor, backlog) == 0
                && getsockname(descriptor, address, &length) == 0
        }
    }
    guard result else {
        close(descriptor)
        throw NotYet(description: "cannot listen: errno \(errno)")
    }
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
}
