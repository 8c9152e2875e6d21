import CLibevent
import Glibc

/// The process at the other end of a Unix socket, as the kernel noted it when the connection was made: later changes of
/// its identity do not count. In our own user and process namespaces; what has no number there is 65534, or 0 for processes.
public final class PeerCredentials: Sendable {
    /// The process.
    public let pid: Int32
    /// Its effective user.
    public let uid: UInt32
    /// Its effective group.
    public let gid: UInt32
    /// Its supplementary groups; empty where the kernel does not tell them.
    public let groups: [UInt32]

    /// Credentials as given.
    public init(pid: Int32, uid: UInt32, gid: UInt32, groups: [UInt32]) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }
}

extension Socket {
    /// Supplementary groups that are looked at: `NGROUPS_MAX` is 65,536, and who has more than this counts as having none.
    private static let mostGroups = 1024

    /// Who connected to a Unix socket; nil for other sockets.
    public static func peerCredentials(_ descriptor: Int32) -> PeerCredentials? {
        var peer = clev_credentials()
        // Other families answer too, with nobody.
        guard clev_peer_credentials(descriptor, &peer) == 0, peer.uid != .max else { return nil }
        var groups = [UInt32](repeating: 0, count: mostGroups)
        let count = clev_peer_groups(descriptor, &groups, Int32(groups.count))
        groups.removeLast(groups.count - max(0, Int(count)))
        return PeerCredentials(pid: peer.pid, uid: peer.uid, gid: peer.gid, groups: groups)
    }
}

extension Socket {
    /// Connects to a Unix socket: at once, or not at all.
    ///
    /// - Returns: a non-blocking descriptor of the caller's.
    /// - Throws: ``LoopError`` naming the path; its number is `EAGAIN` when the listener is too busy to take anybody.
    public static func connect(toUnix path: String) throws(LoopError) -> Int32 {
        let descriptor = clev_socket(AF_UNIX, Int32(SOCK_STREAM.rawValue))
        guard descriptor >= 0 else { throw LoopError("open socket for unix:\(path)") }
        guard SocketAddress.unix(path: path).withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
            let number = errno
            Glibc.close(descriptor)
            throw LoopError("connect to unix:\(path)", number: number)
        }
        return descriptor
    }
}
