import COpenSSL
import TestAuthority
import Testing

@testable import TLS

@Suite struct TLSEngineTests {
    let authority: TestAuthority
    let client: TLSContext
    let server: TLSContext

    init() throws {
        authority = try .make()
        client = try authority.client()
        server = try authority.server()
    }

    func joined(chunk: Int = .max) throws -> Joined {
        try Joined(client: client, server: server, chunk: chunk)
    }

    func established(chunk: Int = .max) throws -> Joined {
        let pair = try joined(chunk: chunk)
        let steps = pair.handshake()
        try #require(steps == (.done, .done))
        return pair
    }

    @Test(arguments: [1, 2, 7, 1400, .max], [false, true])
    func `a handshake succeeds in pieces of any size`(chunk: Int, lends: Bool) throws {
        let pair = try joined(chunk: chunk)
        pair.lends = lends
        #expect(pair.handshake() == (.done, .done))
        #expect(pair.client.protocolVersion == "TLSv1.3")
        #expect(pair.client.cipherName == "TLS_AES_128_GCM_SHA256")
        #expect(pair.client.negotiatedProtocol == "http/1.1")
        #expect(pair.server.negotiatedProtocol == "http/1.1")
        #expect(pair.server.requestedServerName == "localhost")
        #expect(!pair.client.isResumed)
        #expect(!pair.client.hasOutbound)
    }

    @Test(arguments: [61, 1400, 16384, 65536, .max], [false, true])
    func `a megabyte arrives unchanged both ways in odd splits`(chunk: Int, lends: Bool) throws {
        let pair = try established(chunk: chunk)
        pair.lends = lends
        let data = pattern(1 << 20)
        for sender in [pair.client, pair.server] {
            try sender.write(data)
            let arrived = pair.transfer(from: sender, readSize: 9973)
            #expect(arrived.bytes == data)
            #expect(arrived.last == .needsMoreBytes)
        }
    }

    @Test func `data crosses one byte at a time`() throws {
        let pair = try established(chunk: 1)
        let data = pattern(3000)
        for sender in [pair.client, pair.server] {
            for byte in data { try sender.write([byte]) }
            #expect(pair.transfer(from: sender, readSize: 1).bytes == data)
        }
    }

    @Test func `many writes make one outbound run that is handed over once`() throws {
        let pair = try established()
        try pair.server.write("one")
        try pair.server.write("two")
        try pair.server.write([])
        #expect(pair.server.hasOutbound)
        #expect(pair.server.outboundCount > 6)
        #expect(pair.transfer(from: pair.server).bytes == Array("onetwo".utf8))
        #expect(pair.server.takeOutbound().isEmpty)
    }

    @Test func `bytes sent with the client's last handshake message are read after it`() throws {
        let pair = try joined()
        _ = pair.client.handshake()
        pair.client.takeOutbound().withUnsafeBytes { pair.server.receive($0) }
        #expect(pair.server.handshake() == .needsMoreBytes)
        pair.server.takeOutbound().withUnsafeBytes { pair.client.receive($0) }
        #expect(pair.client.handshake() == .done)
        try pair.client.write("early")
        pair.client.takeOutbound().withUnsafeBytes { pair.server.receive($0) }
        #expect(pair.server.handshake() == .done)
        var bytes: [UInt8] = []
        #expect(pair.server.drain(into: &bytes) == .needsMoreBytes)
        #expect(bytes == Array("early".utf8))
    }

    @Test func `close_notify is a clean end and the other direction stays open`() throws {
        let pair = try established()
        try pair.client.write("last words")
        pair.client.shutdown()
        pair.client.shutdown()
        let arrived = pair.transfer(from: pair.client)
        #expect(arrived.bytes == Array("last words".utf8))
        #expect(arrived.last == .closed)
        pair.server.receivedEnd()
        var none: [UInt8] = []
        #expect(pair.server.drain(into: &none) == .closed)
        try pair.server.write("answer")
        #expect(pair.transfer(from: pair.server).bytes == Array("answer".utf8))
        #expect(throws: TLSError.self) { try pair.client.write("too late") }
    }

    @Test func `an end without close_notify is told apart and leaves writing possible`() throws {
        let pair = try established()
        try pair.client.write("cut")
        #expect(pair.transfer(from: pair.client).bytes == Array("cut".utf8))
        pair.server.receivedEnd()
        var none: [UInt8] = []
        #expect(code(pair.server.drain(into: &none)) == .closedEarly)
        try pair.server.write("still here")
        #expect(pair.transfer(from: pair.server).bytes == Array("still here".utf8))
    }

    @Test func `an end inside a record is early at every cut`() throws {
        let pair = try established()
        try pair.server.write("the whole answer")
        let wire = pair.server.takeOutbound()
        for cut in [1, 4, 5, 6, wire.count - 1] {
            let other = try established()
            try other.server.write("the whole answer")
            other.server.takeOutbound()[..<cut].withUnsafeBytes { other.client.receive($0) }
            other.client.receivedEnd()
            var none: [UInt8] = []
            #expect(code(other.client.drain(into: &none)) == .closedEarly)
            #expect(none.isEmpty)
        }
    }

