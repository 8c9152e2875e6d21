import Glibc
import TestAuthority
import Testing

@testable import TLS

@Suite struct TLSContextTests {
    let authority: TestAuthority
    let identity: TestAuthority.Identity

    init() throws {
        authority = try .make()
        identity = try authority.issue()
    }

    /// The error of making a server context.
    func serverError(certificate: String? = nil, key: String? = nil) -> TLSError? {
        let certificate = certificate ?? identity.certificateFile
        let key = key ?? identity.keyFile
        return #expect(throws: TLSError.self) {
            try TLSContext.server(certificateChainFile: certificate, privateKeyFile: key)
        }
    }

    func file(_ name: String, _ content: String) throws -> String {
        let path = "\(authority.directory)/\(name)"
        try authority.write(Array(content.utf8), to: path)
        return path
    }

    @Test func `missing files are named`() {
        for path in ["/nonexistent/certificate.pem", "\(authority.directory)/none"] {
            #expect(serverError(certificate: path) == TLSError(.configuration, "no such file", file: path))
            #expect(serverError(key: path) == TLSError(.configuration, "no such file", file: path))
        }
        #expect(serverError(key: authority.directory)?.detail == "is a directory")
    }

    @Test(.enabled(if: geteuid() != 0, "root may read everything"))
    func `unreadable files are named`() throws {
        let path = try file("secret.key", "x")
        chmod(path, 0)
        #expect(serverError(key: path) == TLSError(.configuration, "permission denied", file: path))
    }

    @Test func `a file that never ends or is far too large is refused`() {
        #expect(serverError(certificate: "/dev/zero")?.detail == "larger than 4 MiB")
        #expect(serverError(certificate: "/dev/null")?.detail == "holds no certificate in PEM form")
    }

    @Test func `a key of another certificate is refused, naming both files`() throws {
        let other = try authority.issue()
        let error = serverError(key: other.keyFile)
        #expect(error?.file == other.keyFile)
        #expect(error?.detail == "the private key does not belong to the certificate in \(identity.certificateFile)")
    }

    @Test func `files that hold something else are refused`() throws {
        #expect(serverError(certificate: identity.keyFile)?.detail == "holds no certificate in PEM form")
        #expect(serverError(key: identity.certificateFile)?.detail == "holds no private key in PEM form")
        let text = try file("text.pem", "not a certificate\n")
        #expect(serverError(certificate: text)?.detail == "holds no certificate in PEM form")
        #expect(serverError(key: text)?.detail == "holds no private key in PEM form")
    }

    @Test func `damaged PEM is refused without showing its content`() throws {
        let marker = "Q0FOQVJZ"
        let certificate = try file(
            "bad.pem",
            "-----BEGIN CERTIFICATE-----\n\(marker)\n-----END CERTIFICATE-----\n"
        )
        let key = try file("bad.key", "-----BEGIN PRIVATE KEY-----\n\(marker)\n-----END PRIVATE KEY-----\n")
        let cut = try file("cut.key", "-----BEGIN PRIVATE KEY-----\n\(marker)\n")
        for error in [serverError(certificate: certificate), serverError(key: key), serverError(key: cut)] {
            #expect(error?.code == .configuration)
            #expect(error?.detail.contains("is not valid PEM") == true)
            #expect(error?.description.contains(marker) == false)
            #expect(error?.description.contains("CANARY") == false)
        }
    }

    @Test func `a damaged certificate after a good one is counted`() throws {
        let good = try String(decoding: read(identity.certificateFile), as: UTF8.self)
        let path = try file("second.pem", good + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        #expect(serverError(certificate: path)?.detail.hasPrefix("certificate 2 is not valid PEM") == true)
    }

    @Test func `an encrypted key is refused and nobody is asked for a passphrase`() throws {
        let encrypted = try authority.issueEncryptedKey()
        #expect(
            serverError(key: encrypted)
                == TLSError(.configuration, "the private key is encrypted; a plain one is needed", file: encrypted)
        )
    }

    @Test func `certificate and key may share a file`() throws {
        let both = "\(authority.directory)/both.pem"
        try authority.write(read(identity.keyFile) + read(identity.certificateFile), to: both)
        let server = try TLSContext.server(certificateChainFile: both, privateKeyFile: both)
        let pair = try Joined(client: authority.client(), server: server)
        #expect(pair.handshake() == (.done, .done))
    }

    @Test func `trust files are checked`() throws {
        for (path, detail) in [
            ("/nonexistent/ca.pem", "no such file"), (identity.keyFile, "holds no certificate in PEM form"),
        ] {
            let error = #expect(throws: TLSError.self) { try TLSContext.client(.init(trustRootsFile: path)) }
            #expect(error == TLSError(.configuration, detail, file: path))
        }
    }

    @Test func `client certificates are checked and used`() throws {
        let error = #expect(throws: TLSError.self) {
            try TLSContext.client(.init(clientKeyFile: identity.keyFile))
        }
        #expect(error?.file == identity.keyFile)
        _ = try TLSContext.client(
            .init(clientCertificateFile: identity.certificateFile, clientKeyFile: identity.keyFile)
        )
    }

    @Test(arguments: [
        (["http/1.1"], ["h2", "http/1.1"], "http/1.1"),
        (["h2", "http/1.1"], ["http/1.1", "h2"], "h2"),
        ([], ["http/1.1"], nil),
        (["http/1.1"], [], nil),
    ])
    func `the server's preferred common protocol is chosen`(ours: [String], offered: [String], chosen: String?) throws {
        let pair = try Joined(client: authority.client(alpn: offered), server: authority.server(alpn: ours))
        #expect(pair.handshake() == (.done, .done))
        #expect(pair.client.negotiatedProtocol == chosen)
        #expect(pair.server.negotiatedProtocol == chosen)
    }

    @Test func `no common protocol ends the handshake`() throws {
        let pair = try Joined(client: authority.client(alpn: ["h2"]), server: authority.server())
        let steps = pair.handshake()
        #expect(code(steps.client) == .peerAlert)
        #expect(code(steps.server) == .protocolError)
    }

    @Test(arguments: ["", String(repeating: "p", count: 256)])
    func `impossible protocol names are refused`(name: String) throws {
        let error = #expect(throws: TLSError.self) { try TLSContext.client(.init(alpn: [name])) }
        #expect(error?.code == .configuration)
    }

    private func read(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return Array(bytes[..<max(count, 0)])
    }
}
