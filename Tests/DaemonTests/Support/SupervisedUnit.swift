import Glibc

/// A service under `headgate supervise`, and its service manager.
struct SupervisedUnit {
    let directory: TemporaryDirectory
    let manager: NotifySocket
    /// Of the configuration: where the handover socket is.
    let key: String
    /// The handover socket.
    var socket: String { directory.file("handover") }
    var environment: [String: String] { ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"] }

    init() throws {
        directory = try TemporaryDirectory()
        manager = try NotifySocket(in: directory)
        key = "handover: {socket: \"\(directory.file("handover"))\"}"
    }

    func start(_ configuration: String) throws -> Daemon {
        try Daemon(configuration + "\n" + key, directory: directory, environment: environment, command: "supervise")
    }
}

/// The children of a process.
func children(of pid: pid_t) -> [pid_t] {
    var found: [pid_t] = []
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        guard let number = pid_t(name) else { continue }
        // The name in brackets may hold anything; the parent is the second word behind it.
        let words = text(of: "/proc/\(number)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        if words.count > 1, pid_t(words[1]) == pid { found.append(number) }
    }
    return found
}

/// Whether a process that may be another's child runs.
func isRunning(_ pid: pid_t) -> Bool { !["", "Z"].contains(processState(pid)) }