    @Test func `an end during the handshake is early on both sides`() throws {
        let pair = try joined()
        _ = pair.client.handshake()
        let hello = pair.client.takeOutbound()
        pair.client.receivedEnd()
        #expect(code(pair.client.handshake()) == .closedEarly)
        hello[..<20].withUnsafeBytes { pair.server.receive($0) }
        pair.server.receivedEnd()
        #expect(code(pair.server.handshake()) == .closedEarly)
    }

    @Test func `a changed record fails for good and tells the peer`() throws {
        let pair = try established()
        try pair.client.write("good")
        let good = pair.client.takeOutbound()
        try pair.client.write("evil")
        var evil = pair.client.takeOutbound()
        evil[evil.count - 1] ^= 1
        (good + evil).withUnsafeBytes { pair.server.receive($0) }
        var bytes: [UInt8] = []
        let first = pair.server.drain(into: &bytes)
        #expect(bytes == Array("good".utf8))
        #expect(code(first) == .protocolError)
        #expect(pair.server.drain(into: &bytes) == first)
        #expect(throws: TLSError.self) { try pair.server.write("more") }
        let answer = pair.transfer(from: pair.server)
        #expect(code(answer.last) == .peerAlert)
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", TLSError.Code.notTLS),
        (String(repeating: "\u{1}garbage", count: 20), .notTLS),
    ])
    func `a server refuses what is not TLS`(bytes: String, expected: TLSError.Code) throws {
        let engine = try TLSEngine(context: server, role: .server)
        Array(bytes.utf8).withUnsafeBytes { engine.receive($0) }
        #expect(code(engine.handshake()) == expected)
    }

    @Test func `a client refuses what is not TLS`() throws {
        let engine = try TLSEngine(context: client, role: .client(serverName: "localhost"))
        _ = engine.handshake()
        Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8).withUnsafeBytes { engine.receive($0) }
        #expect(code(engine.handshake()) == .notTLS)
    }

    @Test func `random bytes never hang or crash either side`() throws {
        var generator = SystemRandomNumberGenerator()
        for round in 0..<200 {
            let engine = try TLSEngine(
                context: round.isMultiple(of: 2) ? server : client,
                role: round.isMultiple(of: 2) ? .server : .client(serverName: "localhost")
            )
            _ = engine.handshake()
            var bytes = (0..<600).map { _ in UInt8.random(in: 0...255, using: &generator) }
            // Half of the rounds start with a valid handshake record's head.
            if round % 4 < 2 { bytes.replaceSubrange(0..<6, with: [22, 3, 3, 2, 0, round % 4 == 0 ? 1 : 2]) }
            bytes.withUnsafeBytes { engine.receive($0) }
            engine.receivedEnd()
            #expect(code(engine.handshake()) != nil)
        }
    }

    @Test func `every handshake byte changed alone fails or changes nothing`() throws {
        let recorder = try joined()
        _ = recorder.client.handshake()
        let length = recorder.client.takeOutbound().count
        for position in stride(from: 0, to: length, by: 3) {
            let pair = try joined()
            _ = pair.client.handshake()
            var hello = pair.client.takeOutbound()
            guard position < hello.count else { continue }
            hello[position] ^= 0x55
            hello.withUnsafeBytes { pair.server.receive($0) }
            _ = pair.server.handshake()
            pair.server.takeOutbound().withUnsafeBytes { pair.client.receive($0) }
            pair.client.receivedEnd()
            #expect(code(pair.client.handshake()) != nil, "byte \(position)")
        }
    }

    @Test(arguments: [(TLS1_1_VERSION, false), (TLS1_2_VERSION, true), (TLS1_3_VERSION, true)])
    func `versions from 1.2 up are served`(version: Int32, isServed: Bool) throws {
        for context in [client.raw, server.raw] {  // or old versions fail for want of a cipher
            SSL_CTX_set_security_level(context, 0)
            SSL_CTX_set_cipher_list(context, "ALL")
        }
        #expect(copenssl_ctx_set_protocol_range(client.raw, TLS1_VERSION, version) == 1)
        let steps = try joined().handshake()
        #expect((steps.server == .done) == isServed)
        #expect((code(steps.client) == .peerAlert) == !isServed)
    }

    @Test func `a client refuses a server that knows only TLS 1_1`() throws {
        for context in [client.raw, server.raw] {
            SSL_CTX_set_security_level(context, 0)
            SSL_CTX_set_cipher_list(context, "ALL")
        }
        #expect(copenssl_ctx_set_protocol_range(server.raw, TLS1_VERSION, TLS1_1_VERSION) == 1)
        let steps = try joined().handshake()
        #expect(code(steps.client) != nil)
        #expect(code(steps.server) != nil)
    }

    @Test func `renegotiation and compression are off in TLS 1_2`() throws {
        #expect(copenssl_ctx_set_protocol_range(client.raw, TLS1_2_VERSION, TLS1_2_VERSION) == 1)
        #expect(SSL_CTX_get_options(server.raw) & COPENSSL_OP_NO_RENEGOTIATION != 0)
        #expect(SSL_CTX_get_options(client.raw) & COPENSSL_OP_NO_RENEGOTIATION != 0)
        #expect(SSL_CTX_get_options(client.raw) & COPENSSL_OP_NO_COMPRESSION != 0)
        #expect(try established().client.protocolVersion == "TLSv1.2")
    }
}
