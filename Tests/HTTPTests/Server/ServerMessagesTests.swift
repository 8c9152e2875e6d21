import EventLoop
import HTTP
import Testing

/// What goes over the wire for well-formed requests.
@Suite(.timeLimit(.minutes(1)))
struct ServerMessagesTests {
    @Test func keepsTheConnection() async throws {
        try await TestServer.run { server in
            try await server.talk { socket in
                for number in 0..<3 {
                    try socket.send("GET /\(number) HTTP/1.1\r\nhost: a\r\n\r\n")
                    let (head, body) = try socket.response()
                    #expect(head.hasPrefix("HTTP/1.1 200 OK\r\ndate: "))
                    #expect(!head.contains("connection:"))
                    #expect(body == "/\(number) ")
                }
            }
        }
    }

    @Test func answersPipelinedRequestsInOrder() async throws {
        try await TestServer.run { server in
            try await server.talk { socket in
                let requests = (0..<2000).map {
                    "POST /\($0) HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"
                }
                try socket.send(requests.joined())
                for number in 0..<2000 {
                    let body = try socket.response().body
                    try #require(body == "/\(number) abc")
                }
            }
        }
    }

    /// The answers of a client that pipelines without reading stay bounded: the handler is not called any more.
    @Test func pipeliningWithoutReadingStops() async throws {
        let served = Shared(0)
        let handler = TestHandler { _, response in
            served.with { $0 += 1 }
            response.respond(status: 200, body: [UInt8](repeating: 0x61, count: 100_000))
        }
        try await TestServer.run(handler) { server in
            try await server.talk(receiveBuffer: 4096) { socket in
                let request = Array("GET / HTTP/1.1\r\nhost: a\r\n\r\n".utf8)
                var many: [UInt8] = []
                for _ in 0..<300 { many += request }
                // 8 KB of requests ask for 30 MB of answers.
                try socket.send(many)
                var received = 0
                while served.value < 3 { received += try socket.receive().count }
                #expect(served.value < 150)
                // Reading on gets every one of them.
                var total = received
                while total < 300 * 100_000 { total += try socket.receive().count }
                #expect(served.value == 300)
            }
        }
    }

    /// Far more pipelined bytes than are kept for later: the kernel keeps the rest.
    @Test func pipelinedBytesAreBounded() async throws {
        let go = Event()
        let handler = TestHandler { request, response in
            if request.head.path == "/first" { await go.wait() }
            response.respond(status: 200, body: Array(request.head.path.utf8))
        }
        try await TestServer.run(handler) { server in
            try await server.talk { socket in
                try socket.send("GET /first HTTP/1.1\r\nhost: a\r\n\r\n")
                let filler = String(repeating: "x", count: 4000)
                let request = Array("GET /next HTTP/1.1\r\nhost: a\r\nfiller: \(filler)\r\n\r\n".utf8)
                // Until neither side's kernel takes any more: the server has stopped reading.
                var sent = 0
                while true {
                    let count = socket.sendSome(request)
                    if count < request.count {
                        go.happen()
                        if count > 0 { try socket.send(Array(request[count...])) }
                        sent += count > 0 ? 1 : 0
                        break
                    }
                    sent += 1
                    try #require(sent < 100_000)
                }
                #expect(try socket.response().body == "/first")
                for _ in 0..<sent { #expect(try socket.response().body == "/next") }
            }
        }
    }

    @Test func readsChunkedBodiesWithTrailers() async throws {
        try await TestServer.run { server in
            let wire =
                "POST /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
                + "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nx-sum: 1\r\n\r\n"
            let answer = try await server.exchange(wire)
            #expect(answer.hasSuffix("\r\nconnection: close\r\n\r\n/a abcde"))
        }
    }

    /// One byte at a time is the same request.
    @Test func anySplitIsTheSameRequest() async throws {
        try await TestServer.run { server in
            let answer = try await server.talk { socket in
                let wire =
                    "\r\nPOST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                    + "POST /b HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\n\r\nde"
                for byte in wire.utf8 { try socket.send([byte]) }
                return try socket.receiveToEnd()
            }
            #expect(answer.contains("\r\n\r\n/a abcHTTP/1.1 200"))
            #expect(answer.hasSuffix("\r\n\r\n/b de"))
        }
    }

    @Test func continuesWhenExpected() async throws {
        try await TestServer.run { server in
            try await server.talk { socket in
                try socket.send("POST /a HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n")
                #expect(try socket.receive(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
                try socket.send("abc")
                #expect(try socket.response().body == "/a abc")
                // The body came along: nobody waits.
                try socket.send("POST /b HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\nabc")
                #expect(try socket.response().body == "/b abc")
            }
        }
    }

    @Test func refusesAnUnknownExpectation() async throws {
        try await TestServer.run { server in
            let answer = try await server.exchange("GET / HTTP/1.1\r\nhost: a\r\nexpect: more\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 417 Expectation Failed\r\n"))
        }
    }

