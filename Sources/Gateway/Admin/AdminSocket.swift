import EventLoop
import Glibc

/// The file of the admin socket: made, handed over and removed so that no daemon takes another's away.
struct AdminSocket: Sendable {
    /// Listens; owned by whoever opened it.
    let descriptor: Int32
    let path: String
    /// The group whose members are let in.
    let group: UInt32
    private let device: UInt64
    private let inode: UInt64

    /// Makes the socket.
    ///
    /// A file that a crashed daemon left is replaced, one that somebody serves is not.
    ///
    /// - Parameter takesOver: whether the path is another daemon's that is about to end: the file is replaced in one step, so that
    ///   whoever connects finds one of the two.
    /// - Throws: ``EventLoop/LoopError`` naming the path.
    static func open(
        _ path: String,
        mode: UInt32,
        group: UInt32?,
        takesOver: Bool = false
    ) throws(LoopError) -> AdminSocket {
        let name = takesOver ? "\(path).\(getpid())" : path
        let descriptor = try listen(name, mode: mode)
        do throws(LoopError) {
            if let group, chown(name, uid_t.max, group) != 0 { throw LoopError("give \(path) to group \(group)") }
            if takesOver, rename(name, path) != 0 { throw LoopError("replace \(path)") }
            guard let status = status(of: path) else { throw LoopError("look at \(path)") }
            return AdminSocket(
                descriptor: descriptor,
                path: path,
                group: status.st_gid,
                device: UInt64(status.st_dev),
                inode: UInt64(status.st_ino)
            )
        } catch {
            unlink(name)
            Socket.close(descriptor)
            throw error
        }
    }

    private static func listen(_ path: String, mode: UInt32) throws(LoopError) -> Int32 {
        // The socket gets its permissions as it appears: a chmod afterwards would leave a moment with the wrong ones.
        let before = umask(0o777 & ~mode_t(mode))
        defer { umask(before) }
        return try Socket.listen(on: .unix(path: path), sharing: .none, backlog: 64)
    }

    /// Removes the file, unless the path has become another daemon's.
    func remove() {
        guard let status = AdminSocket.status(of: path), UInt64(status.st_dev) == device,
            UInt64(status.st_ino) == inode
        else { return }
        unlink(path)
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
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
