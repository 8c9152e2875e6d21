import EventLoop
import HTTP
import Testing

/// How responses end, well and badly, and how servers do.
@Suite(.timeLimit(.minutes(1)))
struct ServerEndingsTests {
    private static let request = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"

    @Test func aHandlerWithoutAWordAnswers500() async throws {
        try await TestServer.run(TestHandler { _, _ in }) { server in
            try await server.talk { socket in
                for _ in 0..<2 {
                    try socket.send(Self.request)
                    let (head, body) = try socket.response()
                    #expect(head.hasPrefix("HTTP/1.1 500 "))
                    #expect(body == "500 the request was not answered")
                }
            }
        }
    }

    /// What was written before the cut arrives, then the connection's orderly end, and no last chunk.
    @Test(arguments: [true, false])
    func aCutStreamHasNoLastChunk(_ aborts: Bool) async throws {
        let handler = TestHandler { _, response in
            response.start(status: 200, fields: [:])
            response.write(Array("event: error".utf8))
            if aborts { response.abort() }
        }
        try await TestServer.run(handler) { server in
            // Bytes behind the request must not turn the end into a reset.
            let answer = try await server.exchange("\(Self.request)\(Self.request)")
            #expect(answer.hasSuffix("\r\n\r\nc\r\nevent: error\r\n"))
        }
    }

    @Test func aCutAfterTheEndChangesNothing() async throws {
        let handler = TestHandler { _, response in
            response.start(status: 200, fields: [:])
            response.end()
            response.abort()
        }
        try await TestServer.run(handler) { server in
            try await server.talk { socket in
                for _ in 0..<2 {
                    try socket.send(Self.request)
                    #expect(try socket.receive(through: "0\r\n\r\n").hasPrefix("HTTP/1.1 200"))
                }
            }
        }
    }

    /// Over HTTP/1.0 an orderly end would say that the body is whole.
    @Test(arguments: [true, false])
    func aCutStreamOverHTTP10IsReset(_ aborts: Bool) async throws {
        let handler = TestHandler { _, response in
            response.start(status: 200, fields: [:])
            response.write(Array("event: error".utf8))
            if aborts { response.abort() }
        }
        try await TestServer.run(handler) { server in
            let isReset = try await server.talk { socket in
                try socket.send("GET / HTTP/1.0\r\n\r\n")
                return socket.isReset()
            }
            #expect(isReset)
        }
    }

    @Test func rawBytesAreSentAsTheyAre() async throws {
        let handler = TestHandler { _, response in
            response.writeRaw(Array("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour".utf8))
        }
        try await TestServer.run(handler) { server in
            let answer = try await server.exchange(Self.request)
            #expect(answer == "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour")
        }
    }

    @Test func aResetIsOne() async throws {
        let handler = TestHandler { _, response in
            response.writeRaw(Array("HTTP/1.1 200 OK\r\n".utf8))
            response.resetsAfterwards = true
        }
        try await TestServer.run(handler) { server in
            let isReset = try await server.talk { socket in
                try socket.send(Self.request)
                return socket.isReset()
            }
            #expect(isReset)
        }
    }

    /// Head and all chunks of one turn are one write: they arrive as one segment.
    @Test func oneTurnIsOneWrite() async throws {
        let handler = TestHandler { _, response in
            response.start(status: 200, fields: [:])
            for _ in 0..<10 { response.write(Array("token".utf8)) }
            response.end()
        }
        try await TestServer.run(handler) { server in
            let first = try await server.talk { socket in
                try socket.send(Self.request)
                return try String(decoding: socket.receive(), as: UTF8.self)
            }
            #expect(first.hasPrefix("HTTP/1.1 200 OK") && first.hasSuffix("0\r\n\r\n"))
        }
    }

    // MARK: Drain and reload

    @Test func drainClosesIdleConnectionsAndWaitsForTheOthers() async throws {
        let started = Event()
        let go = Event()
        let handler = TestHandler { request, response in
            if request.head.path == "/slow" {
                started.happen()
                await go.wait()
            }
            response.respond(status: 200, body: Array("done".utf8))
        }
        try await TestServer.run(handler) { server in
            let (idle, fresh, busy) = try await onThread {
                let idle = try server.connect()
                try idle.send(Self.request)
                _ = try idle.response()
                let busy = try server.connect()
                try busy.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
                return (idle, try server.connect(), busy)
            }
            await started.wait()
            await eventually { await server.server.connectionCount >= 3 }
            let drained = Event()
            let drain = Task {
                await server.server.drain()
                drained.happen()
            }
            let ends = try await onThread { try idle.receiveToEnd() + fresh.receiveToEnd() }
            #expect(ends == "")
            #expect(drained.count == 0)
            await #expect(throws: RawSocket.Failure.self) { try await onThread { _ = try server.connect() } }
            go.happen()
            let answer = try await onThread {
                let answer = try busy.receiveToEnd()
                busy.close()
                return answer
            }
            #expect(answer.contains("\r\nconnection: close\r\n") && answer.hasSuffix("done"))
            await drain.value
            #expect(await server.server.connectionCount == 0)
            idle.close()
            fresh.close()
        }
    }

    /// A drain does not cut the answer that an idle client is still taking.
    @Test func drainLetsSlowReadersFinish() async throws {
        let handler = TestHandler { _, response in
            response.respond(status: 200, body: [UInt8](repeating: 0x66, count: 8_000_000))
        }
        try await TestServer.run(handler) { server in
            let socket = try await onThread {
                let socket = try server.connect(receiveBuffer: 4096)
                try socket.send(Self.request)
                _ = try socket.receive(through: "\r\n\r\n")
                return socket
            }
            let drain = Task { await server.server.drain() }
            let size = try await onThread {
                let size = try socket.receiveToEnd().utf8.count
                socket.close()
                return size
            }
            #expect(size == 8_000_000)
            await drain.value
        }
    }

    @Test func cancelledRequestsAreAnswered() async throws {
        let started = Event()
        let reason = Shared<ResponseWriter.Interruption?>(nil)
        let handler = TestHandler { request, response in
            started.happen()
            try? await Task.sleep(for: .seconds(3600))
            reason.with { [why = response.interruption] in $0 = why }
            if request.head.path == "/own" { response.respond(status: 503, body: Array("own words".utf8)) }
        }
        try await TestServer.run(handler) { server in
            async let own = server.exchange("GET /own HTTP/1.1\r\nhost: a\r\n\r\n")
            async let none = server.exchange("GET /none HTTP/1.1\r\nhost: a\r\n\r\n")
            await started.wait(2)
            await server.server.stop()
            let answers = try await (own, none)
            #expect(answers.0.hasSuffix("own words"))
            #expect(answers.1.hasPrefix("HTTP/1.1 503 "))
            #expect(reason.value == .shuttingDown)
        }
    }

    @Test func reloadChangesTheHandlerBetweenRequests() async throws {
        let started = Event()
        let go = Event()
        let old = TestHandler { _, response in
            started.happen()
            await go.wait()
            response.respond(status: 200, body: Array("old".utf8))
        }
        try await TestServer.run(old) { server in
            let socket = try await onThread {
                let socket = try server.connect()
                try socket.send("\(Self.request)\(Self.request)")
                return socket
            }
            await started.wait()
            await server.server.reload(
                handler: TestHandler { _, response in response.respond(status: 200, body: Array("new".utf8)) },
                tls: [:]
            )
            go.happen()
            try await onThread {
                let answers = try [socket.response().body, socket.response().body]
                #expect(answers == ["old", "new"])
                socket.close()
            }
        }
    }
}
