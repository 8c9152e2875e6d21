import CLibevent
import Glibc

/// A listening socket that another process has opened, and what can be asked of it.
public enum GivenSocket {
    /// The address of a descriptor that is a stream socket and listens; nil for anything else.
    public static func address(_ descriptor: Int32) -> SocketAddress? {
        guard option(SO_ACCEPTCONN, of: descriptor) == 1, option(SO_TYPE, of: descriptor) == Int32(SOCK_STREAM.rawValue)
        else { return nil }
        return Socket.localAddress(descriptor)
    }

    /// A number that descriptors of one socket share, and of different sockets do not.
    public static func identity(_ descriptor: Int32) -> UInt64 {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : 0
    }

    /// Makes the descriptor what the daemon's own sockets are: non-blocking, and closed in programs that it starts.
    public static func adopt(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    /// Descriptors for each of `count` loops, so that every socket is accepted from and every loop accepts: loops share a socket
    /// where there are fewer, and have several where there are more.
    ///
    /// - Returns: by loop; those of `descriptors` are used up.
    /// - Throws: ``LoopError`` when there are no descriptors left for copies.
    public static func spread(_ descriptors: [Int32], over count: Int) throws(LoopError) -> [[Int32]] {
        var loops = [[Int32]](repeating: [], count: count)
        for place in 0..<max(count, descriptors.count) {
            var descriptor = descriptors[place % descriptors.count]
            if place >= descriptors.count {
                descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
                guard descriptor >= 0 else { throw LoopError("share a listening socket") }
            }
            loops[place % count].append(descriptor)
        }
        return loops
    }

    private static func option(_ name: Int32, of descriptor: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
    }
}
