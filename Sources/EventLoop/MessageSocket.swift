import CLibevent
import Glibc

/// Unix sockets that carry whole messages, and descriptors with them (`SOCK_SEQPACKET`): what processes of one service talk over.
///
/// Sockets are close-on-exec, and non-blocking unless ``setTimeout(_:of:)`` says otherwise. Any thread.
public enum MessageSocket {
    /// Bytes of the longest message; longer ones are cut.
    public static let longestMessage = 8 << 10
    /// Descriptors that one message may carry: the kernel's limit.
    public static let mostDescriptors = Int(clev_descriptors_most)

    /// What one attempt to receive came to.
    public enum Received: Sendable, Equatable {
        /// A message, and descriptors that are the receiver's to close.
        case message(String, descriptors: [Int32])
        /// Nothing is there yet, or not in time.
        case nothing
        /// The other side is gone.
        case end
    }

    /// A process at the other end, as the kernel knows it.
    public struct Peer: Sendable, Equatable {
        /// Its process id; of the process that listens, where we connected.
        public let pid: Int32
        /// Its user.
        public let user: UInt32
    }

    /// Two ends of one conversation.
    ///
    /// - Throws: ``LoopError`` when there are no descriptors left.
    public static func pair() throws(LoopError) -> (Int32, Int32) {
        var ends: (Int32, Int32) = (-1, -1)
        let kind = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let result = withUnsafeMutablePointer(to: &ends) { pointer in
            pointer.withMemoryRebound(to: Int32.self, capacity: 2) { socketpair(AF_UNIX, kind, 0, $0) }
        }
        guard result == 0 else { throw LoopError("make a socket pair") }
        return ends
    }

    /// Listens at a path for processes of the same user and of root (mode 0600), in place of whatever socket was there: the new one
    /// appears in one step.
    ///
    /// - Throws: ``LoopError`` naming the path.
    public static func listen(path: String) throws(LoopError) -> Int32 {
        let fresh = path + ".new"
        guard fresh.utf8.count <= SocketAddress.longestPath else {
            throw LoopError("listen on unix:\(path)", number: ENAMETOOLONG)
        }
        // A socket is replaced, but no file that somebody may want.
        var status = stat()
        guard lstat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFSOCK else {
            throw LoopError("listen on unix:\(path): a file that is no socket is in the way", number: EEXIST)
        }
        let descriptor = clev_socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue))
        guard descriptor >= 0 else { throw LoopError("open socket for unix:\(path)") }
        if case .file = SocketPath(fresh) {
            Glibc.close(descriptor)
            throw LoopError("listen on unix:\(path): \(fresh) is in the way", number: EEXIST)
        }
        unlink(fresh)
        // Nobody can connect before it listens, so that the permissions are right in time.
        let isListening =
            SocketAddress.unix(path: fresh).withSockaddr { bind(descriptor, $0, $1) } == 0
            && chmod(fresh, 0o600) == 0 && Glibc.listen(descriptor, 16) == 0 && rename(fresh, path) == 0
        guard isListening else {
            let number = errno
            Glibc.close(descriptor)
            unlink(fresh)
            throw LoopError("listen on unix:\(path)", number: number)
        }
        return descriptor
    }

    /// Connects to a path.
    ///
    /// - Returns: the descriptor; nil when nobody listens there.
    /// - Throws: ``LoopError`` naming the path, for anything else.
    public static func connect(path: String) throws(LoopError) -> Int32? {
        let descriptor = clev_socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue))
        guard descriptor >= 0 else { throw LoopError("open socket for unix:\(path)") }
        if SocketAddress.unix(path: path).withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 { return descriptor }
        let number = errno
        Glibc.close(descriptor)
        if number == ENOENT || number == ECONNREFUSED { return nil }
        throw LoopError("connect to unix:\(path)", number: number)
    }

    /// Makes receiving wait for so long.
    public static func setTimeout(_ duration: Duration, of descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
        let microseconds = max(1, duration.wholeMicroseconds)
        var time = timeval(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Makes receiving return at once.
    public static func setNonBlocking(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    /// What one attempt to send came to.
    public enum Sent: Sendable, Equatable {
        /// It is on its way.
        case sent
        /// The other side has to read first.
        case full
        /// The other side is gone.
        case gone
    }

    /// Sends one message; never waits.
    ///
    /// - Parameter descriptors: copies of these go with it, at most ``mostDescriptors``.
    /// - Returns: false when the other side is gone or takes nothing.
    @discardableResult
    public static func send(_ message: String, descriptors: [Int32] = [], on descriptor: Int32) -> Bool {
        trySend(message, descriptors: descriptors, on: descriptor) == .sent
    }

    /// The same, and why it was not sent.
    public static func trySend(_ message: String, descriptors: [Int32] = [], on descriptor: Int32) -> Sent {
        let bytes = Array(message.utf8.prefix(longestMessage))
        let count = min(descriptors.count, mostDescriptors)
        while true {
            let result = bytes.withUnsafeBytes { clev_send(descriptor, $0.baseAddress, $0.count, descriptors, count) }
            if result >= 0 { return .sent }
            switch errno {
            case EINTR: continue
            // The last one: so many descriptors of ours are in flight already.
            case EAGAIN, EWOULDBLOCK, ENOBUFS, ETOOMANYREFS: return .full
            default: return .gone
            }
        }
    }

    /// Receives one message.
    public static func receive(on descriptor: Int32) -> Received {
        var bytes = [UInt8](repeating: 0, count: longestMessage)
        var descriptors = [Int32](repeating: -1, count: mostDescriptors)
        while true {
            var count = 0
            let size = clev_receive(descriptor, &bytes, bytes.count, &descriptors, &count)
            if size > 0 {
                return .message(
                    String(decoding: bytes[..<size], as: UTF8.self),
                    descriptors: Array(descriptors[..<count])
                )
            }
            if size == 0 { return .end }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .nothing : .end
        }
    }

    /// Who is at the other end; nil when the kernel does not tell.
    public static func peer(of descriptor: Int32) -> Peer? {
        var credentials = clev_credentials()
        guard clev_peer_credentials(descriptor, &credentials) == 0 else { return nil }
        return Peer(pid: credentials.pid, user: credentials.uid)
    }
}
