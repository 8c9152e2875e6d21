import Glibc

/// Tells whether a path still leads to the same file: another process may have put its own in its place.
struct FileIdentity: Sendable, Equatable {
    private let device: dev_t
    private let inode: ino_t
    /// When it was made, for a socket: a number that has come free is soon another file's.
    private let seconds: Int
    private let nanoseconds: Int

    /// What stands at the path now; nil when nothing does.
    init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
    }
}

/// A Unix socket's file, as this process found or made it.
struct SocketFile: Sendable {
    let path: String
    private let identity: FileIdentity?

    /// The file at the path of a socket that is listened on now.
    init(_ path: String) {
        self.path = path
        identity = FileIdentity(path)
    }

    /// Whether the path leads to it still.
    var isThere: Bool { identity != nil && FileIdentity(path) == identity }

    /// Removes it, unless the path has become another's.
    func remove() { if isThere { unlink(path) } }

    /// Gives it other permissions, unless the path has become another's.
    func setMode(_ mode: UInt32) { if isThere { chmod(path, mode_t(mode)) } }
}
