import CLibevent
import Glibc

/// A Unix socket that sends datagrams to one address. Closed when the last reference goes; close-on-exec. Any thread.
public final class DatagramSocket: Sendable {
    private let descriptor: Int32

    /// Connects to the socket at `path`.
    ///
    /// - Parameter sendBuffer: bytes that the kernel may keep for it, as far as it allows so many; also the longest datagram.
    /// - Returns: nil when nobody listens there, or there is no descriptor left.
    public init?(path: String, sendBuffer: Int32) {
        descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var size = sendBuffer
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        guard SocketAddress.unix(path: path).withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
            return nil
        }
    }

    deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

    /// Sends one datagram, and waits for a receiver that is slow.
    ///
    /// - Returns: false when it was not taken: the receiver is gone, or the datagram is too long.
    public func send(_ datagram: UnsafeRawBufferPointer) -> Bool {
        while true {
            if Glibc.send(descriptor, datagram.baseAddress, datagram.count, Int32(MSG_NOSIGNAL)) >= 0 { return true }
            if errno != EINTR { return false }
        }
    }

    /// Waits until the receiver has taken all that was sent, at most `seconds`. Blocks: for the end of a process.
    public func waitUntilTaken(seconds: Int) {
        let end = MonotonicTime.now.nanoseconds + UInt64(max(0, seconds)) * 1_000_000_000
        var waiting: Int32 = 0
        while ioctl(descriptor, UInt(TIOCOUTQ), &waiting) == 0, waiting > 0, MonotonicTime.now.nanoseconds < end {
            usleep(500)
        }
    }
}
