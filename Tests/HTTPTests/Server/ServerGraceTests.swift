import EventLoop
import HTTP
import Testing

/// Drains that clients are not meant to notice.
@Suite(.timeLimit(.minutes(1)))
struct ServerGraceTests {
    private static let request = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"

    /// Until the drain has begun on the server's loop.
    private static func waitUntilRefused(_ server: TestServer) async throws {
        try await onThread {
            while let socket = try? server.connect() { socket.close() }
        }
    }

    /// Answers before and after the drain began, on one connection.
    @Test func anIdleConnectionGetsItsNextAnswerWithClose() async throws {
        try await TestServer.run { server in
            try await server.talk { socket in
                try socket.send(Self.request)
                #expect(try !socket.response().head.contains("close"))
                let drain = Task { await server.server.drain(grace: .seconds(600)) }
                // The drain has begun when an answer says so.
                while true {
                    try socket.send(Self.request)
                    let head = try socket.response().head.lowercased()
                    #expect(head.hasPrefix("http/1.1 200"))
                    if head.contains("connection: close") { break }
                }
                #expect(try socket.receiveToEnd() == "")
                _ = drain
            }
        }
    }

    /// The head said that the connection stays: the client's next request may be on its way when the stream ends.
    @Test func aStreamThatPromisedToKeepTheConnectionKeepsIt() async throws {
        let begun = Event()
        let goOn = Event()
        let handler = TestHandler { request, response in
            guard request.head.path == "/stream" else { return response.respond(status: 200, body: []) }
            response.start(status: 200, fields: [:])
            response.write(Array("a".utf8))
            begun.happen()
            await goOn.wait()
            response.end()
        }
        try await TestServer.run(handler) { server in
            let client = Task {
                try await server.talk { socket in
                    try socket.send("GET /stream HTTP/1.1\r\nhost: a\r\n\r\n")
                    let stream = try socket.receive(through: "0\r\n\r\n")
                    #expect(!stream.lowercased().contains("close"))
                    try socket.send(Self.request)
                    #expect(try socket.response().head.lowercased().contains("connection: close"))
                    #expect(try socket.receiveToEnd() == "")
                }
            }
            await begun.wait()
            let drain = Task { await server.server.drain(grace: .seconds(600)) }
            try await Self.waitUntilRefused(server)
            goOn.happen()
            try await client.value
            await drain.value
        }
    }

    @Test func theGraceHasAnEnd() async throws {
        try await TestServer.run { server in
            try await server.talk { socket in
                try socket.send(Self.request)
                _ = try socket.response()
                let drain = Task { await server.server.drain(grace: .milliseconds(20)) }
                #expect(try socket.receiveToEnd() == "")
                _ = drain
            }
        }
    }

    @Test func cancellingEndsTheGrace() async throws {
        try await TestServer.run { server in
            try await server.talk { socket in
                try socket.send(Self.request)
                _ = try socket.response()
                let drain = Task {
                    let drain = Task { await server.server.drain(grace: .seconds(600)) }
                    try await Self.waitUntilRefused(server)
                    await server.server.cancelRequests()
                    await drain.value
                }
                #expect(try socket.receiveToEnd() == "")
                _ = drain
            }
        }
    }
}
