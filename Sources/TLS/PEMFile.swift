import COpenSSL
import Glibc

/// The bytes of one PEM file, read whole so that every failure names the file and its cause, and wiped when dropped
/// because they may be a private key.
struct PEMFile: ~Copyable {
    /// Larger than any sensible chain or root bundle (Debian's whole bundle is 220 KiB), small enough to read at once.
    static let maximumBytes = 4 << 20

    let path: String
    private let bytes: UnsafeMutableRawBufferPointer  // owned, `count` bytes are in use
    private let count: Int

    /// Reads the file.
    ///
    /// Throws `.configuration` when it is missing, unreadable, not a regular file or pipe, or larger than
    /// `maximumBytes`. Blocks on the disk.
    init(path: String) throws(TLSError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)  // a pipe nobody writes must not hang us
        guard descriptor >= 0 else { throw .configuration(Self.words(for: errno), file: path) }
        defer { close(descriptor) }
        var bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 1)
        var count = 0
        while true {
            if count == bytes.count {
                bytes = Self.doubled(bytes)
            }
            let got = Glibc.read(descriptor, bytes.baseAddress! + count, bytes.count - count)  // allocated, so not nil
            if got > 0 { count += got }
            if got == 0 { break }
            let cause = errno
            if got < 0 && cause == EINTR { continue }
            guard got > 0, count <= Self.maximumBytes else {
                Self.wipe(bytes)
                throw .configuration(got < 0 ? Self.words(for: cause) : "larger than 4 MiB", file: path)
            }
        }
        self.path = path
        self.bytes = bytes
        self.count = count
    }

    deinit { Self.wipe(bytes) }

    /// Lends the file as an OpenSSL source.
    private func withSource<R>(_ body: (OpaquePointer) throws(TLSError) -> R) throws(TLSError) -> R {
        guard let source = BIO_new_mem_buf(bytes.baseAddress, Int32(count)) else { throw .internalFailure("BIO") }
        defer { BIO_free(source) }
        return try body(source)
    }

    /// Every certificate of the file in its order, at least one.
    ///
    /// Throws `.configuration` when there is none, or when one is damaged.
    func certificates() throws(TLSError) -> [Certificate] {
        ERR_clear_error()
        return try withSource { source throws(TLSError) in
            var found: [Certificate] = []
            while let raw = PEM_read_bio_X509(source, nil, noPassphrase, nil) {
                found.append(Certificate(owning: raw))
            }
            let queued = TLSError.takeQueuedError()
            let isAtEnd = ERR_GET_LIB(queued) == ERR_LIB_PEM && ERR_GET_REASON(queued) == PEM_R_NO_START_LINE
            guard isAtEnd else {
                throw .configuration(
                    "certificate \(found.count + 1) is not valid PEM: \(TLSError.reason(of: queued))",
                    file: path
                )
            }
            guard !found.isEmpty else { throw .configuration("holds no certificate in PEM form", file: path) }
            return found
        }
    }

    /// The first private key of the file.
    ///
    /// Throws `.configuration` when there is none, when it is encrypted, or when it is damaged.
    func privateKey() throws(TLSError) -> PrivateKey {
        ERR_clear_error()
        return try withSource { source throws(TLSError) in
            var askedForPassphrase = false
            let raw = withUnsafeMutablePointer(to: &askedForPassphrase) {
                PEM_read_bio_PrivateKey(source, nil, noPassphrase, $0)
            }
            let queued = TLSError.takeQueuedError()
            if let raw { return PrivateKey(owning: raw) }
            if askedForPassphrase {
                throw .configuration("the private key is encrypted; a plain one is needed", file: path)
            }
            // OpenSSL says "unsupported" for a file without a key as well as for a key it cannot decode.
            if !contains("PRIVATE KEY-----") {
                throw .configuration("holds no private key in PEM form", file: path)
            }
            throw .configuration("the private key is not valid PEM: \(TLSError.reason(of: queued))", file: path)
        }
    }

    private func contains(_ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard count >= length, let start = bytes.baseAddress else { return false }
        return (0...count - length).contains { memcmp(start + $0, text.utf8Start, length) == 0 }
    }

    private static func doubled(_ old: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawBufferPointer {
        let new = UnsafeMutableRawBufferPointer.allocate(byteCount: old.count * 2, alignment: 1)
        new.copyMemory(from: UnsafeRawBufferPointer(old))
        wipe(old)
        return new
    }

    private static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
        OPENSSL_cleanse(bytes.baseAddress, bytes.count)
        bytes.deallocate()
    }

    private static func words(for code: Int32) -> String {
        switch code {
        case ENOENT: "no such file"
        case EACCES, EPERM: "permission denied"
        case EISDIR: "is a directory"
        default: String(cString: strerror(code))
        }
    }
}

/// Answers OpenSSL's question for a passphrase with a refusal (its default would ask on the terminal) and notes in the
/// `Bool` behind `context`, when there is one, that the question came.
private func noPassphrase(
    _ buffer: UnsafeMutablePointer<CChar>?,
    _ size: Int32,
    _ isForWriting: Int32,
    _ context: UnsafeMutableRawPointer?
) -> Int32 {
    context?.assumingMemoryBound(to: Bool.self).pointee = true
    return -1
}

/// One reference to an X.509 certificate.
final class Certificate {
    let raw: OpaquePointer  // X509 *, owned

    init(owning raw: OpaquePointer) {
        self.raw = raw
    }

    deinit { X509_free(raw) }
}

/// One reference to a private key.
final class PrivateKey {
    let raw: OpaquePointer  // EVP_PKEY *, owned

    init(owning raw: OpaquePointer) {
        self.raw = raw
    }

    deinit { EVP_PKEY_free(raw) }
}
