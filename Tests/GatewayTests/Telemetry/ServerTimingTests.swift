import Providers
import Runnable
import ScriptedUpstream
import Testing

@testable import Gateway

/// `Server-Timing`: on every answer, behind streams, and with parts that add up.
@Suite(.timeLimit(.minutes(1)))
struct ServerTimingTests {
    /// The parts of a field's value in microseconds; fails when they do not add up to `total`.
    private func parts(_ value: String?) throws -> [String: Int] {
        var parts: [String: Int] = [:]
        for member in try #require(value).split(separator: ",") {
            let halves = member.drop { $0 == " " }.split(separator: ";")
            let digits = String(try #require(halves.last).dropFirst("dur=".count).filter { $0 != "." })
            #expect(halves.last?.split(separator: ".").last?.count == 3)
            let microseconds = try #require(Int(digits))
            parts[String(halves[0])] = microseconds
        }
        let total = try #require(parts["total"])
        #expect(parts.filter { $0.key != "total" }.values.reduce(0, +) == total, "\(parts)")
        #expect(parts.values.allSatisfy { $0 >= 0 })
        return parts
    }

    private func trailer(_ reply: TestReply) throws -> [String: Int] {
        #expect(reply.ending == .proper)
        #expect(reply["trailer"] == "server-timing")
        #expect(reply["server-timing"] == nil)
        let line = try #require(reply.trailers.first)
        #expect(reply.trailers.count == 1)
        #expect(line.hasPrefix("server-timing: "))
        return try parts(String(line.dropFirst("server-timing: ".count)))
    }

    private let text = #"{"input":"hi"}"#

