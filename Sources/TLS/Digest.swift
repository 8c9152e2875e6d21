import COpenSSL

/// Hashes of bytes; no state, any thread.
public enum Digest {
    /// The 32 bytes of the SHA-256 of `bytes`.
    public static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        let isDone = EVP_Digest(bytes, bytes.count, &digest, &count, EVP_sha256(), nil) == 1
        // Only without memory, or with a library that lacks SHA-256 and could not speak TLS.
        precondition(isDone && count == 32, "OpenSSL makes no SHA-256")
        return Array(digest.prefix(Int(count)))
    }
}
