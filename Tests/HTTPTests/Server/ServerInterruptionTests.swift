import EventLoop
import Glibc
import HTTP
import Testing

/// Clients that leave, read slowly or wait too long, and servers that stop.
@Suite(.timeLimit(.minutes(1)))
struct ServerInterruptionTests {
    /// A handler that works until it is interrupted and tells why it was.
    private struct Worker: Sendable {
        let started = Event()
        let ended = Event()
        let reason = Shared<ResponseWriter.Interruption?>(nil)

        /// - Parameter answer: what to do at first, and after the interruption.
        func handler(
            first: @escaping @Sendable (ResponseWriter) -> Void = { _ in },
            last: @escaping @Sendable (ResponseWriter) -> Void = { _ in }
        ) -> TestHandler {
            TestHandler { _, response in
                first(response)
                started.happen()
                try? await Task.sleep(for: .seconds(3600))
                reason.with { [why = response.interruption] in $0 = why }
                last(response)
                ended.happen()
            }
        }
    }

    private static let request = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"

    // MARK: The client's end

    @Test func aResetInterrupts() async throws {
        let worker = Worker()
        try await TestServer.run(worker.handler()) { server in
            let socket = try await onThread {
                let socket = try server.connect()
                try socket.send(Self.request)
                return socket
            }
            await worker.started.wait()
            socket.reset()
            await worker.ended.wait()
            #expect(worker.reason.value == .clientGone)
        }
    }

    /// A closed socket looks like a half-close until something is sent to it.
    @Test(arguments: ["", "keep-alive"])
    func aCloseInterrupts(_ kind: String) async throws {
        let worker = Worker()
        let handler = worker.handler(first: { response in
            if !kind.isEmpty { response.start(status: 200, fields: [:], keepAlive: Array(": x\r\n".utf8)) }
        })
        try await TestServer.run(handler) { server in
            let socket = try await onThread {
                let socket = try server.connect()
                try socket.send(Self.request)
                return socket
            }
            await worker.started.wait()
            socket.close()
            await worker.ended.wait()
            #expect(worker.reason.value == .clientGone)
        }
    }

    /// The second of two pipelined requests is watched like the first.
    @Test func aCloseInterruptsALaterRequest() async throws {
        let worker = Worker()
        let go = Event()
        let slow = worker.handler()
        let handler = TestHandler { request, response in
            if request.head.path == "/first" {
                worker.started.happen()
                await go.wait()
                response.respond(status: 200, body: [])
            } else {
                await slow.answer(request, response)
            }
        }
        try await TestServer.run(handler) { server in
            let socket = try await onThread {
                let socket = try server.connect()
                try socket.send("GET /first HTTP/1.1\r\nhost: a\r\n\r\n\(Self.request)")
                return socket
            }
            await worker.started.wait()
            socket.finishSending()
            go.happen()
            await worker.started.wait(2)
            socket.close()
            await worker.ended.wait()
            #expect(worker.reason.value == .clientGone)
        }
    }

    @Test func aHalfCloseCanCountAsGone() async throws {
        var options = HTTPServerOptions.patient
        options.cancelsAtHalfClose = true
        let worker = Worker()
        try await TestServer.run(worker.handler(), options: options) { server in
            let socket = try await onThread {
                let socket = try server.connect()
                try socket.send(Self.request)
                socket.finishSending()
                return socket
            }
            await worker.ended.wait()
            #expect(worker.reason.value == .clientGone)
            socket.close()
        }
    }

    /// However large, the answer to a client that only finished sending is whole, and without interim answers.
    @Test(arguments: [10, 8 << 20], ["keep-alive", "close"])
    func aHalfCloseIsNoEnd(_ size: Int, _ connection: String) async throws {
        let handler = TestHandler { _, response in
            response.respond(status: 200, body: [UInt8](repeating: 0x62, count: size))
        }
        try await TestServer.run(handler) { server in
            let answer = try await server.exchange(
                "GET / HTTP/1.1\r\nhost: a\r\nconnection: \(connection)\r\n\r\n",
                halfClose: true
            )
            #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
            #expect(answer.utf8.count > size && answer.hasSuffix("bbb"))
        }
    }

