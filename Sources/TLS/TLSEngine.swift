import COpenSSL

/// One TLS connection as an engine: ciphertext and plain bytes go in, plain bytes and ciphertext come out; no sockets.
///
/// Not Sendable: it lives on one loop. The order of use is `receive` what the socket brought, then `handshake()` until
/// `.done`, then `read(into:)` until it is no longer `.done`. After any call but those to properties there may be
/// ciphertext to send: `takeOutbound()`. That holds after a failure too: the last bytes are the alert that tells the
/// peer why, so send them before closing the socket.
public final class TLSEngine {
    /// Which side of the connection this is.
    public enum Role: Sendable, Equatable {
        /// The accepting side.
        case server
        /// The connecting side. `serverName` is the host name or IP literal (brackets allowed) that the server's
        /// certificate must be issued for; names, not addresses, are also sent to the server (SNI).
        case client(serverName: String)
    }

    /// How far the handshake is.
    public enum Step: Sendable, Equatable {
        /// Finished: `read` and `write` may be used, and bytes may be waiting to be read already.
        case done
        /// Waits for the peer: send the outbound bytes, then `receive` more.
        case needsMoreBytes
        /// Over; every later call gives the same error.
        case failed(TLSError)
    }

    /// What a read brought.
    public enum ReadResult: Sendable, Equatable {
        /// This many plain bytes were written to the buffer; there may be more, so read again.
        case done(Int)
        /// Nothing left: `receive` more.
        case needsMoreBytes
        /// The peer closed its side properly (close_notify); writing is still possible.
        case closed
        /// `.closedEarly`: the transport ended without close_notify, so the bytes so far may have been cut; writing is
        /// still possible. Anything else: the connection is over, and every later call gives the same error.
        case failed(TLSError)
    }

    let context: TLSContext
    /// Client: the key of the session cache, and the name in errors.
    private let serverName: String
    private let ssl: OpaquePointer  // SSL *, owned
    private var inbound: [UInt8] = []  // ciphertext not yet consumed, from `inboundStart` on
    private var inboundStart = 0
    private var lent = UnsafeRawBufferPointer(start: nil, count: 0)  // what `withReceived` lends, after `inbound`
    private var outbound: [UInt8] = []
    private var transportEnded = false
    private var isEstablished = false
    private var receivedCloseNotify = false
    private var failure: TLSError?

    /// A connection before its handshake.
    ///
    /// Throws `.configuration` when the server name is empty, too long or not ASCII (international names go in their
    /// `xn--` form). Traps when the role does not match the context's.
    public init(context: TLSContext, role: Role) throws(TLSError) {
        var target = PeerName(unchecked: "")
        if case .client(let name) = role { target = try PeerName(name) }
        precondition((role == .server) == (context.role == .server), "TLS context of the other role")
        ERR_clear_error()
        guard let ssl = SSL_new(context.raw) else { throw .internalFailure("no connection") }
        self.context = context
        self.ssl = ssl
        serverName = target.text
        guard let bio = TransportBIO.make(for: self) else { throw .internalFailure("no transport") }
        SSL_set_bio(ssl, bio, bio)  // takes the one reference
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        switch role {
        case .server: SSL_set_accept_state(ssl)
        case .client: try connectState(to: target)
        }
    }

    deinit { SSL_free(ssl) }

    private func connectState(to target: PeerName) throws(TLSError) {
        SSL_set_connect_state(ssl)
        guard target.apply(to: ssl, verifies: context.verifies) else { throw .internalFailure("no server name") }
        context.sessions.session(for: serverName)?.offer(on: ssl)
    }

    // MARK: Ciphertext

    /// Takes in ciphertext that the socket brought, by copying it.
    public func receive(_ ciphertext: UnsafeRawBufferPointer) {
        if inboundStart > 0 {
            inbound.removeFirst(inboundStart)
            inboundStart = 0
        }
        inbound.append(contentsOf: ciphertext)
    }

    /// Lends ciphertext that the socket brought to the calls made in `body`, and copies only what they leave over.
    ///
    /// Cheaper than `receive` when `body` reads until `.needsMoreBytes`, as it leaves part of a record at most.
    public func withReceived<R, E: Error>(_ ciphertext: UnsafeRawBufferPointer, _ body: () throws(E) -> R) throws(E)
        -> R
    {
        precondition(lent.isEmpty, "withReceived inside withReceived")
        lent = ciphertext
        defer {
            let rest = lent
            lent = UnsafeRawBufferPointer(start: nil, count: 0)
            if !rest.isEmpty { receive(rest) }
        }
        return try body()
    }

    /// Notes that the transport ended: the socket's read gave zero bytes, or an error.
    ///
    /// What was received before can still be read; then reads give `.closed` if close_notify was there and
    /// `.failed` with `.closedEarly` if not.
    public func receivedEnd() {
        transportEnded = true
    }

    /// Whether there is ciphertext to send.
    public var hasOutbound: Bool { !outbound.isEmpty }

    /// How many bytes of ciphertext wait to be sent.
    public var outboundCount: Int { outbound.count }