    @Test func speaksHTTP10() async throws {
        try await TestServer.run { server in
            let closed = try await server.exchange("GET /a HTTP/1.0\r\n\r\n")
            #expect(closed.hasSuffix("content-length: 3\r\nconnection: close\r\n\r\n/a "))
            let kept = try await server.exchange(
                "GET /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n"
            )
            #expect(kept.contains("content-length: 3\r\nconnection: keep-alive\r\n\r\n/a HTTP/1.1 200"))
            #expect(kept.hasSuffix("connection: close\r\n\r\n/b "))
        }
    }

    private static let streaming = TestHandler { request, response in
        response.start(status: 200, fields: [:])
        response.write(Array("one".utf8))
        response.write([])
        response.write(Array("three".utf8))
        response.end()
    }

    @Test func streamsInChunks() async throws {
        try await TestServer.run(Self.streaming) { server in
            try await server.talk { socket in
                for _ in 0..<2 {
                    try socket.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                    #expect(try socket.receive(through: "\r\n\r\n").contains("\r\ntransfer-encoding: chunked\r\n"))
                    #expect(try socket.receive(through: "0\r\n\r\n") == "3\r\none\r\n5\r\nthree\r\n0\r\n\r\n")
                }
            }
        }
    }

    @Test func streamsToHTTP10UntilTheEnd() async throws {
        try await TestServer.run(Self.streaming) { server in
            let answer = try await server.exchange("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
            #expect(answer.contains("\r\nconnection: close\r\n\r\nonethree"))
            #expect(!answer.contains("chunked"))
        }
    }

    @Test func answersHEADWithoutBody() async throws {
        try await TestServer.run { server in
            let answer = try await server.exchange(
                "HEAD /abc HTTP/1.1\r\nhost: a\r\n\r\nHEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
            )
            #expect(answer.contains("content-length: 5\r\n\r\nHTTP/1.1 200 OK"))
            #expect(answer.hasSuffix("connection: close\r\n\r\n"))
        }
        try await TestServer.run(Self.streaming) { server in
            let answer = try await server.exchange("HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            #expect(answer.contains("\r\ntransfer-encoding: chunked\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func sendsNoBodyWith204() async throws {
        let handler = TestHandler { _, response in response.respond(status: 204, body: Array("never".utf8)) }
        try await TestServer.run(handler) { server in
            let answer = try await server.exchange("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 204 No Content\r\n"))
            #expect(!answer.contains("content-length") && !answer.contains("never"))
        }
    }

    @Test func takesAbsoluteForm() async throws {
        try await TestServer.run { server in
            let answer = try await server.exchange(
                "GET http://example.org/there?x HTTP/1.1\r\nhost: other\r\nconnection: close\r\n\r\n"
            )
            #expect(answer.hasSuffix("\r\n\r\n/there "))
        }
    }

    @Test func bodiesHaveSpareCapacity() async throws {
        let spare = Shared<[Int]>([])
        let handler = TestHandler { request, response in
            spare.with { $0.append(request.body.capacity - request.body.count) }
            response.respond(status: 200, body: Array("\(request.body.count)".utf8))
        }
        try await TestServer.run(handler) { server in
            try await server.talk { socket in
                for size in [1, 1000, 70_000, 1 << 20, (2 << 20) + 17] {
                    let body = String(repeating: "b", count: size)
                    try socket.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: \(size)\r\n\r\n\(body)")
                    #expect(try socket.response().body == "\(size)")
                    try socket.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
                    try socket.send("\(String(size, radix: 16))\r\n\(body)\r\n0\r\n\r\n")
                    #expect(try socket.response().body == "\(size)")
                }
            }
        }
        #expect(spare.value.count == 10)
        #expect(spare.value.allSatisfy { $0 >= EventLoop.readBufferPadding })
    }

    @Test func listensOnIPv6() async throws {
        try await TestServer.run(on: .ipv6(high: 0, low: 1, port: 0, scope: 0)) { server in
            let port = server.port
            let answer = try await onThread {
                let socket = try RawSocket(port: port, ipv6: true)
                try socket.send("GET /six HTTP/1.1\r\nhost: a\r\n\r\n")
                return try socket.response().body
            }
            #expect(answer == "/six ")
        }
    }

    @Test func listensOnAUnixSocket() async throws {
        let path = "/tmp/headgate-drivers-\(UInt64.random(in: 0 ... .max)).sock"
        try await TestServer.run(on: .unix(path: path)) { _ in
            let answer = try await onThread {
                let socket = try RawSocket(path: path)
                try socket.send("GET /unix HTTP/1.1\r\nhost: a\r\n\r\n")
                return try socket.response().body
            }
            #expect(answer == "/unix ")
        }
    }
}
