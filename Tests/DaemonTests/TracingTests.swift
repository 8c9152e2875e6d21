import Glibc
import Runnable
import Testing

/// Traces and receipts over the real executables: `headgate serve`, and `headgate mock` behind it.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct TracingTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private let body = #"{"input":"Hello"}"#

    @Test func `curl shows where a stream's time went`() throws {
        let mock = try MockUpstream("--tokens 3")
        let daemon = try Daemon(mock.configuration())
        let result = try curl("--include", "--data", body, daemon.url("/stream"))
        #expect(result.ending == .exited(0), "\(result.stderr)")
        let parts = result.stdout.split(separator: "event: end")
        #expect(parts.count == 2)
        #expect(parts.first?.contains("\r\ntrailer: server-timing\r\n") == true)
        #expect(parts.last?.contains("server-timing: ") == true)
        #expect(parts.last?.contains("total;dur=") == true)
        // Who asks for the body alone gets the body alone.
        let plain = try curl("--data", body, daemon.url("/stream"))
        #expect(!plain.stdout.contains("server-timing"))
        #expect(plain.stdout.hasSuffix("event: end\r\n\r\n"))
    }

    @Test func `ids agree from the caller through the gateway to the upstream, and in the log`() throws {
        let mock = try MockUpstream("--tokens 3")
        let spans = Failures()
        let collector = try ThreadedUpstream { exchange in
            spans.add(exchange.body.description)
            exchange.respond(200, "{}")
            return .keep
        }
        let tracing = "tracing: {endpoint: \"http://127.0.0.1:\(collector.port)\", sample: 0}"
        let daemon = try Daemon(mock.configuration(more: tracing))
        let fields = ["traceparent": "00-\(TracingTests.trace)-00f067aa0ba902b7-01", "X-Request-Id": "mine-1"]
        #expect(try daemon.post("/invoke", body, fields: fields).status == 200)
        #expect(try daemon.post("/invoke", body).status == 200)
        let lines = try daemon.accessLines(2)
        #expect(lines[0]["trace"]?.string == TracingTests.trace)
        #expect(lines[0]["id"]?.string == "mine-1")
        #expect(lines[1]["trace"] == nil)
        #expect(try daemon.stop() == .exited(0))
        // Only what the caller samples is sent, and is there when the service has stopped.
        let sent = try #require(spans.all.first)
        #expect(spans.all.count == 1)
        let everything =
            try Value(parsing: sent)["resourceSpans"]?.array?.first?["scopeSpans"]?.array?.first?["spans"]?.array ?? []
        // Besides what is inside the call.
        let all = everything.filter { $0["kind"]?.integer != 1 }
        #expect(all.count == 2)
        #expect(everything.allSatisfy { $0["traceId"]?.string == TracingTests.trace })
        let server = try #require(all.first { $0["kind"]?.integer == 2 })
        let client = try #require(all.first { $0["kind"]?.integer == 3 })
        #expect(server["parentSpanId"]?.string == "00f067aa0ba902b7")
        #expect(client["parentSpanId"]?.string == server["spanId"]?.string)
        #expect(sent.contains("mine-1"))
    }

    @Test func `the mock tells the trace that it was told last`() throws {
        let mock = try MockUpstream("--tokens 3")
        let daemon = try Daemon(mock.configuration())
        let parent = "00-\(TracingTests.trace)-00f067aa0ba902b7-01"
        #expect(try daemon.post("/invoke", body, fields: ["traceparent": parent]).status == 200)
        let stats = try curl("http://127.0.0.1:\(mock.port)/stats")
        // Without a collector it goes on as it came.
        #expect(try Value(parsing: stats.stdout)["traceparent"]?.string == parent)
    }
}
