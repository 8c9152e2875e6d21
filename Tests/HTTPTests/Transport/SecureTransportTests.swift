import EventLoop
import TLS
import TestAuthority
import Testing

@testable import HTTP

/// The drivers over TLS, against each other and against peers that break off.
@Suite(.timeLimit(.minutes(1)))
struct SecureTransportTests {
    private static func serverContext(_ identity: TestAuthority.Identity) throws -> TLSContext {
        try TLSContext.server(
            certificateChainFile: identity.certificateFile,
            privateKeyFile: identity.keyFile,
            alpn: ["http/1.1"]
        )
    }

    /// Runs `body` with a server on TLS and a client that trusts `authority`.
    private static func run(
        _ handler: TestHandler = .echo,
        authority: TestAuthority,
        identity: TestAuthority.Identity,
        trust: String? = nil,
        host: String = "127.0.0.1",
        _ body: (TestServer, TestClient) async throws -> Void
    ) async throws {
        try await TestServer.run(handler, tls: serverContext(identity)) { server in
            let trusting = try TLSContext.client(TLSContext.ClientOptions(trustRootsFile: trust ?? authority.caFile))
            try await TestClient.run(to: server.port, host: host, tls: trusting) { try await body(server, $0) }
        }
    }

    @Test func carriesRequestsAndAnswers() async throws {
        let authority = try TestAuthority.make()
        let identity = try authority.issue(ip: ["127.0.0.1"])
        let handler = TestHandler { request, response in
            if request.head.path == "/stream" {
                response.start(status: 200, fields: [:])
                for number in 0..<1000 {
                    if !response.write(Array("\(number) ".utf8)) { try? await response.drained() }
                }
                response.end()
            } else {
                response.respond(status: 200, body: request.body)
            }
            #expect(request.isSecure)
        }
        try await Self.run(handler, authority: authority, identity: identity) { server, client in
            for size in [0, 1, 20_000, 5_000_000] {
                let body = [UInt8](repeating: 0x61, count: size)
                let response = try await client.send(body: body)
                let back = try await response.collect(maximum: size, before: .distantFuture, phase: .timeoutTotal)
                #expect(back == body)
            }
            let stream = try await client.fetch("/stream")
            #expect(stream == (0..<1000).map { "\($0) " }.joined())
            #expect(await server.server.acceptedConnections == 1)
        }
    }

    @Test func refusesBadCertificates() async throws {
        let authority = try TestAuthority.make()
        let other = try TestAuthority.make()
        let good = try authority.issue(ip: ["127.0.0.1"])
        let expired = try authority.issue(ip: ["127.0.0.1"], notBefore: .seconds(-7200), notAfter: .seconds(-3600))
        let wrong = try authority.issue(name: "example.org", ip: ["127.0.0.2"])
        for (identity, trust) in [(good, other.caFile), (expired, nil), (wrong, nil)] {
            try await Self.run(authority: authority, identity: identity, trust: trust) { server, client in
                #expect(await client.code { _ = try await client.fetch() } == .tls)
                await eventually { await server.server.connectionCount <= 0 }
            }
        }
    }

    @Test func checksNames() async throws {
        let authority = try TestAuthority.make()
        let identity = try authority.issue(name: "localhost")
        try await Self.run(authority: authority, identity: identity, host: "localhost") { _, client in
            let answer = try await client.fetch("/name")
            #expect(answer == "/name hello")
        }
    }

    /// What a stranger may say to a TLS port. The server lets go of all of them.
    @Test(arguments: ["GET / HTTP/1.1\r\nhost: a\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}", ""], [true, false])
    func survivesBrokenHandshakes(_ bytes: String, _ resets: Bool) async throws {
        let authority = try TestAuthority.make()
        let identity = try authority.issue(ip: ["127.0.0.1"])
        try await Self.run(authority: authority, identity: identity) { server, client in
            try await onThread {
                let socket = try server.connect()
                try socket.send(bytes)
                if resets { socket.reset() } else { socket.close() }
            }
            await eventually { await server.server.acceptedConnections != 0 }
            await eventually { await server.server.connectionCount <= 0 }
            let answer = try await client.fetch()
            #expect(answer == "/ hello")
        }
    }

    @Test func aHandshakeHasTheTimeOfAHead() async throws {
        let authority = try TestAuthority.make()
        let identity = try authority.issue(ip: ["127.0.0.1"])
        var options = HTTPServerOptions.patient
        options.headerTimeout = .milliseconds(30)
        try await TestServer.run(tls: Self.serverContext(identity), options: options) { server in
            let answer = try await server.exchange("\u{16}\u{3}\u{1}")
            #expect(answer == "")
        }
    }

