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
        withDescriptor(path) { descriptor, mode in
            var bytes: [UInt8] = []
            while bytes.count <= limit {
                let space = min(limit + 1 - bytes.count, 64 << 10)
                var count = 0
                bytes += [UInt8](unsafeUninitializedCapacity: space) { buffer, initialized in
                    count = Glibc.read(descriptor, buffer.baseAddress, space)
                    initialized = max(count, 0)
                }
                if count < 0, errno != EINTR { return .failure(Failure(reason: String(cString: strerror(errno)))) }
                if count == 0 { return .success(SmallFile(bytes: bytes, mode: mode)) }
            }
            return .failure(Failure(reason: "Larger than \(ByteSize.format(limit))"))
        }
    }

    /// The permission bits of a file that can be read.
    static func mode(of path: String) -> Result<UInt32, Failure> {
        withDescriptor(path) { _, mode in .success(mode) }
    }

    private static func withDescriptor<Value>(
        _ path: String,
        _ body: (Int32, UInt32) -> Result<Value, Failure>
    ) -> Result<Value, Failure> {
        // Not blocking, so that a named pipe is refused below instead of waiting for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(Failure(reason: String(cString: strerror(errno)))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            return .failure(Failure(reason: String(cString: strerror(errno))))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            return .failure(Failure(reason: isDirectory ? "Is a directory" : "Not a regular file"))
        }
        return body(descriptor, UInt32(status.st_mode) & 0o7777)
    }
}
