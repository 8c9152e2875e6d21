import Runnable
import Testing

/// G7: bad input gets a clear error and harms no other request; doubts about framing close the connection.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct MalformedRequestTests {
    /// A request that is not one, and the status it gets.
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let bytes: String
        let status: Int
        var testDescription: String { name }

        init(_ name: String, _ bytes: String, _ status: Int) {
            self.name = name
            self.bytes = bytes
            self.status = status
        }
    }

    static let cases = [
        Case("no request line", "\u{0}\u{1}\u{2}\r\n\r\n", 400),
        Case("a bare line feed", "GET /health HTTP/1.1\nHost: a\n\n", 400),
        Case("no host", "GET /health HTTP/1.1\r\n\r\n", 400),
        Case("two hosts", "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        Case("a version to come", "GET /health HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        Case("a folded field", "GET /health HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400),
        Case("a space before the colon", "GET /health HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        Case("NUL in a field", "GET /health HTTP/1.1\r\nHost: a\r\nX: \u{0}\r\n\r\n", 400),
        Case(
            "both framings",
            "POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400
        ),
        Case(
            "two lengths",
            "POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            400
        ),
        Case("a signed length", "POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400),
        Case(
            "an endless length",
            "POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
            400
        ),
        Case("another coding", "POST /invoke HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        Case("no chunked at all", "POST /invoke HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        Case("chunked not last", "POST /invoke HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400),
        Case("a bad chunk size", "POST /invoke HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        Case(
            "a chunk longer than it says",
            "POST /invoke HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
            400
        ),
        Case("a long request line", "GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        Case(
            "a large head",
            "GET /health HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 40_000))\r\n\r\n",
            431
        ),
        Case("many fields", "GET /health HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: 1\r\n", count: 150))\r\n", 431),
        Case("a body that is too large", "POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n", 413),
        Case(
            "chunks that are too large",
            "POST /invoke HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n\(String(repeating: "a", count: 0xfffff))\r\nfff\r\n\(String(repeating: "b", count: 0xfff))\r\n0\r\n\r\n",
            413
        ),
        Case(
            "a chunk that will be too large",
            "POST /invoke HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\na",
            413
        ),
        Case(
            "a later chunk that will be too large",
            "POST /invoke HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n100000\r\na",
            413
        ),
        Case(
            "an expectation nobody has",
            "POST /invoke HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 2\r\n\r\n{}",
            417
        ),
    ]

    @Test(arguments: cases)
    func `is refused, and the connection closed`(request: Case) throws {
        let daemon = try Daemon("server: {max_body: 1MiB}\n" + EndpointTests.configuration)
        let connection = try daemon.connect()
        try? connection.send(request.bytes)
        let reply = try connection.reply()
        #expect(reply.status == request.status)
        #expect(reply.ending == .complete)
        #expect(reply["connection"] == "close")
        #expect(try Value(parsing: reply.text)["detail"]?.string?.isEmpty == false)
        let id = try #require(reply["x-request-id"])
        #expect(try daemon.accessLines(1)[0]["id"]?.string == id)
        // A request smuggled behind it is not served.
        try? connection.get("/health")
        #expect(try connection.isClosed())
        #expect(try daemon.get("/health").status == 200)
    }

    @Test(arguments: [
        "", "[]", "{", #"{"inputs":"a"}"#, #"{"input":5}"#, #"{"input":{"messages":5}}"#, "deep",
    ])
    func `a body that is no request is refused, and the connection kept`(text: String) throws {
        let body = text == "deep" ? String(repeating: "[", count: 100_000) : text
        let daemon = try Daemon(EndpointTests.configuration)
        let connection = try daemon.connect()
        for path in ["/invoke", "/stream", "/batch", "/chat/invoke"] {
            try connection.post(path, body)
            let reply = try connection.reply()
            #expect(reply.status == 422, "\(path): \(reply)")
            #expect(try Value(parsing: reply.text)["detail"] != nil)
        }
        try connection.post("/invoke", #"{"input":"a"}"#)
        #expect(try connection.reply().status == 200)
    }

    @Test func `a refused request keeps the id that its sender gave it`() throws {
        let daemon = try Daemon("server: {max_body: 1KiB}\n" + EndpointTests.configuration)
        let connection = try daemon.connect()
        try connection.send("POST /invoke HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine-1\r\nContent-Length: 2000\r\n\r\n")
        let reply = try connection.reply()
        #expect(reply.status == 413)
        #expect(reply["x-request-id"] == "mine-1")
        #expect(try daemon.accessLines(1)[0]["id"]?.string == "mine-1")
    }

    @Test func `a body that drips times out`() throws {
        let daemon = try Daemon("server: {body_timeout: 300ms}\n" + EndpointTests.configuration)
        let connection = try daemon.connect()
        try connection.send("POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        // Never silent for as long as the limit, and never done within it.
        for _ in 0..<1000 where !connection.hasAnswer {
            try connection.send("{")
            pause(milliseconds: 10)
        }
        #expect(try connection.reply().status == 408)
    }

    @Test func `others are served while bad ones come`() throws {
        let mock = try MockUpstream("--tokens 100", "--interval 5ms")
        let daemon = try Daemon(mock.configuration())
        let stream = try daemon.connect()
        try stream.post("/stream", #"{"input":"Hello"}"#)
        for request in MalformedRequestTests.cases where request.bytes.utf8.count < 1000 {
            let connection = try daemon.connect()
            try? connection.send(request.bytes)
            connection.reset()
        }
        let reply = try stream.reply()
        #expect(reply.ending == .complete)
        #expect(reply.events.count { $0.name == "data" } == 100)
    }

    @Test func `a slow head and a slow body time out`() throws {
        let daemon = try Daemon("server: {header_timeout: 200ms, body_timeout: 200ms}\n" + EndpointTests.configuration)
        for start in ["GET /health HT", "POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"] {
            let connection = try daemon.connect()
            try connection.send(start)
            #expect(try connection.reply().status == 408)
            #expect(try connection.isClosed())
        }
        // One that never says anything is closed without a word.
        let silent = try daemon.connect()
        #expect(try silent.isClosed())
        #expect(silent.end == .cut)
    }
}
