/// What went wrong in a TLS context or on a TLS connection.
///
/// `description` and `detail` never hold key material; they may name files and the server that was asked for, so they
/// are meant for operators.
public struct TLSError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The closed set of causes, fit for metric labels through `rawValue`.
    public enum Code: String, Sendable, CaseIterable {
        /// A certificate in the peer's chain is past its last day.
        case certificateExpired = "certificate_expired"
        /// A certificate in the peer's chain is not valid yet; often this machine's clock is wrong.
        case certificateNotYetValid = "certificate_not_yet_valid"
        /// The peer's certificate was issued for other names or addresses than the one we connect to.
        case nameMismatch = "certificate_name_mismatch"
        /// The peer's chain does not end at a trusted root, or the certificate is self-signed.
        case untrusted = "certificate_untrusted"
        /// The peer's chain has another fault: a wrong purpose, a bad signature, a revoked or too weak certificate.
        case certificateInvalid = "certificate_invalid"
        /// The peer refused us with a fatal alert; `detail` says which.
        case peerAlert = "peer_alert"
        /// The peer's first bytes are not TLS, as when one side of a connection speaks plain HTTP.
        case notTLS = "not_tls"
        /// The peer broke the protocol, or there is no version or cipher that both sides accept.
        case protocolError = "protocol_error"
        /// The transport ended without the peer's close_notify: what was read may have been cut short.
        case closedEarly = "closed_early"
        /// A certificate, key or trust file cannot be used, or an option is invalid; `file` names the file.
        case configuration
        /// OpenSSL refused something that only a lack of memory or a mistake of ours explains.
        case internalError = "internal_error"
    }

    /// The cause.
    public let code: Code
    /// The cause in words, for operators.
    public let detail: String
    /// The file at fault; nil unless `code` is `.configuration` and a file is to blame.
    public let file: String?

    /// An error with its cause in words.
    public init(_ code: Code, _ detail: String, file: String? = nil) {
        self.code = code
        self.detail = detail
        self.file = file
    }

    /// The code, the file where there is one, and the detail.
    public var description: String {
        if let file { return "\(code.rawValue): \(file): \(detail)" }
        return "\(code.rawValue): \(detail)"
    }
}
