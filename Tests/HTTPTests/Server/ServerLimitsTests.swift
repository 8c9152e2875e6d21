import EventLoop
import Glibc
import HTTP
import Synchronization
import Testing

/// Bounds on what clients send, and how long they may take.
@Suite(.timeLimit(.minutes(1)))
struct ServerLimitsTests {
    /// Sends `bytes` and expects a refusal that is readable to its orderly end.
    private func expectRefusal(
        _ status: Int,
        of bytes: String,
        options: HTTPServerOptions = HTTPServerOptions.patient
    ) async throws {
        try await TestServer.run(options: options) { server in
            let answer = try await server.exchange(bytes)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.contains("\r\nconnection: close\r\n\r\n\(status) "))
            #expect(await server.server.rejections == 1)
        }
    }

    @Test func refusesLongRequestLines() async throws {
        try await expectRefusal(414, of: "GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nhost: a\r\n\r\n")
    }

    @Test func refusesLargeHeaders() async throws {
        let field = "x: \(String(repeating: "a", count: 40_000))\r\n"
        try await expectRefusal(431, of: "GET / HTTP/1.1\r\nhost: a\r\n\(field)\r\n")
        let many = (0..<200).map { "x\($0): 1\r\n" }.joined()
        try await expectRefusal(431, of: "GET / HTTP/1.1\r\nhost: a\r\n\(many)\r\n")
    }

    @Test func refusesLargeBodies() async throws {
        var options = HTTPServerOptions.patient
        options.maximumBody = 1000
        try await expectRefusal(413, of: "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1001\r\n\r\n", options: options)
        let chunk = "1f4\r\n\(String(repeating: "a", count: 500))\r\n"
        try await expectRefusal(
            413,
            of: "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\(chunk)\(chunk)1\r\na\r\n",
            options: options
        )
    }

    /// A client that sends its whole body before it reads must find the refusal, not a reset.
    @Test func refusesAnUploadReadably() async throws {
        var options = HTTPServerOptions.patient
        options.maximumBody = 1000
        let body = String(repeating: "a", count: 8 << 20)
        try await expectRefusal(
            413,
            of: "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)",
            options: options
        )
        try await expectRefusal(400, of: "what is this\r\n\r\n\(body)")
    }

    /// No interim answer invites a body that will be refused.
    @Test func refusesBeforeContinuing() async throws {
        var options = HTTPServerOptions.patient
        options.maximumBody = 1000
        try await expectRefusal(
            413,
            of: "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1001\r\n\r\n",
            options: options
        )
    }

    @Test(arguments: [
        "GET / HTTP/1.1\nhost: a\n\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nhost : a\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nz\r\n",
    ])
    func refusesMalformedRequests(_ wire: String) async throws { try await expectRefusal(400, of: wire) }

    /// Requests before a malformed one get their answers; nothing behind it is looked at.
    @Test func answersWhatCameBeforeTheDamage() async throws {
        try await TestServer.run { server in
            let good = "GET /good HTTP/1.1\r\nhost: a\r\n\r\n"
            let answer = try await server.exchange("\(good)\(good)bad\r\n\r\n\(good)")
            #expect(answer.split(separator: "/good ").count == 3)
            #expect(answer.contains("HTTP/1.1 400 Bad Request"))
        }
    }

    @Test func limitsTheTimeOfAHead() async throws {
        var options = HTTPServerOptions.patient
        options.headerTimeout = .milliseconds(50)
        try await expectRefusal(408, of: "GET / HTTP/1.1\r\nhos", options: options)
    }

    @Test func limitsTheTimeOfABody() async throws {
        var options = HTTPServerOptions.patient
        options.bodyTimeout = .milliseconds(50)
        try await expectRefusal(408, of: "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nab", options: options)
        try await expectRefusal(408, of: "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n", options: options)
    }

    @Test func closesIdleConnections() async throws {
        var options = HTTPServerOptions.patient
        options.idleTimeout = .milliseconds(50)
        try await TestServer.run(options: options) { server in
            // An empty line behind the request is not the beginning of another.
            for extra in ["", "\r\n"] {
                let answer = try await server.exchange("GET / HTTP/1.1\r\nhost: a\r\n\r\n\(extra)")
                #expect(answer.hasPrefix("HTTP/1.1 200") && !answer.contains("408"))
            }
        }
    }

    @Test func closesConnectionsThatSayNothing() async throws {
        var options = HTTPServerOptions.patient
        options.headerTimeout = .milliseconds(50)
        options.idleTimeout = .milliseconds(50)
        try await TestServer.run(options: options) { server in
            for bytes in ["", "\r\n"] {
                let answer = try await server.exchange(bytes)
                #expect(answer == "")
            }
        }
    }

    /// The connections beyond the limit wait in the kernel's backlog, and are served when others close.
    @Test func limitsConnections() async throws {
        var options = HTTPServerOptions.patient
        options.maximumConnections = 2
        try await TestServer.run(options: options) { server in
            let sockets = try await onThread { try (0..<4).map { _ in try server.connect() } }
            try await onThread {
                let request = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"
                for socket in sockets { try socket.send(request) }
                #expect(try sockets[0].response().body == "/ ")
                #expect(try sockets[1].response().body == "/ ")
            }
            #expect(await server.server.connectionCount == 2)
            try await onThread {
                sockets[0].close()
                let third = try sockets[2].response().body
                sockets[1].close()
                let fourth = try sockets[3].response().body
                #expect([third, fourth] == ["/ ", "/ "])
            }
            #expect(await server.server.connectionCount == 2)
            sockets[2].close()
            sockets[3].close()
        }
    }

    /// Silent and served ones alike make room, the one first that has been quiet for the longest.
    @Test func replacesQuietConnections() async throws {
        var options = HTTPServerOptions.patient
        options.maximumConnections = 2
        options.replacesQuietConnections = true
        try await TestServer.run(options: options) { server in
            try await onThread {
                let request = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"
                let first = try server.connect()
                try first.send(request)
                #expect(try first.response().body == "/ ")
                let second = try server.connect()
                try second.send("GET /")
                let third = try server.connect()
                #expect(try first.receiveToEnd() == "")
                try third.send(request)
                #expect(try third.response().body == "/ ")
                let fourth = try server.connect()
                #expect(try second.receiveToEnd() == "")
                try fourth.send(request)
                #expect(try fourth.response().body == "/ ")
                try third.send(request)
                #expect(try third.response().body == "/ ")
            }
        }
    }

    /// What is answered stays, and new connections wait until one of them is quiet.
    @Test func replacesNoConnectionThatIsAnswered() async throws {
        var options = HTTPServerOptions.patient
        options.maximumConnections = 2
        options.replacesQuietConnections = true
        let go = Event()
        let handler = TestHandler { request, response in
            if request.head.path == "/wait" { await go.wait() }
            response.respond(status: 200, fields: [:], body: [])
        }
        try await TestServer.run(handler, options: options) { server in
            let connect = { @Sendable in try server.connect() }
            var sockets: [RawSocket] = []
            for count in 1...3 {
                let socket = try await onThread(connect)
                try socket.send("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
                await eventually { await server.server.activity.requests == count }
                sockets.append(socket)
            }
            let busy = sockets
            let later = try await onThread(connect)
            #expect(await server.server.acceptedConnections == 3)
            go.happen()
            try await onThread {
                for socket in busy { #expect(try socket.response().head.hasPrefix("HTTP/1.1 200")) }
                try later.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                #expect(try later.response().head.hasPrefix("HTTP/1.1 200"))
            }
        }
    }

    /// Others than those for whom places are kept are sent away when only these are left.
    @Test func keepsPlaces() async throws {
        let path = "/tmp/headgate-places-\(UInt64.random(in: 0 ... .max)).sock"
        let isPrivileged = Switch()
        var options = HTTPServerOptions.patient
        options.maximumConnections = 3
        options.reservedConnections = 1
        options.isPrivileged = { $0.pid == getpid() && isPrivileged.isOn.load(ordering: .sequentiallyConsistent) }
        try await TestServer.run(on: .unix(path: path), options: options) { server in
            let request = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"
            let ask = { @Sendable (socket: RawSocket) in
                try socket.send(request)
                return try socket.response().body
            }
            let first = try await onThread { try RawSocket(path: path) }
            try await onThread {
                let second = try RawSocket(path: path)
                for socket in [first, second] { #expect(try ask(socket) == "/ ") }
                #expect(try RawSocket(path: path).receiveToEnd() == "")
                isPrivileged.isOn.store(true, ordering: .sequentiallyConsistent)
                let own = try RawSocket(path: path)
                #expect(try ask(own) == "/ ")
                own.close()
                isPrivileged.isOn.store(false, ordering: .sequentiallyConsistent)
                #expect(try RawSocket(path: path).receiveToEnd() == "")
                second.close()
            }
            await eventually { await server.server.connectionCount == 1 }
            try await onThread {
                let third = try RawSocket(path: path)
                #expect(try ask(third) == "/ ")
                third.close()
                first.close()
            }
        }
        unlink(path)
    }

    @Test func servesAThousandConnections() async throws {
        let go = Event()
        let started = Event()
        let handler = TestHandler { request, response in
            started.happen()
            await go.wait()
            response.respond(status: 200, body: Array(request.head.path.utf8))
        }
        try await TestServer.run(handler) { server in
            let sockets = try await onThread {
                try (0..<1000).map { number in
                    let socket = try server.connect()
                    try socket.send("GET /\(number) HTTP/1.1\r\nhost: a\r\n\r\n")
                    return socket
                }
            }
            await started.wait(1000)
            #expect(await server.server.connectionCount == 1000)
            go.happen()
            try await onThread {
                for (number, socket) in sockets.enumerated() {
                    try #require(try socket.response().body == "/\(number)")
                    socket.close()
                }
            }
        }
    }
}

private final class Switch: Sendable {
    let isOn = Atomic<Bool>(false)
}
