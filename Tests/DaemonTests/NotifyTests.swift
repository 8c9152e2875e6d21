import Glibc
import Testing

/// What the service manager hears.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct NotifyTests {
    @Test func `ready, watchdog, reload and stop`() throws {
        let directory = try TemporaryDirectory()
        let manager = try NotifySocket(in: directory)
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
        let failure = "STATUS=serving: 0 requests, 0 streams; reload failed, still serving the old configuration: "
        #expect(manager.heard.last?.contains(failure) == true && manager.heard.last?.contains("headgate.yaml") == true)
        daemon.process.signal(SIGTERM)
        try manager.hear("STOPPING=1")
        #expect(manager.heard.last?.contains("EXTEND_TIMEOUT_USEC=40000000") == true, "30 s of drain, and some")
        #expect(try daemon.process.wait() == .exited(0))
    }

    @Test func `status lines count requests and streams`() throws {
        let mock = try MockUpstream("--tokens 1000", "--stall 2")
        let directory = try TemporaryDirectory()
        let manager = try NotifySocket(in: directory)
        let daemon = try Daemon(
            mock.configuration(more: "server: {drain_timeout: 0s}"),
            directory: directory,
            environment: ["NOTIFY_SOCKET": manager.path]
        )
        try manager.hear("STATUS=serving: 0 requests, 0 streams")
        let stream = try daemon.connect()
        try stream.post("/stream", #"{"input":"Hello"}"#)
        try stream.replySoFar { $0.events.count >= 3 }
        let waiting = try daemon.connect()
        try waiting.post("/invoke", #"{"input":"Hello"}"#)
        try manager.hear("STATUS=serving: 2 requests, 1 stream")
        daemon.process.signal(SIGTERM)
        #expect(try daemon.process.wait() == .exited(0))
    }

    /// The loops that serve no clients: one of them stands still while all others turn.
    @Test(arguments: ["admin", "metrics"])
    func `every loop has to feed the watchdog`(name: String) throws {
        let directory = try TemporaryDirectory()
        let manager = try NotifySocket(in: directory)
        let own = "admin: {socket: \"\(directory.file("admin.sock"))\"}\nmetrics: {listen: \"127.0.0.1:0\"}"
        let mock = try MockUpstream("--tokens 1000", "--stall 2")
        let daemon = try Daemon(
            mock.configuration(more: own),
            directory: directory,
            environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "10000"]
        )
        for _ in 0..<3 { try manager.hear("WATCHDOG=1") }
        let thread = try StoppedThread(name, of: daemon.process.pid)
        // Two looks of the daemon at what it does, which are seconds apart.
        let stream = try daemon.connect()
        try stream.post("/stream", #"{"input":"Hello"}"#)
        try manager.hear("STATUS=serving: 1 request, 1 stream")
        let start = manager.heard.count
        stream.leave()
        try manager.hear("STATUS=serving: 0 requests, 0 streams")
        let fed = manager.heard[start...].count { $0 == "WATCHDOG=1" }
        #expect(fed <= 1, "one may have been under way")
        thread.goOn()
        for _ in 0..<3 { try manager.hear("WATCHDOG=1") }
        #expect(try daemon.stop() == .exited(0))
    }

    @Test func `without a watchdog none is fed, and another process's is not ours`() throws {
        let directory = try TemporaryDirectory()
        let manager = try NotifySocket(in: directory)
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
