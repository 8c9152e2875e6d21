import TestAuthority
import Testing

@testable import TLS

@Suite struct VerificationTests {
    let authority: TestAuthority

    init() throws {
        authority = try .make()
    }

    /// The client's verdict on a server; nil when it accepts.
    func verdict(on server: TLSContext, as name: String, client: TLSContext? = nil) throws -> TLSError.Code? {
        let pair = try Joined(client: client ?? authority.client(), server: server, serverName: name)
        let steps = pair.handshake()
        if code(steps.client) == nil {
            #expect(steps == (.done, .done))
        } else {
            #expect(code(steps.server) == .peerAlert || steps.server == .done)
        }
        return code(steps.client)
    }

    @Test(arguments: [
        ("localhost", "localhost", nil),
        ("localhost", "LocalHost.", nil),
        ("localhost", "example.org", TLSError.Code.nameMismatch),
        ("example.org", "sub.example.org", .nameMismatch),
        ("*.example.org", "a.example.org", nil),
        ("*.example.org", "example.org", .nameMismatch),
        ("*.example.org", "a.b.example.org", .nameMismatch),
        ("a*.example.org", "ab.example.org", .nameMismatch),
        ("127.0.0.1", "127.0.0.1", .nameMismatch),  // an address written as a name certifies no address
    ])
    func `the certificate must be for the name`(certified: String, asked: String, expected: TLSError.Code?) throws {
        #expect(try verdict(on: authority.server(name: certified), as: asked) == expected)
    }

    @Test(arguments: [
        ("127.0.0.1", nil),
        ("::1", nil),
        ("[::1]", nil),
        ("0:0:0:0:0:0:0:1", nil),
        ("fe80::1%eth0", nil),
        ("127.0.0.2", TLSError.Code.nameMismatch),
        ("::2", .nameMismatch),
        ("localhost", .nameMismatch),
    ])
    func `the certificate must be for the address`(asked: String, expected: TLSError.Code?) throws {
        let server = try authority.server(name: nil, ip: ["127.0.0.1", "::1", "fe80::1"])
        #expect(try verdict(on: server, as: asked) == expected)
    }

    @Test func `the common name does not count`() throws {
        let identity = try authority.issue(name: nil, commonName: "localhost")
        let server = try TLSContext.server(
            certificateChainFile: identity.certificateFile,
            privateKeyFile: identity.keyFile
        )
        #expect(try verdict(on: server, as: "localhost") == .nameMismatch)
    }

    @Test func `addresses are not sent as server names`() throws {
        let pair = try Joined(
            client: authority.client(),
            server: authority.server(ip: ["127.0.0.1"]),
            serverName: "127.0.0.1"
        )
        #expect(pair.handshake() == (.done, .done))
        #expect(pair.server.requestedServerName == nil)
    }

    @Test func `an expired certificate is refused as such`() throws {
        let server = try authority.server(notBefore: .seconds(-7200), notAfter: .seconds(-3600))
        #expect(try verdict(on: server, as: "localhost") == .certificateExpired)
    }

    @Test func `a certificate of tomorrow is refused as such`() throws {
        let server = try authority.server(notBefore: .seconds(86400), notAfter: .seconds(2 * 86400))
        #expect(try verdict(on: server, as: "localhost") == .certificateNotYetValid)
    }

    @Test func `a self-signed certificate and a stranger's are untrusted`() throws {
        #expect(try verdict(on: authority.server(selfSigned: true), as: "localhost") == .untrusted)
        #expect(try verdict(on: TestAuthority.make().server(), as: "localhost") == .untrusted)
    }

    @Test func `the system's roots do not know the test authority`() throws {
        #expect(try verdict(on: authority.server(), as: "localhost", client: .client()) == .untrusted)
    }

    @Test func `a self-signed certificate named as the trusted one is accepted`() throws {
        let identity = try authority.issue(selfSigned: true)
        let server = try TLSContext.server(
            certificateChainFile: identity.certificateFile,
            privateKeyFile: identity.keyFile
        )
        let pinning = try TLSContext.client(.init(trustRootsFile: identity.certificateFile))
        #expect(try verdict(on: server, as: "localhost", client: pinning) == nil)
    }

    @Test func `intermediates are sent`() throws {
        let between = try authority.makeIntermediate()
        #expect(try verdict(on: between.server(), as: "localhost") == nil)
    }

    @Test func `an intermediate alone may be trusted`() throws {
        let between = try authority.makeIntermediate()
        let identity = try between.issue()
        let server = try TLSContext.server(
            certificateChainFile: identity.certificateFile,
            privateKeyFile: identity.keyFile
        )
        let client = try TLSContext.client(.init(trustRootsFile: identity.certificateFile))
        #expect(try verdict(on: server, as: "localhost", client: client) == nil)
    }

    @Test func `without verification anybody is accepted`() throws {
        let trusting = try TLSContext.client(.init(verifies: false))
        let server = try authority.server(name: "other", notAfter: .seconds(-60), selfSigned: true)
        #expect(try verdict(on: server, as: "localhost", client: trusting) == nil)
    }

    @Test func `errors name the server and where trust comes from`() throws {
        let pair = try Joined(client: authority.client(), server: authority.server(selfSigned: true))
        guard case .failed(let error) = pair.handshake().client else {
            Issue.record("accepted")
            return
        }
        #expect(error.detail.contains("localhost"))
        #expect(error.detail.contains(authority.caFile))
    }

    @Test(arguments: [
        "", ".", "[]", "ex ample.org", "b\u{FC}cher.example", "a\u{0}b", String(repeating: "a", count: 254),
    ])
    func `impossible server names are refused`(name: String) throws {
        let client = try authority.client()
        let error = #expect(throws: TLSError.self) {
            try TLSEngine(context: client, role: .client(serverName: name))
        }
        #expect(error?.code == .configuration)
    }
}
