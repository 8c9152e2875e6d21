import CLibevent
import Glibc

/// The system calls on sockets that the layers above need, each with Swift's types and without surprises.
public enum Socket {
    /// What one read or write came to.
    public enum Outcome: Sendable, Equatable {
        /// That many bytes moved; never 0 for a read.
        case bytes(Int)
        /// Nothing to read, or no room to write, right now.
        case wouldBlock
        /// The peer has finished sending.
        case endOfFile
        /// The connection is broken; the value is `errno`.
        case failed(Int32)
    }

    /// Reads what is there, at most `buffer.count` bytes.
    public static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
        while true {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .endOfFile }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed(errno)
        }
    }

    /// Writes as much of `bytes` as the kernel takes.
    public static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Outcome {
        while true {
            let count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .bytes(count) }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed(errno)
        }
    }

    /// Sends small segments at once: several gateways lose 40 ms to Nagle's algorithm. No effect on Unix sockets.
    public static func setNoDelay(_ descriptor: Int32) {
        _ = clev_set_option(descriptor, clev_sol_tcp, clev_tcp_nodelay, 1)
    }

    /// Ends our side of the conversation; the peer reads end-of-file.
    public static func shutdownWrite(_ descriptor: Int32) { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closes the descriptor.
    public static func close(_ descriptor: Int32) { Glibc.close(descriptor) }

    /// Closes so that the peer gets a reset instead of an orderly end.
    public static func reset(_ descriptor: Int32) {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        Glibc.close(descriptor)
    }

    /// The error waiting on a socket (a refused connect, a reset), or 0; asking clears it.
    public static func pendingError(_ descriptor: Int32) -> Int32 {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &value, &length) == 0 ? value : errno
    }

    /// What the peer has done behind bytes that nobody has read yet.
    public enum HangUp: Sendable, Equatable {
        /// Nothing: it may send more.
        case none
        /// It has finished sending.
        case finished
        /// The connection is broken; the value is `errno`.
        case broken(Int32)
    }

    /// Looks for the peer's end without reading.
    public static func hangUp(_ descriptor: Int32) -> HangUp {
        var entry = pollfd(fd: descriptor, events: clev_poll_read_hang_up, revents: 0)
        guard poll(&entry, 1, 0) == 1 else { return .none }
        if entry.revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0 {
            let number = pendingError(descriptor)
            return .broken(number == 0 ? EPIPE : number)
        }
        return entry.revents & clev_poll_read_hang_up != 0 ? .finished : .none
    }

    /// Bytes of ours that the peer's kernel has acknowledged since the connection began; nil on anything but TCP.
    public static func acknowledgedBytes(_ descriptor: Int32) -> UInt64? {
        var count: UInt64 = 0
        guard clev_bytes_acknowledged(descriptor, &count) == 0 else { return nil }
        return count > 0 ? count - 1 : 0  // the SYN counts as one
    }

    /// The address a socket is bound to.
    public static func localAddress(_ descriptor: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return result == 0 ? SocketAddress(storage, length: length) : nil
    }

    /// Who may listen on a port beside a socket.
    public enum PortSharing: Sendable {
        /// Nobody.
        case none
        /// Sockets opened as ``further``, once this one has the port: it takes only a port that nobody has, shared or not, and
        /// keeps others of its kind out.
        case first
        /// Whoever shares the port, also in another process of the same user.
        case further
    }

    /// Opens a non-blocking, close-on-exec socket that listens on `address`.
    ///
    /// - Parameters:
    ///   - sharing: whether other sockets may listen on the port too; the kernel then spreads connections over them.
    ///   - backlog: connections the kernel holds until they are accepted; it caps the number at `somaxconn`.
    /// - Throws: ``LoopError`` naming the address.
    public static func listen(
        on address: SocketAddress,
        sharing: PortSharing,
        backlog: Int32
    ) throws(LoopError) -> Int32 {
        let descriptor = clev_socket(address.family, Int32(SOCK_STREAM.rawValue))
        guard descriptor >= 0 else { throw LoopError("open socket for \(address)") }
        do throws(LoopError) {
            if case .unix(let path) = address {
                try removeStaleSocket(at: path)
            } else {
                _ = clev_set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
                if sharing == .further { _ = clev_set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
                if address.family == AF_INET6 { _ = clev_set_option(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
            }
            guard address.withSockaddr({ bind(descriptor, $0, $1) }) == 0 else {
                throw LoopError("listen on \(address)")
            }
            if sharing == .first { _ = clev_set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
            guard Glibc.listen(descriptor, backlog) == 0 else { throw LoopError("listen on \(address)") }
            return descriptor
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    /// A socket file that nobody serves any more would fail the bind; one that somebody serves must stay.
    private static func removeStaleSocket(at path: String) throws(LoopError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw LoopError("listen on unix:\(path): a file that is no socket is in the way", number: EEXIST)
        }
        let probe = clev_socket(AF_UNIX, Int32(SOCK_STREAM.rawValue))
        guard probe >= 0 else { throw LoopError("open socket for unix:\(path)") }
        defer { Glibc.close(probe) }
        let result = SocketAddress.unix(path: path).withSockaddr { Glibc.connect(probe, $0, $1) }
        if result == 0 || errno == EAGAIN { throw LoopError("listen on unix:\(path)", number: EADDRINUSE) }
        if errno == ECONNREFUSED { unlink(path) }
    }

    /// Begins to connect. `.wouldBlock` means that the socket turns writable when the attempt has ended, and
    /// ``pendingError(_:)`` then tells how.
    static func connect(_ descriptor: Int32, to address: SocketAddress) -> Outcome {
        var isAsking = false
        while true {
            if address.withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 { return .bytes(0) }
            switch errno {
            case EINTR: continue
            case EINPROGRESS where !isAsking:
                // On this machine's own interfaces the handshake is over by now, although the first call does not say so; asking
                // again costs 0.3 µs and spares a watch and a turn of the loop.
                isAsking = true
            case EINPROGRESS, EALREADY: return .wouldBlock
            default: return .failed(errno)
            }
        }
    }
}
