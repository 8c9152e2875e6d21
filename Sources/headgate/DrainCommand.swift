import ArgumentParser
import EventLoop
import Gateway
import Glibc
import Runnable

/// `headgate drain`
struct DrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract:
            "Have the running daemon stop as with SIGTERM: finish what is under way, take nothing new, exit with 0.",
        discussion: """
            New connections are refused and /ready is 503 at once. Requests under way get server.drain_timeout to finish; what is left then \
            ends with an error. A unit with Restart=on-failure stays stopped.

              headgate drain --wait --timeout 60s
            """
    )

    @OptionGroup
    var options: AdminOptions

    @Flag(help: "Wait until the daemon has ended, and say meanwhile what is left.")
    var wait = false

    @Option(help: "With --wait: exit with 1 when the daemon has not ended by then. It drains on.")
    var timeout = DurationArgument(.seconds(30))

    func run() throws {
        let client = try options.client()
        let reply = try client.orExit { client throws(AdminClient.Failure) in try client.post("/drain") }
        try reply.expectSuccess()
        try StandardOutput.write("process \(reply.pid) drains\n")
        if wait { try waitForEnd(of: reply.pid, client) }
    }

    private func waitForEnd(of pid: Int32, _ client: AdminClient) throws {
        let deadline = MonotonicTime.now + timeout.duration
        var said = ""
        while !hasEnded(pid, client) {
            // Behind its path there may be the next process already.
            if let reply = try? client.get("/status", patience: .seconds(2)), reply.status == 200, reply.pid == pid {
                let left =
                    "\(reply.value["requests"]?.integer ?? 0) requests left, "
                    + "\(reply.value["streams"]?.integer ?? 0) of them streams\n"
                if left != said { try StandardOutput.write(left) }
                said = left
            }
            guard MonotonicTime.now < deadline else {
                StandardError.write("process \(pid) has not ended yet, and drains on\n")
                throw ExitCode.failure
            }
            usleep(100_000)
        }
        try StandardOutput.write("process \(pid) has ended\n")
    }

    /// A process whose number we cannot see has ended when nobody answers for it.
    private func hasEnded(_ pid: Int32, _ client: AdminClient) -> Bool {
        guard pid > 0 else { return (try? client.get("/status", patience: .seconds(2))) == nil }
        return ProcessState(pid) == .ended
    }
}

/// Whether a process runs.
enum ProcessState {
    case running
    case ended

    /// One that only waits for its parent to take note counts as ended.
    init(_ pid: Int32) {
        if kill(pid, 0) != 0, errno == ESRCH {
            self = .ended
            return
        }
        let descriptor = open("/proc/\(pid)/stat", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            self = errno == ENOENT ? .ended : .running
            return
        }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 512)
        let count = read(descriptor, &buffer, buffer.count)
        // The state stands behind the name, which may hold parentheses itself.
        let name = buffer.prefix(max(0, count)).lastIndex(of: UInt8(ascii: ")"))
        let state = name.flatMap { $0 + 2 < count ? buffer[$0 + 2] : nil }
        self = state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") ? .ended : .running
    }
}
