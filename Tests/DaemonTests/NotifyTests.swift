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
