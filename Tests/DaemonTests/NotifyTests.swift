import Glibc
import Testing

/// What the service manager hears.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct NotifyTests {
    /// The manager's side of `NOTIFY_SOCKET`.
    private final class Manager {
        let path: String
        private let descriptor: Int32
        private(set) var heard: [String] = []

        init(in directory: TemporaryDirectory) throws {
            path = directory.file("notify")
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { bytes in
                for (place, byte) in path.utf8.enumerated() { bytes[place] = byte }
            }
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            guard result == 0 else { throw NotYet(description: "bind: errno \(errno)") }
        }

        deinit { close(descriptor) }

        /// Listens until a message has this line; messages before it are kept in `heard`.
        func hear(_ line: String) throws {
            let deadline = Deadline()
            while true {
                var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                guard poll(&poller, 1, deadline.milliseconds) > 0 else {
                    throw NotYet(description: "no \(line), but \(heard)")
                }
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count > 0 else { continue }
                let message = String(decoding: buffer[..<count], as: UTF8.self)
                heard.append(message)
                if message.split(separator: "\n").contains(Substring(line)) { return }
            }
        }
    }

    @Test func `ready, watchdog, reload and stop`() throws {
        let directory = try TemporaryDirectory()
        let manager = try Manager(in: directory)
        let daemon = try Daemon(
            EndpointTests.configuration,
            directory: directory,
            environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "100000"]
        )
        try manager.hear("READY=1")
        #expect(manager.heard.count == 1, "something came before READY=1: \(manager.heard)")
        #expect(try daemon.get("/ready").status == 200)
        try manager.hear("WATCHDOG=1")
        try manager.hear("WATCHDOG=1")
        daemon.process.signal(SIGHUP)
        try manager.hear("RELOADING=1")
        #expect(manager.heard.last?.contains("\nMONOTONIC_USEC=") == true)
        try manager.hear("READY=1")
        try daemon.rewrite("nonsense: 1")
        daemon.process.signal(SIGHUP)
        try manager.hear("RELOADING=1")
        try manager.hear("READY=1")
        #expect(manager.heard.contains { $0.hasPrefix("STATUS=reload failed") && $0.contains("headgate.yaml") })
        daemon.process.signal(SIGTERM)
        try manager.hear("STOPPING=1")
        #expect(try daemon.process.wait() == .exited(0))
    }

    @Test func `without a watchdog none is fed, and another process's is not ours`() throws {
        let directory = try TemporaryDirectory()
        let manager = try Manager(in: directory)
        let daemon = try Daemon(
            EndpointTests.configuration,
            directory: directory,
            environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"]
        )
        try manager.hear("READY=1")
        for _ in 0..<20 { #expect(try daemon.get("/health").status == 200) }
        daemon.process.signal(SIGTERM)
        try manager.hear("STOPPING=1")
        #expect(manager.heard.count == 2, "\(manager.heard)")
    }
}
