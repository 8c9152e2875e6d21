import CLibevent
import Glibc

/// What is at the path where a Unix socket is to be.
public enum SocketPath: Sendable, Equatable {
    /// Nothing, or nothing that can be seen.
    case free
    /// A socket that nobody listens on any more.
    case stale
    /// A file that is no socket.
    case file
    /// A socket on which this process listens; 0 for one that the kernel does not name.
    case served(by: Int32)

    /// Looks, and asks whoever listens there, who sees a connection come and go.
    public init(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            self = .free
            return
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            self = .file
            return
        }
        for kind in [SOCK_STREAM, SOCK_SEQPACKET] {
            let probe = clev_socket(AF_UNIX, Int32(kind.rawValue))
            guard probe >= 0 else { break }
            defer { Glibc.close(probe) }
            if SocketAddress.unix(path: path).withSockaddr({ Glibc.connect(probe, $0, $1) }) == 0 {
                self = .served(by: MessageSocket.peer(of: probe)?.pid ?? 0)
                return
            }
            if errno == EPROTOTYPE { continue }
            self = errno == ECONNREFUSED ? .stale : errno == ENOENT ? .free : .served(by: 0)
            return
        }
        self = .served(by: 0)
    }

    /// Checks that a socket may take this path: that nothing is there, or a socket which nobody listens on.
    ///
    /// - Parameter processes: whose sockets may be replaced, too.
    /// - Throws: ``LoopError`` naming the path.
    public static func requireReplaceable(_ path: String, of processes: Set<Int32> = []) throws(LoopError) {
        switch SocketPath(path) {
        case .free, .stale: return
        case .file: throw LoopError("listen on unix:\(path): a file that is no socket is in the way", number: EEXIST)
        case .served(let owner):
            guard processes.contains(owner) else { throw LoopError("listen on unix:\(path)", number: EADDRINUSE) }
        }
    }
}
