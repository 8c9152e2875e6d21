import Glibc
import Runnable

/// `headgate serve`, or `supervise`, with a configuration of the test's.
final class Daemon: Sendable {
    let process: Subprocess
    let directory: TemporaryDirectory
    /// Ports of its TCP listeners, in the order of the configuration.
    let ports: [Int]
    var port: Int { ports[0] }

    /// Starts and waits until it listens.
    ///
    /// - Parameters:
    ///   - configuration: all of it but `listen`, when `listen` is given.
    ///   - listeners: how many it has.
    ///   - descriptors: the most it may have open; default the system's limit.
    ///   - passing: listening sockets that it is given as a service manager gives them.
    init(
        _ configuration: String,
        listen: String? = "127.0.0.1:0",
        listeners: Int = 1,
        directory: TemporaryDirectory? = nil,
        environment: [String: String] = [:],
        descriptors: Int? = nil,
        command name: String = "serve",
        passing: [Int32] = []
    ) throws {
        let directory = try directory ?? TemporaryDirectory()
        self.directory = directory
        let file = try directory.write(Daemon.yaml(configuration, listen: listen), to: "headgate.yaml")
        var command = [Headgate.path, name, "--config", file]
        if let descriptors {
            command = ["/bin/sh", "-c", "ulimit -n \(descriptors) && exec \"$0\" \"$@\""] + command
        }
        if !passing.isEmpty {
            let variables = "LISTEN_PID=$$ LISTEN_FDS=\(passing.count)"
            command = ["/bin/sh", "-c", "\(variables) exec \"$0\" \"$@\""] + command
        }
        let process = try Subprocess(
            command[0],
            Array(command.dropFirst()),
            environment: environment,
            passing: passing
        )
        self.process = process
        let addresses = try eventually("no listener; stderr: \(process.stderr)") { () -> [String]? in
            let lines = Daemon.logLines(process, "listening")
            if lines.count >= listeners { return lines.compactMap { $0["address"]?.string } }
            if let ending = process.poll() { throw NotYet(description: "it ended: \(ending) \(process.stderr)") }
            return nil
        }
        ports = addresses.compactMap { $0.split(separator: ":").last.flatMap { Int($0) } }
    }

    private static func yaml(_ configuration: String, listen: String?) -> String {
        (listen.map { "listen: \($0)\n" } ?? "") + configuration
    }

    /// Replaces the configuration file; SIGHUP has it read.
    func rewrite(_ configuration: String, listen: String? = "127.0.0.1:0") throws {
        try directory.write(Daemon.yaml(configuration, listen: listen), to: "headgate.yaml")
    }

    // MARK: Its log

    private static func logLines(_ process: Subprocess, _ message: String) -> [Value] {
        process.stderr.split(separator: "\n").compactMap { try? Value(parsing: String($0)) }
            .filter { $0["msg"]?.string == message }
    }

    /// The log's lines with this message so far.
    func logged(_ message: String) -> [Value] { Daemon.logLines(process, message) }

    /// The access lines, once there are `count` of them.
    func accessLines(_ count: Int) throws -> [Value] {
        try eventually("not \(count) access lines: \(process.stderr)") {
            let lines = logged("request")
            return lines.count >= count ? lines : nil
        }
    }

    // MARK: Requests

    func connect(receiveBuffer: Int32? = nil) throws -> RawConnection {
        try RawConnection(port: port, receiveBuffer: receiveBuffer)
    }

    /// One request on a connection of its own.
    func post(_ path: String, _ body: String, fields: [String: String] = [:]) throws -> HTTPReply {
        let connection = try connect()
        try connection.post(path, body, fields: fields)
        return try connection.reply()
    }

    /// One request on a connection of its own.
    func get(_ path: String) throws -> HTTPReply {
        let connection = try connect()
        try connection.get(path)
        return try connection.reply()
    }

    /// Sends SIGTERM and waits for the end.
    @discardableResult
    func stop() throws -> Subprocess.Ending {
        process.signal(SIGTERM)
        return try process.wait()
    }

    /// An address of the daemon.
    func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

    // MARK: What the kernel knows

    /// Resident memory in KiB.
    var residentKiB: Int {
        for line in text(of: "/proc/\(process.pid)/status").split(separator: "\n") where line.hasPrefix("VmRSS:") {
            return line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        }
        return 0
    }

    /// How many descriptors it has open.
    var descriptorCount: Int {
        guard let directory = opendir("/proc/\(process.pid)/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return count - 2  // . and ..
    }

    /// Inodes of its sockets.
    private var sockets: Set<String> {
        var found: Set<String> = []
        let path = "/proc/\(process.pid)/fd"
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            var target = [UInt8](repeating: 0, count: 256)
            let count = readlink("\(path)/\(name)", &target, target.count)
            guard count > 9 else { continue }
            let link = String(decoding: target[..<count], as: UTF8.self)
            if link.hasPrefix("socket:["),
                let inode = link.dropFirst(8).dropLast().isEmpty ? nil : link.dropFirst(8).dropLast()
            {
                found.insert(String(inode))
            }
        }
        return found
    }

    /// How many sockets it has, listeners included.
    var socketCount: Int { sockets.count }

    /// How many of its IPv4 sockets to or from `port` are in `state` (1 established, 2 connecting).
    func sockets(in state: Int, remotePort: Int? = nil) -> Int {
        let own = sockets
        // The kernel lists a socket twice when others come and go while the list is read.
        var found: Set<Substring> = []
        for line in text(of: "/proc/net/tcp").split(separator: "\n").dropFirst() {
            let words = line.split(separator: " ")
            guard words.count > 9, own.contains(String(words[9])), Int(words[3], radix: 16) == state else { continue }
            let remote = words[2].split(separator: ":").last.flatMap { Int($0, radix: 16) }
            if remotePort == nil || remote == remotePort { found.insert(words[9]) }
        }
        return found.count
    }
}
