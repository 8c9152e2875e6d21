import COpenSSL
import Glibc

/// When a certificate is valid, from now.
struct Lifetime {
    var notBefore: Duration
    var notAfter: Duration

    static let aroundNow = Lifetime(notBefore: .seconds(-366 * 86400), notAfter: .seconds(366 * 86400))
}

/// What a certificate is to say.
struct CertificateRequest {
    var commonName: String
    var names: [String] = []
    var addresses: [String] = []
    var isAuthority: Bool
    var lifetime: Lifetime

    var alternativeNames: String {
        (names.map { "DNS:\($0)" } + addresses.map { "IP:\($0)" }).joined(separator: ",")
    }
}

/// A certificate with its private key (P-256: quick to make).
///
/// Not checked: both are complete when `init` ends and only read afterwards.
final class SigningIdentity: @unchecked Sendable {
    private let certificate: OpaquePointer  // X509 *, owned
    private let key: OpaquePointer  // EVP_PKEY *, owned

    /// A certificate for a new key, signed by `issuer` or, without one, by itself.
    init(_ request: CertificateRequest, signedBy issuer: SigningIdentity?) throws {
        guard let certificate = X509_new(), let key = copenssl_new_p256_key() else {
            throw TestAuthority.Failure(description: "no memory for a certificate")
        }
        self.certificate = certificate
        self.key = key
        X509_set_version(certificate, 2)  // version 3
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), UInt64.random(in: 1...UInt64(Int64.max)))
        X509_gmtime_adj(X509_getm_notBefore(certificate), Int(request.lifetime.notBefore.components.seconds))
        X509_gmtime_adj(X509_getm_notAfter(certificate), Int(request.lifetime.notAfter.components.seconds))
        X509_set_pubkey(certificate, key)
        let subject = X509_get_subject_name(certificate)
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, request.commonName, -1, -1, 0)
        X509_set_issuer_name(certificate, issuer.map { X509_get_subject_name($0.certificate) } ?? subject)
        try addExtensions(for: request, issuer: issuer?.certificate ?? certificate)
        guard X509_sign(certificate, issuer?.key ?? key, EVP_sha256()) > 0 else {
            throw TestAuthority.Failure(description: "cannot sign")
        }
    }

    deinit {
        X509_free(certificate)
        EVP_PKEY_free(key)
    }

    private func addExtensions(for request: CertificateRequest, issuer: OpaquePointer) throws {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer, certificate, nil, nil, 0)
        var extensions: [(Int32, String)] = [(NID_subject_key_identifier, "hash")]
        if issuer != certificate { extensions.append((NID_authority_key_identifier, "keyid")) }
        if request.isAuthority {
            extensions.append((NID_basic_constraints, "critical,CA:TRUE"))
            extensions.append((NID_key_usage, "critical,keyCertSign,cRLSign"))
        } else {
            extensions.append((NID_basic_constraints, "critical,CA:FALSE"))
            extensions.append((NID_ext_key_usage, "serverAuth,clientAuth"))
        }
        if !request.alternativeNames.isEmpty {
            extensions.append((NID_subject_alt_name, request.alternativeNames))
        }
        for (kind, value) in extensions {
            guard let made = X509V3_EXT_conf_nid(nil, &context, kind, value) else {
                throw TestAuthority.Failure(description: "cannot make extension \(value)")
            }
            X509_add_ext(certificate, made, -1)
            X509_EXTENSION_free(made)
        }
    }

    /// The certificate as PEM.
    func certificatePEM() throws -> [UInt8] {
        try pem { PEM_write_bio_X509($0, certificate) }
    }

    /// The private key as PEM, unencrypted.
    func keyPEM() throws -> [UInt8] {
        try pem { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
    }

    /// The private key as PEM, encrypted with a passphrase.
    func encryptedKeyPEM(passphrase: String) throws -> [UInt8] {
        try pem {
            PEM_write_bio_PKCS8PrivateKey(
                $0,
                key,
                EVP_aes_128_cbc(),
                passphrase,
                Int32(passphrase.utf8.count),
                nil,
                nil
            )
        }
    }

    private func pem(_ write: (OpaquePointer) -> Int32) throws -> [UInt8] {
        guard let memory = BIO_new(BIO_s_mem()) else { throw TestAuthority.Failure(description: "no memory") }
        defer { BIO_free(memory) }
        guard write(memory) == 1 else { throw TestAuthority.Failure(description: "cannot write PEM") }
        var bytes = [UInt8](repeating: 0, count: Int(BIO_ctrl_pending(memory)))
        guard BIO_read(memory, &bytes, Int32(bytes.count)) == bytes.count else {
            throw TestAuthority.Failure(description: "cannot read PEM back")
        }
        return bytes
    }
}
