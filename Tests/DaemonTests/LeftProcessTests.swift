import Glibc
import Runnable
import Testing

/// A process whose supervisor has left it serving, as a failed restart does, and operators' commands.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct LeftProcessTests {
    private final class Left {
        let unit: SupervisedUnit
        let admin: String
        let daemon: Daemon
        let pid: pid_t

        /// Starts a service and has its supervisor leave.
        init(_ configuration: String = EndpointTests.configuration) throws {
            unit = try SupervisedUnit()
            admin = unit.directory.file("admin.sock")
            daemon = try unit.start("admin: {socket: \"\(admin)\"}\n" + configuration)
            pid = try #require(children(of: daemon.process.pid).first)
            daemon.process.signal(SIGUSR1)
            #expect(try daemon.process.wait() == .exited(0))
        }

        deinit { if isRunning(pid) { kill(pid, SIGKILL) } }

        func run(_ command: String, _ arguments: String...) throws -> (
            ending: Subprocess.Ending, stdout: String, stderr: String
        ) {
            try Subprocess.run(Headgate.path, [command, "--socket", admin] + arguments)
        }
    }

    @Test func `it drains`() throws {
        let left = try Left()
        let drain = try left.run("drain", "--wait", "--timeout", "20s")
        #expect(drain.ending == .exited(0), "\(drain)")
        try eventually("it stays") { !isRunning(left.pid) }
        #expect(!left.daemon.logged("draining").isEmpty)
    }

    @Test func `it reloads`() throws {
        let left = try Left()
        let reload = try left.run("reload")
        #expect(reload.ending == .exited(0), "\(reload)")
        #expect(try left.run("drain", "--wait").ending == .exited(0))
    }

    @Test func `it hands over to a process that it starts itself, and that one drains too`() throws {
        let left = try Left()
        let handover = try Headgate.run("handover", "--socket", left.unit.socket)
        #expect(handover.ending == .exited(0), "\(handover)")
        let pid = try #require(handover.stdout.split(separator: " ").compactMap { pid_t($0) }.first)
        #expect(pid != left.pid)
        try eventually("it stays") { !isRunning(left.pid) }
        #expect(try left.daemon.get("/health").status == 200)
        let drain = try left.run("drain", "--wait", "--timeout", "20s")
        #expect(drain.ending == .exited(0), "\(drain)")
        try eventually("it stays") { !isRunning(pid) }
    }

    @Test func `a new process that fails is refused with its reason`() throws {
        let left = try Left()
        try left.daemon.rewrite("nonsense: 1")
        let handover = try Headgate.run("handover", "--socket", left.unit.socket)
        #expect(handover.ending == .exited(1))
        #expect(handover.stderr.contains("headgate.yaml:2: nonsense"), "\(handover.stderr)")
        #expect(try left.daemon.get("/health").status == 200)
        #expect(try left.run("drain", "--wait").ending == .exited(0))
    }
}
