import Runnable
import Testing

/// One line for each request, and what is in it.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct AccessLineTests {
    @Test func `a line for each request with its fields`() throws {
        let mock = try MockUpstream("--tokens 4")
        let daemon = try Daemon(mock.configuration())
        let invoke = try daemon.post("/invoke", #"{"input":"one two three"}"#, fields: ["X-Request-Id": "my-id-1"])
        let stream = try daemon.post("/stream", #"{"input":"one two three"}"#)
        let batch = try daemon.post("/batch", #"{"inputs":["a","b","c"]}"#)
        #expect(try daemon.post("/invoke", "not json").status == 422)
        #expect(try daemon.get("/nothing").status == 404)
        #expect(try daemon.get("/invoke").status == 405)
        #expect(try daemon.get("/health").status == 200)
        let lines = try daemon.accessLines(7)
        try #require(lines.count == 7)
        for line in lines {
            #expect(line["id"]?.string?.isEmpty == false)
            #expect(line["total_ms"]?.double != nil)
            #expect(line["client"]?.string?.hasPrefix("127.0.0.1:") == true)
            #expect(line["bytes"]?.integer != nil)
        }
        let expected: [(String, Int, String, String?)] = [
            ("invoke", 200, "ok", "mock"), ("stream", 200, "ok", "mock"), ("batch", 200, "ok", "mock"),
            ("invoke", 422, "client_error", nil), ("-", 404, "client_error", nil), ("invoke", 405, "client_error", nil),
            ("health", 200, "ok", nil),
        ]
        for (line, (endpoint, status, outcome, upstream)) in zip(lines, expected) {
            #expect(line["endpoint"]?.string == endpoint)
            #expect(line["status"]?.integer == status)
            #expect(line["outcome"]?.string == outcome)
            #expect(line["upstream"]?.string == upstream, "\(line)")
        }
        #expect(lines[0]["id"]?.string == "my-id-1")
        #expect(lines[0]["tokens_in"]?.integer == 3)
        #expect(lines[0]["tokens_out"]?.integer == 4)
        #expect(lines[0]["bytes"]?.integer == invoke.body.count)
        #expect(lines[1]["tokens_out"]?.integer == 4)
        #expect(lines[1]["bytes"]?.integer == stream.body.count)
        let first = try #require(lines[1]["first_token_ms"]?.double)
        #expect(try first <= #require(lines[1]["total_ms"]?.double))
        #expect(lines[2]["items"]?.integer == 3)
        #expect(lines[2]["tokens_out"]?.integer == 12)
        #expect(lines[2]["bytes"]?.integer == batch.body.count)
        #expect(
            lines.allSatisfy {
                $0["route"]?.string
                    == ($0["endpoint"]?.string.map { ["health", "-"].contains($0) } == true ? "-" : "/")
            }
        )
    }

    @Test func `requests that never became one have their line too`() throws {
        let daemon = try Daemon(
            "loops: 1\nserver: {max_body: 1KiB, header_timeout: 100ms}\n" + EndpointTests.configuration
        )
        for request in [
            "GET / HTTP/1.1\r\n\r\n", "POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n", "GE",
        ] {
            let connection = try daemon.connect()
            try connection.send(request)
            #expect(try connection.reply().status >= 400)
        }
        let lines = try daemon.accessLines(3)
        #expect(lines.map { $0["status"]?.integer } == [400, 413, 408])
        #expect(lines.map { $0["method"]?.string } == ["-", "POST", "-"])
        #expect(lines.allSatisfy { $0["outcome"]?.string == "client_error" && $0["detail"]?.string?.isEmpty == false })
    }

    @Test func `a request that never was whole is its route's`() throws {
        let daemon = try Daemon(
            "loops: 1\nserver: {max_body: 1KiB, body_timeout: 100ms}\n" + EndpointTests.configuration
        )
        let head = "POST /invoke HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\nContent-Length: "
        for request in ["2000\r\n\r\n", "20\r\n\r\n{"] {
            let connection = try daemon.connect()
            try connection.send(head + request)
            #expect(try connection.reply().status >= 400)
        }
        for isHalf in [true, false] {
            let connection = try daemon.connect()
            try connection.send(head + "20\r\n\r\n{")
            if isHalf { connection.finishSending() } else { connection.leave() }
            if isHalf { #expect(try connection.isClosed()) }
        }
        let lines = try daemon.accessLines(4)
        #expect(lines.map { $0["status"]?.integer } == [413, 408, 499, 499])
        #expect(lines.map { $0["outcome"]?.string } == ["client_error", "client_error", "client_gone", "client_gone"])
        #expect(lines.allSatisfy { $0["route"]?.string == "/" && $0["endpoint"]?.string == "invoke" })
        #expect(lines.allSatisfy { $0["id"]?.string == "mine" })
        let metrics = try daemon.get("/metrics").text
        #expect(
            metrics.contains(
                #"headgate_requests_total{route="/",endpoint="invoke",outcome="client_gone",status="4xx"} 2"#
            )
        )
    }

    @Test func `a client that leaves is client_gone, before the head with 499`() throws {
        let mock = try MockUpstream("--ttft 1000s")
        let daemon = try Daemon(mock.configuration())
        for path in ["/stream", "/invoke"] {
            let connection = try daemon.connect()
            try connection.post(path, #"{"input":"Hello"}"#)
            try mock.stats("the request") { $0.concurrent == 1 }
            connection.reset()
            try mock.stats("the cancellation") { $0.concurrent == 0 }
        }
        let lines = try daemon.accessLines(2)
        #expect(lines.map { $0["outcome"]?.string } == ["client_gone", "client_gone"])
        #expect(lines.map { $0["status"]?.integer } == [200, 499])
        #expect(lines.map { $0["upstream"]?.string } == ["mock", "mock"])
    }

    @Test func `what failed is told`() throws {
        let mock = try MockUpstream("--status 503")
        let daemon = try Daemon(mock.configuration())
        #expect(try daemon.post("/invoke", #"{"input":"Hello"}"#).status >= 500)
        let line = try #require(try daemon.accessLines(1).first)
        #expect(line["outcome"]?.string == "upstream_error")
        #expect(line["error"]?.string?.hasPrefix("upstream_") == true)
        #expect(line["level"]?.string == "warning")
        #expect(line["detail"]?.string?.isEmpty == false)
    }

    @Test func `lines of text that came from outside stay one line`() throws {
        let daemon = try Daemon(EndpointTests.configuration)
        // CSI as one character: a terminal would obey it.
        _ = try daemon.post("/invoke", #"{"input":"Hello"}"#, fields: ["X-Request-Id": "a\u{9b}31m\"b"])
        let lines = try daemon.accessLines(1)
        #expect(lines.count == 1)
        #expect(!daemon.process.stderr.contains("\u{9b}"))
    }
}