    @Test func `invoke and batch have it in the head`() async throws {
        try await TestGateway.run(mockConfiguration("latency: 3ms, tokens: 2")) { gateway in
            for (path, body) in [("/invoke", text), ("/chat/batch", #"{"inputs":["a","b","c"]}"#)] {
                let reply = try await gateway.post(path, body)
                let parts = try parts(reply["server-timing"])
                #expect(parts["upstream", default: 0] >= 3000, "\(path) \(parts)")
                #expect(parts["first-token"] == nil)
                #expect(reply["trailer"] == nil)
            }
        }
    }

    @Test(
        "streams have it behind them",
        arguments: ["text/event-stream", "application/x-ndjson", "text/plain"]
    )
    func streams(type: String) async throws {
        let mock = "latency: 3ms, time_to_first_token: 3ms, interval: 3ms, tokens: 3"
        try await TestGateway.run(mockConfiguration(mock)) { gateway in
            let parts = try trailer(await gateway.post("/stream", text, "Accept: \(type)"))
            for part in ["upstream", "first-token", "stream"] { #expect(parts[part, default: 0] >= 1000, "\(parts)") }
        }
    }

    @Test("so have the others", arguments: ["/stream_log", "/stream_events", "/batch"])
    func otherStreams(path: String) async throws {
        let endpoints = "endpoints: [invoke, batch, stream, stream_log, stream_events]"
        try await TestGateway.run(mockConfiguration("latency: 3ms", route: endpoints)) { gateway in
            let body = path == "/batch" ? #"{"inputs":["a","b"]}"# : text
            let parts = try trailer(await gateway.post(path, body, "Accept: application/x-ndjson"))
            #expect(parts["upstream", default: 0] >= 3000)
        }
    }

    @Test func `it follows the answers of one connection, each with its own`() async throws {
        try await TestGateway.run(mockConfiguration("latency: 3ms")) { gateway in
            try await gateway.talk { connection in
                for path in ["/stream", "/invoke", "/stream", "/health"] {
                    try connection.send(path == "/health" ? .get(path) : .post(path, #"{"input":"hi"}"#))
                    let reply = try connection.reply()
                    #expect(reply.status == 200)
                    if path == "/stream" { _ = try trailer(reply) } else { _ = try parts(reply["server-timing"]) }
                }
            }
        }
    }

    @Test func `so do pipelines with calls at once`() async throws {
        let text = """
            backends: {mock: {dialect: mock, mock: {latency: 5ms, tokens: 2}}}
            models: {demo: {backend: mock}}
            routes:
              /both: {pipeline: [{parallel: {a: {model: demo}, b: {model: demo}, c: {model: demo}}}]}
              /twice: {pipeline: [{model: demo}, {parser: string}, {prompt: "{input}"}, {model: demo}, {parser: string}]}
            """
        try await TestGateway.run(text) { gateway in
            for (path, least) in [("/both", 5000), ("/twice", 10_000)] {
                let invoke = try parts(await gateway.post(path + "/invoke", self.text)["server-timing"])
                #expect(invoke["upstream", default: 0] >= least, "\(path) \(invoke)")
                let stream = try trailer(await gateway.post(path + "/stream", self.text))
                #expect(
                    stream["upstream", default: 0] + stream["first-token", default: 0] + stream["stream", default: 0]
                        >= least
                )
            }
        }
    }

    @Test func `errors have it too, those of requests that never were included`() async throws {
        try await scripted([.response(status: 500, "{}")]) { gateway, _ in
            _ = try parts(await gateway.post("/invoke", text)["server-timing"])
            for request in [TestRequest.post("/invoke", "{"), .get("/nothing"), .get("/invoke"), .get("/health")] {
                let parts = try parts(await gateway.send(request)["server-timing"])
                #expect(parts.count == 2)
            }
            try await gateway.talk { connection in
                try connection.send(Array("GET / HTTP/1.1\r\nno field\r\n\r\n".utf8))
                let reply = try connection.reply()
                #expect(reply.status == 400)
                _ = try parts(reply["server-timing"])
            }
        }
    }

    @Test func `a cut stream has no end, and so none`() async throws {
        let token = UpstreamStep.chunk(#"data: {"choices":[{"index":0,"delta":{"content":"a"}}]}"# + "\n\n")
        try await scripted([[.eventStreamHead, token, .close]]) { gateway, _ in
            let reply = try await gateway.post("/stream", text)
            #expect(reply.ending == .cut)
            #expect(reply.trailers.isEmpty)
            #expect(!reply.text.contains("server-timing"))
        }
    }

    @Test func `a request that comes slowly keeps waiting for the client`() async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            for (path, isStream) in [("/invoke", false), ("/stream", true), ("/nothing", false)] {
                let port = gateway.port
                let (reply, least) = try await gateway.talk { connection in
                    let bytes = TestRequest.post(path, #"{"input":"hi"}"#).bytes
                    try connection.send(Array(bytes.dropLast(3)))
                    // Answered by the same loop, which has seen the first bytes before.
                    let other = try TestConnection(port: port)
                    defer { other.close() }
                    func ask() throws {
                        try other.send(.get("/health"))
                        #expect(try other.reply().status == 200)
                    }
                    try ask()
                    let start = ContinuousClock.now
                    for _ in 0..<50 { try ask() }
                    let least = ContinuousClock.now - start
                    try connection.send(Array(bytes.suffix(3)))
                    return (try connection.reply(), least)
                }
                let parts = try isStream ? trailer(reply) : parts(reply["server-timing"])
                #expect(.microseconds(parts["blocked", default: 0] + 1) >= least, "\(path) \(parts)")
            }
        }
    }

    @Test func `so does one that never comes`() async throws {
        try await TestGateway.run(mockConfiguration(), change: { $0.server.bodyTimeout = .milliseconds(30) }) {
            gateway in
            let reply = try await gateway.talk { connection in
                try connection.send(Array(TestRequest.post("/invoke", #"{"input":"hi"}"#).bytes.dropLast(3)))
                return try connection.reply()
            }
            #expect(reply.status == 408)
            #expect(try parts(reply["server-timing"])["blocked", default: 0] >= 30_000)
        }
    }

    @Test func `HTTP 1.0 has no trailers`() async throws {
        try await TestGateway.run(mockConfiguration("tokens: 2")) { gateway in
            try await gateway.talk { connection in
                let body = #"{"input":"hi"}"#
                try connection.send(
                    Array("POST /stream HTTP/1.0\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
                )
                let reply = try connection.reply()
                #expect(reply.ending == .proper)
                #expect(reply["trailer"] == nil)
                #expect(!reply.text.contains("server-timing"))
            }
        }
    }

    @Test func `it can be left out`() async throws {
        try await TestGateway.run(mockConfiguration(), change: { $0.server.timing = false }) { gateway in
            #expect(try await gateway.post("/invoke", text)["server-timing"] == nil)
            let stream = try await gateway.post("/stream", text)
            #expect(stream.ending == .proper)
            #expect(stream["trailer"] == nil && stream.trailers.isEmpty)
            #expect(try await gateway.send(.get("/nothing"))["server-timing"] == nil)
        }
    }

    @Test func `parts that come to nothing are left out, and what is cut off them is ours`() {
        var times = RequestTimes(gateway: .nanoseconds(1500))
        #expect(written(times) == "gateway;dur=0.001, total;dur=0.001")
        times = RequestTimes(gateway: .nanoseconds(12_345_678_900))
        #expect(written(times) == "gateway;dur=12345.678, total;dur=12345.678")
    }

    private func written(_ times: RequestTimes) -> String {
        var bytes: [UInt8] = []
        ServerTiming(times).append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
