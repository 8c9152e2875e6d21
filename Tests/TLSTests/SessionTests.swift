import COpenSSL
import TestAuthority
import Testing

@testable import TLS

@Suite struct SessionTests {
    let authority: TestAuthority
    let client: TLSContext
    let server: TLSContext

    init() throws {
        authority = try .make()
        client = try authority.client()
        server = try authority.server(name: "*.example.org")
    }

    /// One connection with an exchange both ways; tells whether it was resumed. Ends as `ending` makes it.
    @discardableResult
    func connect(
        _ name: String = "a.example.org",
        server: TLSContext? = nil,
        ending: (Joined) throws -> Void = { _ in }
    ) throws -> Bool {
        let pair = try Joined(client: client, server: server ?? self.server, serverName: name)
        try #require(pair.handshake() == (.done, .done))
        try pair.client.write("question")
        #expect(pair.transfer(from: pair.client).bytes == Array("question".utf8))
        try pair.server.write("answer")
        #expect(pair.transfer(from: pair.server).bytes == Array("answer".utf8))
        #expect(pair.client.isResumed == pair.server.isResumed)
        #expect(pair.client.negotiatedProtocol == "http/1.1")
        try ending(pair)
        return pair.client.isResumed
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func `later connections resume`(version: Int32) throws {
        #expect(copenssl_ctx_set_protocol_range(client.raw, version, version) == 1)
        #expect(try !connect())
        for _ in 0..<5 { #expect(try connect()) }
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func `sessions survive clean closes and cut connections`(version: Int32) throws {
        #expect(copenssl_ctx_set_protocol_range(client.raw, version, version) == 1)
        try connect()
        let clean = try connect(ending: { pair in
            pair.client.shutdown()
            #expect(pair.transfer(from: pair.client).last == .closed)
        })
        #expect(clean)
        #expect(try connect(ending: { $0.client.receivedEnd() }))
        #expect(try connect())
    }

    @Test func `a connection that was tampered with loses its session`() throws {
        try connect()
        try connect(ending: { pair in
            try pair.server.write("evil")
            var wire = pair.server.takeOutbound()
            wire[wire.count - 1] ^= 1
            wire.withUnsafeBytes { pair.client.receive($0) }
            var none: [UInt8] = []
            #expect(code(pair.client.drain(into: &none)) == .protocolError)
        })
        #expect(try !connect())
    }

    @Test func `each name has its own session`() throws {
        try connect("a.example.org")
        #expect(try !connect("b.example.org"))
        #expect(try connect("A.example.org."))
        #expect(client.sessions.count == 2)
    }

    @Test func `a session of another server is passed over`() throws {
        try connect()
        let reloaded = try authority.server(name: "*.example.org")
        #expect(try !connect(server: reloaded))
        #expect(try connect(server: reloaded))
    }

    @Test func `overlapping connections may share one session`() throws {
        try connect()
        let pairs = try (0..<8).map { _ in try Joined(client: client, server: server, serverName: "a.example.org") }
        for pair in pairs { #expect(pair.handshake() == (.done, .done)) }
        #expect(pairs.allSatisfy { $0.client.isResumed })
    }

    @Test func `the cache is bounded and forgets the least used`() throws {
        let cache = SessionCache(capacity: 2)
        try connect()
        let session = try #require(client.sessions.session(for: "a.example.org"))
        for name in ["a", "b", "a", "c", "c"] { cache.store(session, for: name) }
        #expect(cache.session(for: "a") != nil)
        #expect(cache.session(for: "b") == nil)
        #expect(cache.count == 2)
    }

    @Test func `connections of many threads share one context`() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<8 {
                group.addTask { for round in 0..<5 { try connect("n\((index + round) % 3).example.org") } }
            }
            try await group.waitForAll()
        }
        #expect(client.sessions.count == 3)
    }
}
