import COpenSSL

/// Certificates, trust and rules that many connections share; immutable, any thread.
///
/// A reload makes a new context; connections keep the one they started with. Both kinds speak TLS 1.2 and 1.3, with
/// forward-secret authenticated ciphers, without compression and renegotiation.
public final class TLSContext: Sendable {
    enum Role { case server, client }

    /// How a client context verifies servers and presents itself.
    public struct ClientOptions: Sendable {
        /// A PEM file whose certificates are trusted instead of the system's; default nil, the system's roots.
        ///
        /// Any certificate in it is an anchor, so a private server's own certificate may be pinned by naming it.
        public var trustRootsFile: String?
        /// Whether the server's chain and name are verified; default true. Without it anybody can be the server.
        public var verifies = true
        /// Application protocols to offer, the preferred first; default `http/1.1`. Empty offers none.
        public var alpn = ["http/1.1"]
        /// PEM file with the certificate to present to servers that ask, intermediates following; default none.
        public var clientCertificateFile: String?
        /// PEM file with the private key of `clientCertificateFile`, unencrypted; default that same file.
        public var clientKeyFile: String?

        /// The defaults: system roots, verification on, `http/1.1`.
        public init(
            trustRootsFile: String? = nil,
            verifies: Bool = true,
            alpn: [String] = ["http/1.1"],
            clientCertificateFile: String? = nil,
            clientKeyFile: String? = nil
        ) {
            self.trustRootsFile = trustRootsFile
            self.verifies = verifies
            self.alpn = alpn
            self.clientCertificateFile = clientCertificateFile
            self.clientKeyFile = clientKeyFile
        }
    }

    /// SSL_CTX *, owned. Not checked: OpenSSL counts references and locks inside; nothing changes it after `init`.
    nonisolated(unsafe) let raw: OpaquePointer
    let role: Role
    /// Client: what has been verified before, by server name.
    let sessions = SessionCache()
    /// Each protocol as UTF-8, the preferred first.
    let alpn: [[UInt8]]
    /// Client: where trusted roots come from, in words for errors.
    let trust: String
    let verifies: Bool

    private init(role: Role, alpn: [String], trust: String, verifies: Bool) throws(TLSError) {
        _ = Self.library
        ERR_clear_error()
        guard let raw = SSL_CTX_new(role == .server ? TLS_server_method() : TLS_client_method()) else {
            throw .internalFailure("no context")
        }
        self.raw = raw
        self.role = role
        self.alpn = alpn.map { Array($0.utf8) }
        self.trust = trust
        self.verifies = verifies
        guard self.alpn.allSatisfy({ (1...255).contains($0.count) }) else {
            throw .configuration("an ALPN protocol must have 1 to 255 bytes")
        }
    }

    deinit { SSL_CTX_free(raw) }

    /// A context for accepting connections.
    ///
    /// - Parameters:
    ///   - certificateChainFile: PEM file, the server's certificate first, then its intermediates.
    ///   - privateKeyFile: PEM file with the unencrypted private key of the first certificate.
    ///   - alpn: application protocols in our order of preference. A client that offers only others is refused; one
    ///     that offers none is served. Empty ignores what clients offer.
    ///
    /// Throws `.configuration` naming the file that is missing, unreadable, damaged, encrypted or does not match.
    /// Blocks on the disk.
    public static func server(
        certificateChainFile: String,
        privateKeyFile: String,
        alpn: [String] = ["http/1.1"]
    ) throws(TLSError) -> TLSContext {
        let context = try TLSContext(role: .server, alpn: alpn, trust: "none", verifies: false)
        try context.applyCommonRules()
        SSL_CTX_set_options(context.raw, COPENSSL_OP_CIPHER_SERVER_PREFERENCE | COPENSSL_OP_PRIORITIZE_CHACHA)
        try context.use(certificateChainFile: certificateChainFile, privateKeyFile: privateKeyFile)
        context.keepSessionsInTickets()
        if !alpn.isEmpty { SSL_CTX_set_alpn_select_cb(context.raw, selectProtocol, nil) }
        return context
    }

    /// A context for connecting to servers.
    ///
    /// Throws `.configuration` naming the file that is missing, unreadable or damaged. Blocks on the disk.
    public static func client(_ options: ClientOptions = ClientOptions()) throws(TLSError) -> TLSContext {
        let context = try TLSContext(
            role: .client,
            alpn: options.alpn,
            trust: options.trustRootsFile ?? "the system's",
            verifies: options.verifies
        )
        try context.applyCommonRules()
        try context.trustRoots(from: options.trustRootsFile)
        SSL_CTX_set_verify(context.raw, options.verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        if let certificate = options.clientCertificateFile {
            try context.use(certificateChainFile: certificate, privateKeyFile: options.clientKeyFile ?? certificate)
        } else if let key = options.clientKeyFile {
            throw .configuration("a client key without a client certificate", file: key)
        }
        try context.offerProtocols()
        copenssl_ctx_set_session_cache_mode(
            context.raw,
            Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL)
        )
        SSL_CTX_sess_set_new_cb(context.raw, keepSession)
        return context
    }

    /// Loads OpenSSL once. Without its `atexit` handler, which would free tables under threads that still run.
    private static let library: Bool = OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_ATEXIT), nil) == 1
}
