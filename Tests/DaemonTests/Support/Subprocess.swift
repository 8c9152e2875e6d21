import Glibc
import Synchronization

/// A child process whose output goes to files; killed and reaped at the latest when the last reference goes.
final class Subprocess: Sendable {
    /// How a process ended.
    enum Ending: Equatable {
        case exited(Int32)
        case killed(Int32)
    }

    let pid: pid_t
    private let directory: TemporaryDirectory
    private let ending = Mutex<Ending?>(nil)

    /// Starts `executable` with the test's environment and `environment` on top.
    ///
    /// - Parameter passing: descriptors that the child gets from 3 on.
    init(
        _ executable: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        passing: [Int32] = []
    ) throws {
        directory = try TemporaryDirectory()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (descriptor, name) in [(Int32(1), "stdout"), (2, "stderr")] {
            let flags = O_WRONLY | O_CREAT | O_APPEND
            posix_spawn_file_actions_addopen(&actions, descriptor, directory.file(name), flags, 0o600)
        }
        // Moved out of the way first: one may lie where another goes.
        let copies = passing.map { fcntl($0, F_DUPFD_CLOEXEC, 100) }
        defer { for copy in copies { close(copy) } }
        for (place, copy) in copies.enumerated() { posix_spawn_file_actions_adddup2(&actions, copy, Int32(3 + place)) }
        Subprocess.closeOthers(&actions, from: Int32(3 + copies.count))
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var defaults = sigset_t()
        sigfillset(&defaults)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var variables = Subprocess.environment
        variables.merge(environment) { $1 }
        let argv = ([executable] + arguments).map { strdup($0) }
        let envp = variables.map { strdup("\($0.key)=\($0.value)") }
        defer { for text in argv + envp { free(text) } }
        var pid = pid_t()
        let result = posix_spawnp(&pid, executable, &actions, &attributes, argv + [nil], envp + [nil])
        guard result == 0 else { throw NotYet(description: "cannot start \(executable): errno \(result)") }
        self.pid = pid
    }

    /// The child gets none of the test's sockets: it would keep them open.
    ///
    /// glibc has the function (2.34), but Swift's Glibc does not show it.
    private static func closeOthers(_ actions: inout posix_spawn_file_actions_t, from first: Int32) {
        typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { return }
        _ = unsafeBitCast(symbol, to: CloseFrom.self)(&actions, first)
    }

    deinit {
        guard ending.withLock({ $0 }) == nil else { return }
        kill(pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }

    private static let environment: [String: String] = {
        var variables: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            entry += 1
            let text = String(cString: pointer)
            guard let equals = text.firstIndex(of: "=") else { continue }
            variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        for name in [
            "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM", "INVOCATION_ID", "RUNTIME_DIRECTORY",
        ] {
            variables[name] = nil
        }
        // A crash shall end the child at once, not start a debugger.
        variables["SWIFT_BACKTRACE"] = "interactive=no,color=no"
        return variables
    }()

    var stdout: String { text(of: directory.file("stdout")) }
    var stderr: String { text(of: directory.file("stderr")) }

    /// Sends a signal, unless the process was reaped already.
    func signal(_ number: Int32) {
        ending.withLock { ending in
            if ending == nil { kill(pid, number) }
        }
    }

    /// How it ended; nil while it runs.
    func poll() -> Ending? {
        ending.withLock { ending in
            if let ending { return ending }
            var status: Int32 = 0
            guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
            let signal = status & 0x7f
            ending = signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal)
            return ending
        }
    }

    /// Waits for its end.
    func wait() throws -> Ending {
        try eventually("process \(pid) did not end; stderr: \(stderr)") { poll() }
    }

    /// Runs to the end.
    static func run(
        _ executable: String,
        _ arguments: [String],
        environment: [String: String] = [:]
    ) throws -> (ending: Ending, stdout: String, stderr: String) {
        let process = try Subprocess(executable, arguments, environment: environment)
        let ending = try process.wait()
        return (ending, process.stdout, process.stderr)
    }
}

/// The executable under test, which the build puts beside the test bundle.
enum Headgate {
    static let path: String = {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        precondition(count > 0, "no /proc")
        let own = String(decoding: buffer[..<count], as: UTF8.self)
        return own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/headgate"
    }()

    /// Runs it to its end.
    static func run(
        _ arguments: String...,
        environment: [String: String] = [:]
    ) throws -> (ending: Subprocess.Ending, stdout: String, stderr: String) {
        try Subprocess.run(path, arguments, environment: environment)
    }
}

/// Runs curl, silent and never for ever.
func curl(_ arguments: String...) throws -> (ending: Subprocess.Ending, stdout: String, stderr: String) {
    try Subprocess.run("curl", ["--silent", "--show-error", "--max-time", "30", "--noproxy", "*"] + arguments)
}
