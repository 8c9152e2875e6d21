import Glibc

/// A blocking socket for tests: says exactly what it is told to, and reads with a limit so that a broken server fails a test
/// instead of hanging it. Use it on a thread of its own (`onThread`).
final class RawSocket: @unchecked Sendable {  // @unchecked: one test uses it, from one thread at a time
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let descriptor: Int32
    private var isOpen = true
    private var unread: [UInt8] = []

    init(descriptor: Int32) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    /// Closed in processes that other tests start: a copy there would keep a connection open that we have closed.
    static let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)

    /// Connects to a port of the loopback interface.
    ///
    /// - Parameter receiveBuffer: the socket's receive buffer in bytes, for readers that are slow on purpose.
    init(port: UInt16, ipv6: Bool = false, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(ipv6 ? AF_INET6 : AF_INET, RawSocket.kind, 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        let result =
            if ipv6 {
                connectSocket(descriptor, sockaddr_in6.loopback(port: port))
            } else {
                connectSocket(descriptor, sockaddr_in.loopback(port: port))
            }
        guard result == 0 else { throw Failure(description: "connect: errno \(errno)") }  // deinit closes
    }

    /// Connects to a Unix socket.
    init(path: String) throws {
        descriptor = socket(AF_UNIX, RawSocket.kind, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        guard connectSocket(descriptor, address) == 0 else { throw Failure(description: "connect: errno \(errno)") }
    }

    deinit { close() }

    /// Sends everything; throws when the peer does not take it.
    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            try ready(POLLOUT)
            let count = bytes.withUnsafeBytes { bytes in
                Glibc.send(
                    descriptor,
                    bytes.baseAddress.map { $0 + sent },
                    bytes.count - sent,
                    Int32(MSG_NOSIGNAL)
                )
            }
            guard count > 0 else { throw Failure(description: "send: errno \(errno)") }
            sent += count
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends what the kernel takes at once, without waiting; returns how much that was.
    func sendSome(_ bytes: [UInt8]) -> Int {
        max(0, Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)))
    }

    /// The next bytes, at most `limit`; empty at the end. A reset is an error.
    func receive(_ limit: Int = 65536) throws -> [UInt8] {
        if !unread.isEmpty {
            defer { unread = [] }
            return unread
        }
        try ready(POLLIN)
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = recv(descriptor, &buffer, limit, 0)
        guard count >= 0 else { throw Failure(description: "receive: errno \(errno)") }
        return Array(buffer[..<count])
    }

    /// Everything up to the orderly end; throws on a reset.
    func receiveToEnd() throws -> String {
        var all: [UInt8] = []
        while true {
            let part = try receive()
            if part.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += part
        }
    }

    /// Everything up to and including `mark`; what is behind it stays for the next call.
    func receive(through mark: String) throws -> String {
        var all: [UInt8] = []
        let mark = Array(mark.utf8)
        while true {
            if let end = all.firstEnd(of: mark) {
                unread = Array(all[end...])
                return String(decoding: all[..<end], as: UTF8.self)
            }
            let part = try receive()
            guard !part.isEmpty else { throw Failure(description: "end in \(String(decoding: all, as: UTF8.self))") }
            all += part
        }
    }

    /// Exactly `count` bytes.
    func receive(exactly count: Int) throws -> String {
        var all: [UInt8] = []
        while all.count < count {
            let part = try receive()
            guard !part.isEmpty else { throw Failure(description: "end after \(all.count) of \(count) bytes") }
            all += part
        }
        unread = Array(all[count...])
        return String(decoding: all[..<count], as: UTF8.self)
    }

    /// One response with a Content-Length (or none): its head and its body.
    func response() throws -> (head: String, body: String) {
        let head = try receive(through: "\r\n\r\n")
        guard let start = head.range(ofField: "content-length") else { return (head, "") }
        let digits = head.utf8[start...].prefix { (48...57).contains($0) }
        return (head, try receive(exactly: Int(String(digits) ?? "") ?? 0))
    }

    /// True when the peer has reset the connection, or does so while we wait.
    func isReset() -> Bool {
        while true {
            do {
                if try receive().isEmpty { return false }
            } catch {
                return "\(error)".contains("errno \(ECONNRESET)")
            }
        }
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

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

    private func ready(_ events: Int32) throws {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        guard poll(&entry, 1, 30_000) == 1 else { throw Failure(description: "the peer did nothing for 30 s") }
    }
}

extension [UInt8] {
    fileprivate func firstEnd(of mark: [UInt8]) -> Int? {
        guard count >= mark.count else { return nil }
        for start in 0...(count - mark.count) where self[start] == mark[0] {
            if self[start..<start + mark.count].elementsEqual(mark) { return start + mark.count }
        }
        return nil
    }
}

extension String {
    /// Where the value of a field begins; the encoders under test write names in lower case.
    fileprivate func range(ofField name: String) -> String.Index? {
        let mark = Array("\r\n\(name): ".utf8)
        guard let end = Array(utf8).firstEnd(of: mark) else { return nil }
        return utf8.index(utf8.startIndex, offsetBy: end)
    }
}

private func connectSocket<Address>(_ descriptor: Int32, _ address: Address) -> Int32 {
    withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
        }
    }
}

extension sockaddr_in {
    static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

extension sockaddr_in6 {
    fileprivate static func loopback(port: UInt16) -> sockaddr_in6 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_addr = in6addr_loopback
        return address
    }
}
