import COpenSSL
import Glibc
import Synchronization

/// A certificate authority for tests, made as the test runs so that no key is ever stored with the sources.
///
/// Its files lie in one directory. When the authority made that directory, it removes it when it goes; a given
/// directory is left alone. Safe to use from any thread.
public final class TestAuthority: Sendable {
    /// A certificate file with its key file.
    public struct Identity: Sendable, Hashable {
        /// PEM: the certificate, then its intermediates.
        public let certificateFile: String
        /// PEM: the certificate's unencrypted private key.
        public let keyFile: String
    }

    /// OpenSSL or the file system refused.
    public struct Failure: Error, CustomStringConvertible {
        /// What was being done, and why it failed where that is known.
        public let description: String
    }

    /// Where the files are.
    public let directory: String
    /// PEM file with the root certificate; what a client must trust.
    public let caFile: String
    let issuer: SigningIdentity
    private let intermediates: [SigningIdentity]  // from the issuer up to below the root
    private let ownsDirectory: Bool
    private let filesWritten = Mutex<[String]>([])
    private let nextNumber = Atomic<Int>(1)

    private init(
        directory: String,
        ownsDirectory: Bool,
        caFile: String,
        issuer: SigningIdentity,
        intermediates: [SigningIdentity]
    ) {
        self.directory = directory
        self.ownsDirectory = ownsDirectory
        self.caFile = caFile
        self.issuer = issuer
        self.intermediates = intermediates
    }

    deinit {
        guard ownsDirectory else { return }
        for file in filesWritten.withLock({ $0 }) { unlink(file) }
        rmdir(directory)
    }

    /// A new authority whose root certificate is written to `ca.pem` in `directory`, which must exist; default a new
    /// temporary directory.
    public static func make(directory: String? = nil) throws -> TestAuthority {
        let place = try directory ?? temporaryDirectory()
        let root = try SigningIdentity(
            CertificateRequest(commonName: "Headgate Test Root", isAuthority: true, lifetime: .aroundNow),
            signedBy: nil
        )
        let authority = TestAuthority(
            directory: place,
            ownsDirectory: directory == nil,
            caFile: "\(place)/ca.pem",
            issuer: root,
            intermediates: []
        )
        try authority.write(root.certificatePEM(), to: authority.caFile)
        return authority
    }

    /// An authority between this one and the certificates it issues, with the same root, in the same directory.
    ///
    /// Keep this authority as long as the new one: it may own the directory.
    public func makeIntermediate() throws -> TestAuthority {
        let own = try SigningIdentity(
            CertificateRequest(commonName: "Headgate Test Intermediate", isAuthority: true, lifetime: .aroundNow),
            signedBy: issuer
        )
        let below = "\(directory)/intermediate-\(nextNumber.wrappingAdd(1, ordering: .relaxed).oldValue)"
        guard mkdir(below, 0o700) == 0 else { throw Failure(description: "mkdir \(below): errno \(errno)") }
        return TestAuthority(
            directory: below,
            ownsDirectory: false,
            caFile: caFile,
            issuer: own,
            intermediates: [own] + intermediates
        )
    }

    /// A certificate with its key, in two new files of `directory`.
    ///
    /// - Parameters:
    ///   - name: DNS name, wildcards allowed; nil puts none in. Default `localhost`.
    ///   - ip: IP addresses. Default none.
    ///   - notBefore: start of validity, from now; default an hour ago.
    ///   - notAfter: end of validity, from now; default in a day.
    ///   - commonName: the subject, which nobody should take for a host name. Default `Headgate Test`.
    ///   - selfSigned: whether the certificate vouches for itself, in place of this authority; default false.
    public func issue(
        name: String? = "localhost",
        ip: [String] = [],
        notBefore: Duration = .seconds(-3600),
        notAfter: Duration = .seconds(86400),
        commonName: String = "Headgate Test",
        selfSigned: Bool = false
    ) throws -> Identity {
        let request = CertificateRequest(
            commonName: commonName,
            names: name.map { [$0] } ?? [],
            addresses: ip,
            isAuthority: false,
            lifetime: Lifetime(notBefore: notBefore, notAfter: notAfter)
        )
        let made = try SigningIdentity(request, signedBy: selfSigned ? nil : issuer)
        let number = nextNumber.wrappingAdd(1, ordering: .relaxed).oldValue
        let identity = Identity(
            certificateFile: "\(directory)/\(number).pem",
            keyFile: "\(directory)/\(number).key"
        )
        var chain = try made.certificatePEM()
        if !selfSigned { for above in intermediates { chain += try above.certificatePEM() } }
        try write(chain, to: identity.certificateFile)
        try write(made.keyPEM(), to: identity.keyFile)
        return identity
    }

    /// A private key in a new file, encrypted with a passphrase that nobody is told.
    public func issueEncryptedKey() throws -> String {
        let path = "\(directory)/\(nextNumber.wrappingAdd(1, ordering: .relaxed).oldValue).encrypted.key"
        try write(issuer.encryptedKeyPEM(passphrase: "not to be asked for"), to: path)
        return path
    }

    /// Writes a file, readable by its owner alone, that goes when the directory goes; for damaged inputs too.
    public func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(description: "open \(path): errno \(errno)") }
        defer { close(descriptor) }
        filesWritten.withLock { $0.append(path) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw Failure(description: "write \(path): errno \(errno)")
        }
    }

    private static func temporaryDirectory() throws -> String {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/headgate-tls.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(description: "mkdtemp in \(parent): errno \(errno)") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
