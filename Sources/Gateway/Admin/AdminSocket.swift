import EventLoop
import Glibc

/// The file of the admin socket: made, handed over and removed so that no daemon takes another's away.
struct AdminSocket: Sendable {
    /// Listens; owned by whoever opened it.
    let descriptor: Int32
    let path: String
    /// What it was called first; the path, where that was nobody's.
    private let first: String
    /// The group whose members are let in.
    let group: UInt32
    private let file: FileIdentity
    /// The processes that may have the path still.
    private let predecessors: Set<Int32>

    /// Makes the socket.
    ///
    /// A file that a crashed daemon left is replaced, one that somebody serves is not.
    ///
    /// - Parameter predecessors: processes that are about to end and may have the path still: where there are any the file has another
    ///   name until ``publish()``.
    /// - Throws: ``EventLoop/LoopError`` naming the path.
    static func open(
        _ path: String,
        mode: UInt32,
        group: UInt32?,
        replacing predecessors: Set<Int32> = []
    ) throws(LoopError) -> AdminSocket {
        if !predecessors.isEmpty { try SocketPath.requireReplaceable(path, of: predecessors) }
        let first = predecessors.isEmpty ? path : "\(path).\(getpid())"
        let descriptor = try listen(first, mode: mode)
        do throws(LoopError) {
            if let group, chown(first, uid_t.max, group) != 0 { throw LoopError("give \(path) to group \(group)") }
            guard let status = status(of: first), let file = FileIdentity(first) else {
                throw LoopError("look at \(path)")
            }
            return AdminSocket(
                descriptor: descriptor,
                path: path,
                first: first,
                group: status.st_gid,
                file: file,
                predecessors: predecessors
            )
        } catch {
            unlink(first)
            Socket.close(descriptor)
            throw error
        }
    }

    /// Gives the file its name, in one step: whoever connects finds this daemon, or the one before.
    ///
    /// - Throws: ``EventLoop/LoopError`` naming the path; the one before then keeps it.
    func publish() throws(LoopError) {
        guard first != path, isOurs(first) else { return }
        try SocketPath.requireReplaceable(path, of: predecessors)
        guard rename(first, path) == 0 else { throw LoopError("replace \(path)") }
    }

    private static func listen(_ path: String, mode: UInt32) throws(LoopError) -> Int32 {
        // The socket gets its permissions as it appears: a chmod afterwards would leave a moment with the wrong ones.
        let before = umask(0o777 & ~mode_t(mode))
        defer { umask(before) }
        return try Socket.listen(on: .unix(path: path), sharing: .none, backlog: 64)
    }

    /// The paths of processes that drain beside the one at `path`, in the order of their process ids, whether anybody serves them or
    /// not.
    static func besides(_ path: String) -> [String] {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { String(path[...$0]) } ?? "./"
        let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var pids: [pid_t] = []
        while let entry = readdir(directory) {
            let file = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard file.hasPrefix("\(name)."), let pid = pid_t(file.dropFirst(name.count + 1)), pid > 0 else { continue }
            pids.append(pid)
        }
        return pids.sorted().map { "\(path).\($0)" }
    }

    /// Removes what killed processes have left beside `path`: sockets that nobody serves, named after processes that are not there.
    static func removeLeft(beside path: String) {
        for left in besides(path) {
            guard let pid = left.split(separator: ".").last.flatMap({ pid_t($0) }), Glibc.kill(pid, 0) != 0,
                errno == ESRCH, let file = status(of: left), file.st_mode & S_IFMT == S_IFSOCK,
                case .failure(let error) = Result(catching: { try Socket.connect(toUnix: left) }),
                (error as? LoopError)?.number == ECONNREFUSED
            else { continue }
            unlink(left)
        }
    }

    /// Removes the file, unless the path has become another daemon's.
    func remove() {
        for name in [first, path] where isOurs(name) { unlink(name) }
    }

    private func isOurs(_ name: String) -> Bool { FileIdentity(name) == file }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }
}

extension AdminSettings {
    /// The number of the group; nil where none is set. Blocks.
    ///
    /// - Parameters:
    ///   - file: the configuration's name.
    ///   - line: where the key stands.
    /// - Throws: ``ConfigurationErrors`` for a group that does not exist.
    func groupNumber(file: String, line: Int? = nil) throws(ConfigurationErrors) -> UInt32? {
        guard let group else { return nil }
        guard let number = SystemGroup.number(group) else {
            let error = ConfigurationError(file: file, line: line, key: "admin.group", message: "no such group")
            throw ConfigurationErrors(errors: [error])
        }
        return number
    }
}

/// A group of the system.
enum SystemGroup {
    /// The number of a group given by name or number; nil when there is none of that name. Blocks.
    static func number(_ text: String) -> UInt32? {
        if let number = UInt32(text) { return number }
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        var buffer = [CChar](repeating: 0, count: 64 << 10)
        guard getgrnam_r(text, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return entry.gr_gid
    }
}
