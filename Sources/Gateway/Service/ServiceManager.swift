public import EventLoop
import Glibc

/// Talks to systemd: readiness, reloads, the end, and a watchdog that every loop has to feed (`sd_notify(3)`). Under a supervisor all
/// of it goes through that one.
///
/// Does nothing where nobody listens. Any thread.
public final class ServiceManager: Sendable {
    private let path: String?
    private let channel: SupervisorChannel?
    private let watchdogInterval: Duration?

    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
    ///
    /// - Parameter channel: the way through whoever started this process; nil when nobody of ours did.
    public convenience init(channel: SupervisorChannel? = nil) {
        self.init(channel: channel) { name in getenv(name).map { String(cString: $0) } }
    }

    init(channel: SupervisorChannel? = nil, variable: (String) -> String?) {
        self.channel = channel
        path = variable("NOTIFY_SOCKET")
        let isOurs = variable("WATCHDOG_PID").map { $0 == "\(getpid())" } ?? true
        let microseconds = variable("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        watchdogInterval = isOurs && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// The service takes requests; also the end of a reload.
    public func ready(status: String) { send("READY=1\n\(line(status))") }

    /// A reload begins; ``ready(status:)`` ends it.
    public func reloading() {
        send("RELOADING=1\nMONOTONIC_USEC=\(MonotonicTime.now.nanoseconds / 1000)")
    }

    /// The service is stopping.
    ///
    /// - Parameter limit: how long that may take, whatever the service manager's own limit is.
    public func stopping(within limit: Duration) {
        send("STOPPING=1\nEXTEND_TIMEOUT_USEC=\(limit.wholeMicroseconds)")
    }

    /// A sentence for `systemctl status`.
    public func status(_ text: String) { send(line(text)) }

    /// The service's main process is another from now on.
    public func mainProcess(is pid: Int32) { send("MAINPID=\(pid)") }

    /// Passes on what a process of ours says.
    func pass(_ message: String) { send(message) }

    private func line(_ status: String) -> String { "STATUS=" + status.split(separator: "\n").joined(separator: " ") }

    /// Feeds the watchdog at half its interval, each time only after every loop has turned: a stuck loop starves it, and the
    /// service manager restarts the process.
    ///
    /// - Parameters:
    ///   - loop: where to run; not one of those that are watched.
    ///   - loops: the loops that must turn, until they are asked to end.
    /// - Returns: the task that does it, to be cancelled; nil when there is no watchdog.
    public func feedWatchdog(on loop: EventLoop, watching loops: [EventLoop]) -> Task<Void, Never>? {
        guard path != nil || channel != nil, let watchdogInterval else { return nil }
        return Task.detached(executorPreference: loop) { [self] in
            while !Task.isCancelled {
                for watched in loops where !watched.isEnding {
                    await withCheckedContinuation { continuation in watched.execute { continuation.resume() } }
                }
                send("WATCHDOG=1")
                try? await loop.sleep(for: max(watchdogInterval / 2, ServiceManager.shortestFeeding))
            }
        }
    }

    /// More often would be work of its own; a watchdog that wants it is one that nothing satisfies.
    private static let shortestFeeding = Duration.milliseconds(10)

    private func send(_ message: String) {
        channel?.send(message)
        guard let path, path.utf8.count < 108, let first = path.utf8.first else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            for (place, byte) in path.utf8.enumerated() { bytes[place] = byte }
            if first == UInt8(ascii: "@") { bytes[0] = 0 }  // an abstract socket
        }
        // An abstract name has no terminator: the length tells where it ends.
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.utf8.count)
        // A manager that is too busy to listen may miss a status, but no change of state; only one that is stuck does.
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let isPassing = message.hasPrefix("STATUS=") || message.hasPrefix("WATCHDOG=")
        let flags = Int32(MSG_NOSIGNAL) | (isPassing ? Int32(MSG_DONTWAIT) : 0)
        var text = message
        text.withUTF8 { bytes in
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    _ = sendto(descriptor, bytes.baseAddress, bytes.count, flags, address, length)
                }
            }
        }
    }
}