    @Test func aHalfClosedClientIsProbedAndStillAnswered() async throws {
        let go = Event()
        let handler = TestHandler { _, response in
            await go.wait()
            response.respond(status: 200, body: Array("late".utf8))
        }
        try await TestServer.run(handler) { server in
            let answer = try await server.talk { socket in
                try socket.send(Self.request)
                socket.finishSending()
                let probe = try socket.receive(through: "\r\n\r\n")
                go.happen()
                return try probe + socket.receiveToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 100 Continue\r\n\r\n"))
            #expect(answer.contains("\r\n\r\nHTTP/1.1 200 OK") && answer.hasSuffix("late"))
        }
    }

    @Test func anUnfinishedRequestIsForgotten() async throws {
        try await TestServer.run { server in
            for part in ["GET / HT", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nab"] {
                let answer = try await server.exchange(part, halfClose: true)
                #expect(answer == "")
            }
        }
    }

    // MARK: The end of a client with more pipelined than is read

    /// More than a server reads while it serves.
    private static let behind =
        "POST /behind HTTP/1.1\r\nhost: a\r\ncontent-length: 200000\r\n\r\n" + String(repeating: "b", count: 200_000)

    enum Leaving: CaseIterable { case close, reset }

    /// Sends a request and all of `behind`, and returns when the server does nothing any more but serve it.
    private func pipeline(_ server: TestServer, _ worker: Worker, _ behind: String) async throws -> RawSocket {
        let socket = try await onThread {
            let socket = try server.connect()
            try socket.send(Self.request + behind)
            return socket
        }
        await worker.started.wait()
        await rest(server)
        return socket
    }

    /// Waits until the server's loop sleeps; it never does if some descriptor keeps waking it.
    private func rest(_ server: TestServer) async {
        await eventually {
            let turn = server.loop.lastTurn
            try? await Task.sleep(for: .milliseconds(50))
            return server.loop.lastTurn == turn
        }
    }

    @Test(arguments: Leaving.allCases, ["", "keep-alive"])
    func `a client whose bytes are not read any more interrupts too`(_ leaving: Leaving, _ kind: String) async throws {
        let worker = Worker()
        let handler = worker.handler(first: { response in
            if !kind.isEmpty { response.start(status: 200, fields: [:], keepAlive: Array(": x\r\n".utf8)) }
        })
        try await TestServer.run(handler) { server in
            let socket = try await pipeline(server, worker, Self.behind)
            switch leaving {
            case .close: socket.close()
            case .reset: socket.reset()
            }
            await worker.ended.wait()
            #expect(worker.reason.value == .clientGone)
        }
    }

    @Test func `a client whose end waits behind a full window interrupts too`() async throws {
        let worker = Worker()
        try await TestServer.run(worker.handler()) { server in
            let socket = try await pipeline(server, worker, Self.behind)
            let filler = [UInt8](repeating: 0x62, count: 1 << 20)
            while socket.sendSome(filler) > 0 {}
            socket.close()
            await worker.ended.wait()
            #expect(worker.reason.value == .clientGone)
        }
    }

    @Test func `a half-close behind bytes that are not read yet is no end`() async throws {
        let worker = Worker()
        let go = Event()
        let handler = TestHandler { request, response in
            worker.started.happen()
            await go.wait()
            response.respond(status: 200, body: Array("\(request.body.count) ".utf8))
        }
        try await TestServer.run(handler) { server in
            let socket = try await pipeline(server, worker, Self.behind)
            socket.finishSending()
            let probe = try await onThread { try socket.receive(through: "\r\n\r\n") }
            #expect(probe == "HTTP/1.1 100 Continue\r\n\r\n")
            await rest(server)
            go.happen()
            let rest = try await onThread { try socket.receiveToEnd() }
            #expect(rest.contains("\r\n\r\n0 HTTP/1.1 200 OK"))
            #expect(rest.hasSuffix("\r\n\r\n200000 "))
        }
    }

    // MARK: Slow readers

    @Test func waitsForASlowReader() async throws {
        let isFull = Event()
        let read = Shared(0)
        let ahead = Shared(0)
        let handler = TestHandler { _, response in
            response.start(status: 200, fields: [:])
            while response.bodyBytes < 40_000_000 {
                if !response.write([UInt8](repeating: 0x63, count: 50_000)) {
                    isFull.happen()
                    try? await response.drained()
                }
                ahead.with { [lead = response.bodyBytes - read.value] in $0 = max($0, lead) }
            }
            response.end()
        }
        try await TestServer.run(handler) { server in
            let socket = try await onThread {
                let socket = try server.connect(receiveBuffer: 4096)
                try socket.send(Self.request)
                return socket
            }
            await isFull.wait()
            let size = try await onThread {
                var size = 0
                while size < 40_000_000 {
                    size += try socket.receive().count
                    read.with { [size] in $0 = size }
                }
                return try size + socket.receive(through: "0\r\n\r\n").utf8.count
            }
            #expect(size > 40_000_000)
            // The kernel's send buffer may grow to several megabytes; ours adds a quarter of one.
            #expect(ahead.value < 16_000_000)
            #expect(isFull.count > 5)
            socket.close()
        }
    }

    /// A client that reads as fast as the handler writes never makes it wait: others on the loop must be served all the same.
    @Test func aFastReaderDoesNotHaveTheLoopForItself() async throws {
        var options = HTTPServerOptions.patient
        options.highWater = 16384
        options.lowWater = 8192
        let read = Shared(0)
        let began = Event()
        let wasServed = Event()
        let servedMeanwhile = Shared(0)
        let handler = TestHandler { request, response in
            if request.head.path == "/other" {
                wasServed.happen()
                return response.respond(status: 200, body: [])
            }
            response.start(status: 200, fields: [:])
            began.happen()
            while wasServed.count == 0 && response.bodyBytes < 20_000_000 {
                if !response.write([UInt8](repeating: 0x66, count: 5000)) { try? await response.drained() }
                // The kernel always has room: what has left is read before there is more.
                while read.value < response.bodyBytes - response.pendingBytes { sched_yield() }
            }
            servedMeanwhile.with { $0 = wasServed.count }
            response.end()
        }
        try await TestServer.run(handler, options: options) { server in
            async let much: Void = server.talk { socket in
                try socket.send(Self.request)
                _ = try socket.receive(through: "\r\n\r\n")
                var part: [UInt8] = []
                while !part.suffix(5).elementsEqual("0\r\n\r\n".utf8) {
                    part = try socket.receive(1 << 20)
                    read.with { [count = part.count] in $0 += count }
                }
            }
            await began.wait()
            let other = try await server.exchange("GET /other HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            #expect(other.hasPrefix("HTTP/1.1 200"))
            try await much
            #expect(servedMeanwhile.value == 1)
        }
    }

    /// Reading a large answer slowly is no reason to be cut: the limits are about clients that take nothing.
    @Test(arguments: ["close", "keep-alive"])
    func aSlowReaderGetsEverything(_ connection: String) async throws {
        var options = HTTPServerOptions.patient
        options.idleTimeout = .milliseconds(20)
        let handler = TestHandler { _, response in
            response.respond(status: 200, body: [UInt8](repeating: 0x64, count: 6_000_000))
        }
        try await TestServer.run(handler, options: options) { server in
            let size = try await server.talk(receiveBuffer: 4096) { socket in
                try socket.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: \(connection)\r\n\r\n")
                var size = 0
                while true {
                    let part = try socket.receive(20_000)
                    if part.isEmpty { return size }
                    size += part.count
                    usleep(1000)  // slow, and nothing is asserted about how slow
                }
            }
            #expect(size > 6_000_000)
        }
    }

    /// Over HTTP/1.0 an end is all that says "complete": only a reset can tell the reader, should it go on, that this is a cut.
    @Test(arguments: ["1.1", "1.0"]) func aReaderThatStopsIsGone(version: String) async throws {
        var options = HTTPServerOptions.patient
        options.writeTimeout = .milliseconds(50)
        let reason = Shared<ResponseWriter.Interruption?>(nil)
        let ended = Event()
        let handler = TestHandler { _, response in
            response.start(status: 200, fields: [:])
            do {
                while true {
                    if !response.write([UInt8](repeating: 0x65, count: 100_000)) { try await response.drained() }
                }
            } catch {
                reason.with { [why = response.interruption] in $0 = why }
                ended.happen()
            }
        }
        try await TestServer.run(handler, options: options) { server in
            let socket = try await onThread {
                let socket = try server.connect(receiveBuffer: 4096)
                try socket.send("GET / HTTP/\(version)\r\nhost: a\r\n\r\n")
                return socket
            }
            await ended.wait()
            #expect(reason.value == .clientGone)
            if version == "1.0" {
                await eventually { await server.server.connectionCount <= 0 }
                let isReset = try await onThread { socket.isReset() }
                #expect(isReset)
            }
            socket.close()
        }
    }

    @Test func aReaderThatStopsAfterTheAnswerIsReset() async throws {
        var options = HTTPServerOptions.patient
        options.writeTimeout = .milliseconds(50)
        let handler = TestHandler { _, response in
            response.respond(status: 200, body: [UInt8](repeating: 0x65, count: 20_000_000))
        }
        try await TestServer.run(handler, options: options) { server in
            for (index, connection) in ["close", "keep-alive"].enumerated() {
                let socket = try await onThread {
                    let socket = try server.connect(receiveBuffer: 4096)
                    try socket.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: \(connection)\r\n\r\n")
                    return socket
                }
                // Not before this one was taken: no connection yet looks like none any more.
                await eventually { await server.server.acceptedConnections == index + 1 }
                await eventually { await server.server.connectionCount <= 0 }
                let isReset = try await onThread { socket.isReset() }
                #expect(isReset)
            }
        }
    }

    @Test func waitsEndWhenTheClientGoes() async throws {
        let isFull = Event()
        let ended = Event()
        let handler = TestHandler { _, response in
            response.start(status: 200, fields: [:])
            while response.interruption == nil {
                if !response.write([UInt8](repeating: 0x65, count: 100_000)) {
                    isFull.happen()
                    try? await response.drained()
                }
            }
            ended.happen()
        }
        try await TestServer.run(handler) { server in
            let socket = try await onThread {
                let socket = try server.connect(receiveBuffer: 4096)
                try socket.send(Self.request)
                return socket
            }
            await isFull.wait()
            socket.reset()
            await ended.wait()
        }
    }

    // MARK: Time

    @Test func theDeadlineInterrupts() async throws {
        let worker = Worker()
        let handler = worker.handler(
            first: { $0.setDeadline(.now + .milliseconds(20)) },
            last: { $0.respond(status: 504, body: Array("too late".utf8)) }
        )
        try await TestServer.run(handler) { server in
            try await server.talk { socket in
                try socket.send(Self.request)
                let (head, body) = try socket.response()
                #expect(head.hasPrefix("HTTP/1.1 504 "))
                #expect(body == "too late")
                // The connection is as good as before.
                try socket.send(Self.request)
                #expect(try socket.response().body == "too late")
            }
            #expect(worker.reason.value == .deadline)
        }
    }

    @Test(arguments: [HTTPVersion.http11, .http10])
    func silentStreamsAreKeptAlive(_ version: HTTPVersion) async throws {
        var options = HTTPServerOptions.patient
        options.keepAliveInterval = .milliseconds(10)
        let go = Event()
        let handler = TestHandler { _, response in
            response.start(status: 200, fields: [:], keepAlive: Array(": ping\r\n\r\n".utf8))
            response.write(Array("data".utf8))
            await go.wait()
            response.end()
        }
        try await TestServer.run(handler, options: options) { server in
            let answer = try await server.talk { socket in
                try socket.send("GET / HTTP/1.\(version == .http11 ? 1 : 0)\r\nhost: a\r\nconnection: close\r\n\r\n")
                _ = try socket.receive(through: "\r\n\r\n")
                let begin = try socket.receive(through: ": ping\r\n\r\n") + socket.receive(through: ": ping\r\n\r\n")
                go.happen()
                _ = try socket.receiveToEnd()
                return begin
            }
            if version == .http11 {
                #expect(answer == "4\r\ndata\r\na\r\n: ping\r\n\r\n\r\na\r\n: ping\r\n\r\n")
            } else {
                #expect(answer == "data: ping\r\n\r\n: ping\r\n\r\n")
            }
        }
    }
}
