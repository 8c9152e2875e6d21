public import EventLoop
import Glibc
import Synchronization

/// Lets the starts at one handover socket take turns, each taking over from the one before: two that took over from the same
/// process would both serve, and only one of them would be found by the next.
///
/// A lock on a file beside the socket, which the kernel drops when the process ends. The file stays.
public final class StartLock: Sendable {
    private let descriptor: Atomic<Int32>

    /// How long another start is waited for: longer than one may take.
    private static let limit = Duration.seconds(70)
    private static let interval = Duration.milliseconds(20)

    private init(descriptor: Int32) { self.descriptor = Atomic(descriptor) }

    deinit { release() }

    /// Lets the next one start. The second time does nothing.
    public func release() {
        let held = descriptor.exchange(-1, ordering: .acquiringAndReleasing)
        if held >= 0 { close(held) }
    }

    /// Waits until no other process starts at the handover socket `path`.
    ///
    /// - Returns: the lock, held until ``release()``; nil where there can be none, as the directory cannot be written to.
    /// - Throws: ``HandoverError`` when another start takes more than 70 seconds.
    public static func take(path: String, on loop: EventLoop) async throws -> StartLock? {
        let descriptor = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return nil }
        let lock = StartLock(descriptor: descriptor)
        let end = MonotonicTime.now + limit
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else { return nil }
            guard MonotonicTime.now < end else { throw HandoverError("another process has been starting for \(limit)") }
            try await loop.sleep(for: interval)
        }
        return lock
    }
}
