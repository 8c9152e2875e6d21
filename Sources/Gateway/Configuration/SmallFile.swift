import Glibc

/// A file read whole, with what its permissions say.
struct SmallFile {
    /// Why a file could not be read, in the system's words; never anything of its content.
    struct Failure: Error {
        let reason: String
    }

    let bytes: [UInt8]
    /// Permission bits.
    let mode: UInt32

    var isWorldReadable: Bool { mode & 0o004 != 0 }

    /// Reads at most `limit` bytes; a longer file, a directory or anything unreadable is a failure. Blocks.
    static func read(_ path: String, limit: Int) -> Result<SmallFile, Failure> {
        // Not blocking, so that a named pipe is refused by the check below instead of waiting for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(Failure(reason: String(cString: strerror(errno)))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return .failure(Failure(reason: String(cString: strerror(errno)))) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            return .failure(Failure(reason: isDirectory ? "Is a directory" : "Not a regular file"))
        }
        var bytes: [UInt8] = []
        while bytes.count <= limit {
            let space = min(limit + 1 - bytes.count, 64 << 10)
            var count = 0
            bytes.append(contentsOf: [UInt8](unsafeUninitializedCapacity: space) { buffer, initialized in
                count = Glibc.read(descriptor, buffer.baseAddress, space)
                initialized = max(count, 0)
            })
            if count < 0, errno == EINTR { continue }
            if count < 0 { return .failure(Failure(reason: String(cString: strerror(errno)))) }
            if count == 0 { return .success(SmallFile(bytes: bytes, mode: UInt32(status.st_mode) & 0o7777)) }
        }
        return .failure(Failure(reason: "Larger than \(ByteSize.format(limit))"))
    }
}
