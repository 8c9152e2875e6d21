import COpenSSL

extension TLSError {
    /// The first entry of this thread's error queue that explains the failure; empties the queue.
    ///
    /// Call right after the failed OpenSSL call and on the same thread. Entries below the first are consequences.
    static func takeQueuedError() -> UInt {
        let first = ERR_get_error()
        ERR_clear_error()
        return first
    }

    /// The reason in OpenSSL's own constant words; never data from the peer or from a file.
    static func reason(of queued: UInt) -> String {
        guard queued != 0, let text = ERR_reason_error_string(queued) else { return "no reason given by OpenSSL" }
        return String(cString: text)
    }

    /// An error of a context under construction.
    static func configuration(_ detail: String, file: String? = nil) -> TLSError {
        TLSError(.configuration, detail, file: file)
    }

    /// Our own failure, with what OpenSSL has to say about it.
    static func internalFailure(_ what: String) -> TLSError {
        TLSError(.internalError, "\(what): \(reason(of: takeQueuedError()))")
    }

    /// Classifies a failed handshake, read or write from the queue's first entry.
    ///
    /// Verification failures are classified by `verification(_:serverName:trust:)` instead.
    static func connection(_ queued: UInt, isEstablished: Bool) -> TLSError {
        guard queued != 0, ERR_GET_LIB(queued) == ERR_LIB_SSL else {
            return TLSError(.protocolError, reason(of: queued))
        }
        let code = ERR_GET_REASON(queued)
        switch code {
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST:
            return TLSError(.notTLS, "the peer sent a plain HTTP request")
        case SSL_R_WRONG_VERSION_NUMBER where !isEstablished:
            return TLSError(.notTLS, "the peer's bytes are not a TLS record: \(reason(of: queued))")
        case SSL_AD_REASON_OFFSET + 1...SSL_AD_REASON_OFFSET + 255:
            // OpenSSL files an alert from the peer under 1000 plus the alert's number.
            return TLSError(.peerAlert, "\(reason(of: queued)) (alert \(code - SSL_AD_REASON_OFFSET))")
        default:
            return TLSError(.protocolError, reason(of: queued))
        }
    }

    /// The transport ended and no close_notify had come.
    static var closedEarly: TLSError {
        TLSError(.closedEarly, "the connection ended without close_notify")
    }

    /// Classifies the verdict on the peer's certificate chain (`X509_V_ERR_*`).
    ///
    /// - Parameters:
    ///   - verdict: the result of `SSL_get_verify_result`, not `X509_V_OK`.
    ///   - serverName: the name or address that was to be certified.
    ///   - trust: where trusted roots come from, in words.
    static func verification(_ verdict: Int32, serverName: String, trust: String) -> TLSError {
        let words = String(cString: X509_verify_cert_error_string(Int(verdict)))
        let code: Code
        switch verdict {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            code = .certificateExpired
        case X509_V_ERR_CERT_NOT_YET_VALID:
            code = .certificateNotYetValid
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            return TLSError(.nameMismatch, "the certificate is not for \(serverName) (\(words))")
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED, X509_V_ERR_INVALID_CA:
            return TLSError(.untrusted, "\(words) (server \(serverName), trusted roots: \(trust))")
        default:
            code = .certificateInvalid
        }
        return TLSError(code, "\(words) (server \(serverName))")
    }
}