    /// A client that gives up closes its socket without a goodbye.
    @Test func aVanishedClientInterrupts() async throws {
        let authority = try TestAuthority.make()
        let identity = try authority.issue(ip: ["127.0.0.1"])
        let started = Event()
        let ended = Event()
        let handler = TestHandler { _, response in
            started.happen()
            try? await Task.sleep(for: .seconds(3600))
            #expect(response.interruption == .clientGone)
            ended.happen()
        }
        try await Self.run(handler, authority: authority, identity: identity) { _, client in
            let task = Task { await client.code { _ = try await client.fetch() } }
            await started.wait()
            task.cancel()
            await ended.wait()
            #expect(await task.value == .cancelled)
        }
    }

    /// It takes the probe that its goodbye brought, and only then closes its socket: that has to bring another one.
    @Test func aClientThatSaysGoodbyeFirstInterruptsWhenItCloses() async throws {
        let authority = try TestAuthority.make()
        let identity = try authority.issue(ip: ["127.0.0.1"])
        let ended = Event()
        let reason = Shared<ResponseWriter.Interruption?>(nil)
        let handler = TestHandler { _, response in
            response.probeAtOnce()
            try? await Task.sleep(for: .seconds(3600))
            reason.with { [why = response.interruption] in $0 = why }
            ended.happen()
        }
        var options = HTTPServerOptions.patient
        options.probeInterval = .seconds(3600)
        try await TestServer.run(handler, tls: Self.serverContext(identity), options: options) { server in
            let trusting = try TLSContext.client(TLSContext.ClientOptions(trustRootsFile: authority.caFile))
            let probe = try await onThread {
                let client = try SecureSocket(server.connect(), trusting)
                defer { client.socket.close() }
                try client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                try client.sayGoodbye()
                return try client.receive(through: "\r\n\r\n")
            }
            #expect(probe == "HTTP/1.1 100 Continue\r\n\r\n")
            await ended.wait()
            #expect(reason.value == .clientGone)
        }
    }

    @Test func aCutStreamIsTruncated() async throws {
        let authority = try TestAuthority.make()
        let identity = try authority.issue(ip: ["127.0.0.1"])
        let handler = TestHandler { _, response in
            response.start(status: 200, fields: [:])
            response.write(Array("error event".utf8))
            response.abort()
        }
        try await Self.run(handler, authority: authority, identity: identity) { _, client in
            let response = try await client.send()
            let part = try await response.next(before: .distantFuture, phase: .timeoutIdle)
            #expect(part == Array("error event".utf8))
            let code = await client.code { _ = try await response.next(before: .distantFuture, phase: .timeoutIdle) }
            #expect(code == .truncated)
        }
    }

    /// New connections get the new certificate, those that are open stay.
    @Test func reloadChangesTheCertificate() async throws {
        let authority = try TestAuthority.make()
        let expired = try authority.issue(ip: ["127.0.0.1"], notBefore: .seconds(-7200), notAfter: .seconds(-3600))
        let good = try authority.issue(ip: ["127.0.0.1"])
        try await Self.run(authority: authority, identity: expired) { server, client in
            #expect(await client.code { _ = try await client.fetch() } == .tls)
            await server.server.reload(handler: TestHandler.echo, tls: [0: try Self.serverContext(good)])
            let answer = try await client.fetch()
            #expect(answer == "/ hello")
        }
    }
}

/// A TLS client that does exactly what a test says.
private final class SecureSocket {
    let socket: RawSocket
    private let engine: TLSEngine

    /// Shakes hands.
    init(_ socket: RawSocket, _ context: TLSContext) throws {
        self.socket = socket
        engine = try TLSEngine(context: context, role: .client(serverName: "127.0.0.1"))
        while true {
            let step = engine.handshake()
            try flush()
            switch step {
            case .done: return
            case .needsMoreBytes: try receive()
            case .failed(let error): throw error
            }
        }
    }

    func send(_ text: String) throws {
        try Array(text.utf8).withUnsafeBytes { try engine.write($0) }
        try flush()
    }

    /// Sends close_notify; the socket stays open both ways.
    func sayGoodbye() throws {
        engine.shutdown()
        try flush()
    }

    /// All that comes up to `mark`, or to the server's end.
    func receive(through mark: String) throws -> String {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while !text.hasSuffix(mark) {
            switch buffer.withUnsafeMutableBytes({ engine.read(into: $0) }) {
            case .done(let count): text += String(decoding: buffer[..<count], as: UTF8.self)
            case .needsMoreBytes: try receive()
            case .closed: return text
            case .failed(let error): throw error
            }
        }
        return text
    }

    private func flush() throws {
        let bytes = engine.takeOutbound()
        if !bytes.isEmpty { try socket.send(bytes) }
    }

    private func receive() throws {
        let bytes = try socket.receive()
        if bytes.isEmpty { return engine.receivedEnd() }
        bytes.withUnsafeBytes { engine.receive($0) }
    }
}
