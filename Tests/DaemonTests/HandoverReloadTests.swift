import Glibc
import Runnable
import Testing

/// Reloads beside handovers and stops.
@Suite(.blocking, .timeLimit(.minutes(2)))
struct HandoverReloadTests {
    private func configuration(_ word: String, more: String = "") -> String {
        """
        loops: 1
        backends: {mock: {dialect: mock, mock: {reply: "\(word)"}}}
        models: {demo: {backend: mock}}
        routes: {/: {model: demo, output: text}\(more)}
        """
    }

    private func output(_ daemon: Daemon) throws -> String? {
        try Value(parsing: daemon.post("/invoke", #"{"input":"Hello"}"#).text)["output"]?.string
    }

    /// A start has read its configuration when it ignores broken pipes.
    private func waitUntilConfigured(_ pid: pid_t) throws {
        try eventually("\(pid) does not start") { ignoresBrokenPipes(pid) }
    }

    @Test func `a reload that the supervisor hears during a handover reaches the new process`() throws {
        let unit = try SupervisedUnit()
        let daemon = try unit.start(configuration("first"))
        let old = try #require(children(of: daemon.process.pid).first)
        // The new process waits for the old one's sockets, and has read its configuration by then.
        try stopAndWait(old)
        daemon.process.signal(SIGUSR2)
        let new = try eventually("no new process") { children(of: daemon.process.pid).first { $0 != old } }
        try waitUntilConfigured(new)
        try daemon.rewrite(configuration("second") + "\n" + unit.key)
        daemon.process.signal(SIGHUP)
        kill(old, SIGCONT)
        try eventually("the old process stays: \(daemon.process.stderr)") { !isRunning(old) }
        try eventually("the reload is lost: \(daemon.process.stderr)") { try output(daemon) == "second" }
        #expect(try daemon.stop() == .exited(0))
    }

    @Test func `a reload that the old process hears during a handover reaches the new one`() throws {
        let directory = try TemporaryDirectory()
        let key = "\nhandover: {socket: \"\(directory.file("handover"))\"}"
        let first = try Daemon(configuration("first") + key, directory: directory)
        try stopAndWait(first.process.pid)
        let second = try Subprocess(Headgate.path, ["serve", "--config", directory.file("headgate.yaml")])
        try waitUntilConfigured(second.pid)
        try first.rewrite(configuration("second") + key)
        first.process.signal(SIGHUP)
        first.process.signal(SIGCONT)
        #expect(try first.process.wait() == .exited(0))
        try eventually("the reload is lost: \(second.stderr)") { try output(first) == "second" }
        second.signal(SIGTERM)
        #expect(try second.wait() == .exited(0))
    }

    @Test func `an operator's reload is refused while another process has the sockets`() throws {
        let admin = try AdminSocket()
        let socket = admin.directory.file("handover")
        let daemon = try admin.daemon("handover: {socket: \"\(socket)\"}\n" + configuration("first"))
        let peer = try MessagePeer(to: socket)
        try peer.take()
        let refused = try admin.run("reload")
        #expect(refused.ending == .exited(1))
        #expect(refused.stderr == "a new process is taking over: reload again when it serves\n")
        #expect(shutdown(peer.descriptor, Int32(SHUT_RDWR)) == 0)
        try eventually("it is still refused") { try admin.run("reload").ending == .exited(0) }
        #expect(try daemon.stop() == .exited(0))
    }

    @Test(arguments: ["signal", "command"])
    func `a stop during a reload does not wait for it`(who: String) throws {
        let unit = try SupervisedUnit()
        let admin = unit.directory.file("admin.sock")
        // Enough routes for a reload to take a while.
        let routes = (0..<1500).map { ", /r\($0): {model: demo, output: text}" }.joined()
        let text = "admin: {socket: \"\(admin)\"}\n" + configuration("first", more: routes)
        let daemon = try Daemon(text, directory: unit.directory, environment: unit.environment)
        try unit.manager.hear("READY=1")
        let reload = try who == "command" ? Subprocess(Headgate.path, ["reload", "--socket", admin]) : nil
        if who == "signal" { daemon.process.signal(SIGHUP) }
        try unit.manager.hear("RELOADING=1")
        daemon.process.signal(SIGTERM)
        #expect(try daemon.process.wait() == .exited(0))
        if let reload { #expect(try [.exited(0), .exited(1)].contains(reload.wait()), "\(reload.stderr)") }
    }
}
