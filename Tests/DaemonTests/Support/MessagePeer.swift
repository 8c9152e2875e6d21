import Glibc

/// One end of a conversation in messages (`SOCK_SEQPACKET`), as handover sockets speak them. Descriptors that come along are dropped.
final class MessagePeer: Sendable {
    let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    private static func open() -> Int32 { socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0) }

    /// Connects to whoever listens at `path`.
    convenience init(to path: String) throws {
        self.init(descriptor: MessagePeer.open())
        let result = withUnixAddress(path) { connect(descriptor, $0, $1) }
        guard result == 0 else { throw NotYet(description: "connect to \(path): errno \(errno)") }
    }

    /// A socket that listens at `path`.
    static func listening(at path: String) throws -> MessagePeer {
        let peer = MessagePeer(descriptor: open())
        let result = withUnixAddress(path) { bind(peer.descriptor, $0, $1) == 0 && listen(peer.descriptor, 4) == 0 }
        guard result else { throw NotYet(description: "listen at \(path): errno \(errno)") }
        return peer
    }

    /// The next one who connects to a listening socket.
    func accept() throws -> MessagePeer {
        try waitUntilReadable()
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { throw NotYet(description: "accept: errno \(errno)") }
        return MessagePeer(descriptor: accepted)
    }

    func send(_ message: String) throws {
        let bytes = Array(message.utf8)
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw NotYet(description: "send \(message): errno \(errno)")
        }
    }

    /// The next message; nil when the other side is gone.
    func receive() throws -> String? {
        try waitUntilReadable()
        var buffer = [UInt8](repeating: 0, count: 8192)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    /// Takes the sockets of whoever serves at the other end, and no more.
    func take() throws {
        try send("take 1")
        while let message = try receive() {
            if message == "end" { return }
            guard message.hasPrefix("listener ") else { throw NotYet(description: message) }
        }
        throw NotYet(description: "the conversation ended")
    }

    private func waitUntilReadable() throws {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, Deadline().milliseconds) > 0 else { throw NotYet(description: "nothing came") }
    }
}
