import Glibc
import Runnable

/// A daemon's admin socket, as operators use it: through the executable's commands.
struct AdminSocket {
    let directory: TemporaryDirectory
    var path: String { directory.file("admin.sock") }

    init() throws { directory = try TemporaryDirectory() }

    /// A daemon with this socket.
    func daemon(_ configuration: String, more: String = "", environment: [String: String] = [:]) throws -> Daemon {
        try Daemon(
            "admin: {socket: \"\(path)\"\(more)}\n" + configuration,
            directory: directory,
            environment: environment
        )
    }

    /// Replaces the configuration that the daemon was started with.
    func rewrite(_ daemon: Daemon, _ configuration: String) throws {
        try daemon.rewrite("admin: {socket: \"\(path)\"}\n" + configuration)
    }

    /// Runs a command to its end.
    func run(
        _ command: String,
        _ arguments: String...
    ) throws -> (ending: Subprocess.Ending, stdout: String, stderr: String) {
        try Subprocess.run(Headgate.path, [command, "--socket", path] + arguments)
    }

    /// The requests that `top` shows.
    func requests(_ arguments: String...) throws -> [Value] {
        let arguments = ["top", "--socket", path, "--json"] + arguments
        let result = try Subprocess.run(Headgate.path, arguments)
        guard result.ending == .exited(0) else { throw NotYet(description: "top: \(result)") }
        return try Value(parsing: result.stdout)["requests"]?.array ?? []
    }

    /// What `status` says.
    func status() throws -> Value {
        let result = try run("status", "--json")
        return try Value(parsing: result.stdout)
    }

    /// Waits until `top` shows a request in this state.
    func request(_ state: String) throws -> Value {
        var last: [Value] = []
        return try eventually("no request is \(state): \(last)") {
            last = try requests()
            return last.first { $0["state"]?.string == state }
        }
    }
}
