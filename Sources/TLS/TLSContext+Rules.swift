import COpenSSL

extension TLSContext {
    /// Mozilla's "intermediate" list of October 2023 for TLS 1.2 without its DHE entries: forward secrecy and
    /// authenticated encryption only, AES-128 first because it is the fastest and strong enough.
    private static let tls12Ciphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
        + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
    private static let tls13Ciphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

    /// What holds for both roles.
    func applyCommonRules() throws(TLSError) {
        guard copenssl_ctx_set_protocol_range(raw, TLS1_2_VERSION, 0) == 1,  // 0: the newest OpenSSL knows
            SSL_CTX_set_cipher_list(raw, Self.tls12Ciphers) == 1,
            SSL_CTX_set_ciphersuites(raw, Self.tls13Ciphers) == 1
        else { throw .internalFailure("no common versions or ciphers") }
        SSL_CTX_set_options(raw, COPENSSL_OP_NO_COMPRESSION | COPENSSL_OP_NO_RENEGOTIATION)
        // Gives the two 17 KiB record buffers back between records: most connections wait most of the time.
        copenssl_ctx_set_mode(raw, Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY))
    }

    /// Loads certificate, intermediates and key, and checks that they belong together.
    func use(certificateChainFile: String, privateKeyFile: String) throws(TLSError) {
        let chain = try PEMFile(path: certificateChainFile).certificates()
        let key = try PEMFile(path: privateKeyFile).privateKey()
        ERR_clear_error()
        guard SSL_CTX_use_certificate(raw, chain[0].raw) == 1 else {
            throw refused("the certificate cannot be used", certificateChainFile)
        }
        for intermediate in chain.dropFirst() {
            guard copenssl_ctx_add_chain_certificate(raw, intermediate.raw) == 1 else {
                throw refused("an intermediate certificate cannot be used", certificateChainFile)
            }
        }
        guard X509_check_private_key(chain[0].raw, key.raw) == 1 else {
            ERR_clear_error()
            throw .configuration(
                "the private key does not belong to the certificate in \(certificateChainFile)",
                file: privateKeyFile
            )
        }
        guard SSL_CTX_use_PrivateKey(raw, key.raw) == 1, SSL_CTX_check_private_key(raw) == 1 else {
            throw refused("the private key cannot be used", privateKeyFile)
        }
    }

    /// Server: sessions live with the clients as encrypted tickets, so they cost no memory here.
    ///
    /// The ticket key is this context's own random one: a reload starts with a new key.
    func keepSessionsInTickets() {
        copenssl_ctx_set_session_cache_mode(raw, Int(SSL_SESS_CACHE_OFF))
        SSL_CTX_set_num_tickets(raw, 1)  // the default of 2 serves browsers that open connections in pairs
        let scope = Array("headgate".utf8)
        SSL_CTX_set_session_id_context(raw, scope, UInt32(scope.count))
    }

    /// Client: the system's roots, looked up on disk as they are needed, or the certificates of one file.
    func trustRoots(from file: String?) throws(TLSError) {
        guard let file else {
            guard SSL_CTX_set_default_verify_paths(raw) == 1 else { throw .internalFailure("no system roots") }
            return
        }
        let roots = try PEMFile(path: file).certificates()
        guard let store = SSL_CTX_get_cert_store(raw) else { throw .internalFailure("no trust store") }
        for root in roots {
            guard X509_STORE_add_cert(store, root.raw) == 1 else {
                throw refused("a certificate cannot be trusted", file)
            }
        }
        // The operator named these certificates, so each is an anchor even when it is not self-signed.
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    }

    /// Client: offers `alpn` in the wire form, each name after its length.
    func offerProtocols() throws(TLSError) {
        guard !alpn.isEmpty else { return }
        let wire = alpn.flatMap { [UInt8($0.count)] + $0 }
        // This one function answers 0 for success.
        guard SSL_CTX_set_alpn_protos(raw, wire, UInt32(wire.count)) == 0 else { throw .internalFailure("no ALPN") }
    }

    private func refused(_ what: String, _ file: String) -> TLSError {
        .configuration("\(what): \(TLSError.reason(of: TLSError.takeQueuedError()))", file: file)
    }
}

/// Server: picks our most preferred protocol among those the client offers; refuses when there is none (RFC 7301 3.2).
func selectProtocol(
    _ ssl: OpaquePointer?,
    _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenLength: UnsafeMutablePointer<UInt8>?,
    _ offered: UnsafePointer<UInt8>?,
    _ offeredLength: UInt32,
    _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let engine = TLSEngine.engine(of: ssl), let offered else { return SSL_TLSEXT_ERR_NOACK }
    for ours in engine.context.alpn {
        var position = 0
        while position < Int(offeredLength) {
            let length = Int(offered[position])
            let start = offered + position + 1
            guard position + 1 + length <= Int(offeredLength) else { return SSL_TLSEXT_ERR_ALERT_FATAL }
            if ours.elementsEqual(UnsafeBufferPointer(start: start, count: length)) {
                chosen?.pointee = start
                chosenLength?.pointee = UInt8(length)
                return SSL_TLSEXT_ERR_OK
            }
            position += 1 + length
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
}

/// Client: a session arrived. The answer 0 leaves OpenSSL its reference.
func keepSession(_ ssl: OpaquePointer?, _ session: OpaquePointer?) -> Int32 {
    guard let session else { return 0 }
    TLSEngine.engine(of: ssl)?.keep(session: session)
    return 0
}