    /// Hands the ciphertext to send over to the caller; empty when there is none. Copies nothing.
    public func takeOutbound() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &outbound)
        return taken
    }

    // MARK: Handshake, reading, writing

    /// Goes on with the handshake as far as the received bytes allow. Harmless after `.done`.
    public func handshake() -> Step {
        if let failure { return .failed(failure) }
        if isEstablished { return .done }
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            isEstablished = true
            return .done
        }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ where !transportEnded: return .needsMoreBytes
        case SSL_ERROR_WANT_READ, SSL_ERROR_ZERO_RETURN: return .failed(fail(with: .closedEarly))
        default: return .failed(fail(with: queuedFailure()))
        }
    }

    /// Decrypts into `buffer`, across records, until it is full or the received bytes are used up.
    ///
    /// 16 KiB or more spare OpenSSL from keeping the rest of a record. Only after the handshake; traps before it.
    public func read(into buffer: UnsafeMutableRawBufferPointer) -> ReadResult {
        precondition(isEstablished || failure != nil, "read before the handshake was done")
        var total = 0
        while failure == nil, !receivedCloseNotify, total < buffer.count {
            var got = 0
            ERR_clear_error()
            let result = SSL_read_ex(ssl, buffer.baseAddress.map { $0 + total }, buffer.count - total, &got)
            if result == 1 {
                total += got
                continue
            }
            switch SSL_get_error(ssl, result) {
            case SSL_ERROR_WANT_READ:
                if total > 0 { return .done(total) }
                return transportEnded ? .failed(.closedEarly) : .needsMoreBytes
            case SSL_ERROR_ZERO_RETURN: receivedCloseNotify = true
            default: fail(with: queuedFailure())
            }
        }
        // Data that came whole before the end or the error is delivered first.
        if total > 0 || buffer.isEmpty { return .done(total) }
        if let failure { return .failed(failure) }
        return .closed
    }

    /// Encrypts all of `plain` into the outbound bytes.
    ///
    /// Only after the handshake; traps before it. Throws the connection's error when it has failed, and
    /// `.protocolError` after `shutdown()`.
    public func write(_ plain: UnsafeRawBufferPointer) throws(TLSError) {
        precondition(isEstablished || failure != nil, "write before the handshake was done")
        if let failure { throw failure }
        guard !plain.isEmpty else { return }
        // A record carries at most 16 KiB and costs 29 bytes at most with the ciphers we allow.
        if outbound.isEmpty { outbound.reserveCapacity(plain.count + 32 * (plain.count >> 14 + 1)) }
        var written = 0
        ERR_clear_error()
        guard SSL_write_ex(ssl, plain.baseAddress, plain.count, &written) == 1, written == plain.count else {
            throw fail(with: queuedFailure())
        }
    }

    /// Queues close_notify: nothing will be written after it. Does nothing before the handshake, after a failure or
    /// the second time.
    public func shutdown() {
        guard isEstablished, failure == nil, SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0 else { return }
        ERR_clear_error()
        SSL_shutdown(ssl)
        ERR_clear_error()
    }

    // MARK: What was agreed

    /// The application protocol both sides agreed on; nil when none was negotiated.
    public var negotiatedProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &length)
        guard let name, length > 0 else { return nil }
        return String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self)
    }

    /// Whether the handshake went on from an earlier connection's session.
    public var isResumed: Bool { SSL_session_reused(ssl) == 1 }

    /// The protocol's version for logs, as "TLSv1.3".
    public var protocolVersion: String { String(cString: SSL_get_version(ssl)) }

    /// The cipher suite for logs, as "TLS_AES_128_GCM_SHA256"; nil before it is agreed on.
    public var cipherName: String? {
        guard let cipher = SSL_get_current_cipher(ssl) else { return nil }
        return String(cString: SSL_CIPHER_get_name(cipher))
    }

    /// Server: the name the client asked for (SNI), as sent and not to be trusted; nil when it sent none.
    public var requestedServerName: String? {
        SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
    }
}

// MARK: - Failing

extension TLSEngine {
    @discardableResult
    private func fail(with error: TLSError) -> TLSError {
        failure = error
        // Should the session be to blame, the next connection does without.
        if context.role == .client && error.code != .closedEarly { context.sessions.forget(serverName) }
        inbound = []
        inboundStart = 0
        return error
    }

    /// Says why the call just made failed.
    private func queuedFailure() -> TLSError {
        let queued = TLSError.takeQueuedError()
        let verdict = Int32(SSL_get_verify_result(ssl))
        if context.verifies, verdict != X509_V_OK, ERR_GET_REASON(queued) == SSL_R_CERTIFICATE_VERIFY_FAILED {
            return .verification(verdict, serverName: serverName, trust: context.trust)
        }
        return .connection(queued, isEstablished: isEstablished)
    }
}

// MARK: - For OpenSSL's callbacks

extension TLSEngine {
    /// The engine that owns this SSL.
    static func engine(of ssl: OpaquePointer?) -> TLSEngine? {
        guard let ssl, let pointer = SSL_get_ex_data(ssl, 0) else { return nil }
        return Unmanaged<TLSEngine>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Moves up to `destination.count` bytes of ciphertext to OpenSSL.
    func takeInbound(_ destination: UnsafeMutableRawBufferPointer) -> Int {
        let held = inbound.count - inboundStart
        if held > 0 {
            let count = min(held, destination.count)
            inbound.withUnsafeBytes { bytes in
                destination.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[inboundStart..<inboundStart + count])
                )
            }
            inboundStart += count
            if inboundStart == inbound.count {  // an idle connection holds nothing
                inbound = []
                inboundStart = 0
            }
            return count
        }
        let count = min(lent.count, destination.count)
        destination.copyMemory(from: UnsafeRawBufferPointer(rebasing: lent[..<count]))
        lent = UnsafeRawBufferPointer(rebasing: lent[count...])
        return count
    }

    /// Queues ciphertext from OpenSSL.
    func appendOutbound(_ ciphertext: UnsafeRawBufferPointer) {
        outbound.append(contentsOf: ciphertext)
    }

    /// Remembers the session for later connections to this server.
    func keep(session: OpaquePointer) {
        guard let copy = SessionCache.Session(copying: session) else { return }
        context.sessions.store(copy, for: serverName)
    }
}
