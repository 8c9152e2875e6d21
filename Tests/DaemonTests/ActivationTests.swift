import Glibc
import Runnable
import Testing

/// Sockets that a service manager has opened.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct ActivationTests {
    @Test(arguments: ["serve", "supervise"])
    func `a passed socket is served by every loop, with the request that waits in it`(command: String) throws {
        let (descriptor, port) = try listeningSocket(backlog: 16)
        defer { close(descriptor) }
        let waiting = try RawConnection(port: port)
        try waiting.get("/health")
        let daemon = try Daemon(
            "loops: 2\n" + EndpointTests.configuration,
            listen: "127.0.0.1:\(port)",
            command: command,
            passing: [descriptor]
        )
        #expect(daemon.port == port)
        #expect(try waiting.reply().status == 200)
        for _ in 0..<20 { #expect(try daemon.get("/health").status == 200) }
        #expect(try daemon.stop() == .exited(0))
        // It was only lent: the next request waits for the next process.
        let next = try RawConnection(port: port)
        try next.get("/health")
        #expect(!next.hasAnswer)
    }

    @Test func `what fits no listen entry is named and closed`() throws {
        let (descriptor, port) = try listeningSocket(backlog: 1)
        defer { close(descriptor) }
        let datagrams = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(datagrams) }
        let daemon = try Daemon(EndpointTests.configuration, passing: [descriptor, datagrams])
        #expect(daemon.port != port)
        let lines = daemon.logged("socket not used")
        #expect(lines.contains { $0["address"]?.string == "127.0.0.1:\(port)" && $0["level"]?.string == "error" })
        #expect(lines.contains { $0["reason"]?.string?.contains("descriptor 4 is no listening stream socket") == true })
        #expect(try daemon.stop() == .exited(0))
    }

    @Test(arguments: ["serve", "supervise"])
    func `descriptors of our own are not taken for passed ones`(command: String) throws {
        let directory = try TemporaryDirectory()
        let (descriptor, port) = try listeningSocket(backlog: 16)
        defer { close(descriptor) }
        let text = "listen: 127.0.0.1:\(port)\n" + EndpointTests.configuration
        let file = try directory.write(text, to: "headgate.yaml")
        let script = "LISTEN_PID=$$ LISTEN_FDS=9 exec \"$0\" \"$@\""
        let arguments = ["-c", script, Headgate.path, command, "--config", file]
        let process = try Subprocess("/bin/sh", arguments, passing: [descriptor])
        try eventually("it does not listen: \(process.stderr)") { process.stderr.contains("\"listening\"") }
        #expect(!process.stderr.contains("socket not used"), "\(process.stderr)")
        let connection = try RawConnection(port: port)
        try connection.get("/health")
        #expect(try connection.reply().status == 200)
        process.signal(SIGTERM)
        #expect(try process.wait() == .exited(0))
    }

    @Test func `sockets of another process are not touched`() throws {
        let daemon = try Daemon(EndpointTests.configuration, environment: ["LISTEN_FDS": "3", "LISTEN_PID": "1"])
        #expect(try daemon.get("/health").status == 200)
        #expect(daemon.logged("socket not used").isEmpty)
        #expect(try daemon.stop() == .exited(0))
    }
}
