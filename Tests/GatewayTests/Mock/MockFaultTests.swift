import EventLoop
import Gateway
import HTTP
import Providers
import Testing

/// Every fault over a real socket.
@Suite(.timeLimit(.minutes(2)))
struct MockFaultTests {
    private typealias Server = MockServerTests

    private static func body(_ client: BlockingClient, _ request: String, _ script: String) async throws -> [UInt8] {
        try await client.complete(request, script: script).decoded.body
    }

    @Test("truncation at every byte: the body is a prefix and has no end", arguments: [Server.prompt, Server.streamed])
    func truncation(request: String) async throws {
        try await Server.serving("tokens=1") { _, client in
            let whole = try await Self.body(client, request, "")
            for cut in 0...whole.count {
                let exchange = try await client.complete(request, script: "truncate=\(cut)")
                let answer = exchange.decoded
                #expect(answer.status == 200)
                #expect(answer.body == Array(whole[..<cut]))
                #expect(exchange.end == .closed)
                // A body with a length is whole at its last byte.
                #expect((answer.error == .truncated) == (request == Server.streamed || cut < whole.count))
            }
        }
    }

    @Test("a reset is a reset", arguments: ["0", "1", "200", "1t", "head"])
    func reset(position: String) async throws {
        try await Server.serving("tokens=2") { _, client in
            for request in [Server.prompt, Server.streamed] {
                let exchange = try await client.complete(request, script: "reset=\(position)")
                #expect(exchange.end == .reset)
                if position == "200" { #expect(exchange.decoded.body.count == 200) }
            }
        }
    }

    @Test("an early end is a proper end of HTTP, at any byte", arguments: [Server.prompt, Server.streamed])
    func properEnd(request: String) async throws {
        try await Server.serving("tokens=1") { _, client in
            for script in [
                "end=0", "end=1", "end=100", "end=300", "end=0t", "end=100,framing=length", "end=0t,framing=both",
            ] {
                let answer = try await client.complete(request, script: script).decoded
                if script.hasSuffix("both") {
                    #expect(answer.error == .lengthAndTransferEncoding)
                    continue
                }
                #expect(answer.error == nil, "\(script)")
                if script.hasPrefix("end=100") { #expect(answer.body.count == 100) }
            }
        }
    }

    @Test("nothing at all", arguments: ["truncate=head", "reset=head"])
    func noHead(script: String) async throws {
        try await Server.serving { server, client in
            let exchange = try await client.complete(Server.streamed, script: script)
            #expect(exchange.bytes.isEmpty)
            #expect(exchange.end == (script == "reset=head" ? .reset : .closed))
            #expect(server.stats.byStatus == [:])
            #expect(server.stats.completed == 1)
        }
    }

    @Test("a cut at a token leaves whole events")
    func cutAtToken() async throws {
        try await Server.serving("tokens=3") { server, client in
            let answer = try await client.complete(Server.streamed, script: "truncate=2t").decoded
            #expect(answer.error == .truncated)
            #expect(
                String(decoding: answer.body, as: UTF8.self) == Server.role + Server.content("the")
                    + Server.content(" river")
            )
            #expect(server.stats.tokens == 2)
        }
    }

    @Test("a split changes no byte", arguments: ["split=1", "split=3", "split=1000", "split=7,split-pause=10us"])
    func split(script: String) async throws {
        try await Server.serving("tokens=2,reply=text:naïve 🙂 \u{2028}") { _, client in
            for request in [Server.prompt, Server.streamed] {
                let answer = try await client.complete(request, script: script).decoded
                #expect(answer.error == nil)
                let whole = try await Self.body(client, request, "")
                #expect(answer.body == whole)
            }
        }
    }

    @Test(
        "framings, as a strict client sees them",
        arguments: [
            ("proper", nil as HTTPParseError.Reason?), ("close", nil), ("length", nil), ("long-length", .truncated),
            ("short-length", nil), ("both", .lengthAndTransferEncoding), ("bad-chunk", .malformedChunkSize),
            ("garbage", .malformedStatusLine),
        ]
    )
    func framings(framing: String, error: HTTPParseError.Reason?) async throws {
        try await Server.serving("tokens=2") { _, client in
            for request in [Server.prompt, Server.streamed] {
                let whole = try await Self.body(client, request, "")
                let answer = try await client.complete(request, script: "framing=\(framing)").decoded
                #expect(answer.error == error, "\(request)")
                if error == nil && framing != "short-length" {
                    #expect(answer.body == whole)
                } else {
                    #expect(whole.starts(with: answer.body))
                }
            }
        }
    }

    @Test(
        "a stall that ends changes nothing",
        arguments: ["stall=1", "stall=head", "stall=50b", "stall=2", "stall=0b"]
    )
    func shortStall(script: String) async throws {
        try await Server.serving("tokens=2") { _, client in
            for request in [Server.prompt, Server.streamed] {
                let answer = try await client.complete(request, script: "\(script),stall-for=1ms").decoded
                #expect(answer.error == nil)
                let whole = try await Self.body(client, request, "")
                #expect(answer.body == whole)
            }
        }
    }

    @Test("pings fill a silence, between events")
    func pings() async throws {
        try await Server.serving("tokens=2") { _, client in
            let script = "stall=1,stall-for=20ms,stall-pings=1ms"
            let answer = try await client.complete(Server.streamed, script: script).decoded
            let text = String(decoding: answer.body, as: UTF8.self)
            let parts = text.split(separator: ": ping\n\n", omittingEmptySubsequences: false)
            #expect(parts.count > 1)
            #expect(
                parts.joined() == Server.role + Server.content("the") + Server.content(" river") + Server.stop
                    + Server.done
            )
            #expect(parts[0] == Server.role + Server.content("the"))
        }
    }

    @Test(
        "a client that leaves is counted as cancelled, in every state",
        arguments: [
            ("stall=1", 1, #""the""#), ("stall=100b", 0, "data: "), ("stall=0,stall-pings=1ms", 0, ": ping"),
            ("interval=86400s", 1, #""the""#), ("ttft=86400s", 0, "assistant"), ("split=1,stall=2", 2, "river"),
        ]
    )
    func leaving(script: String, tokens: Int, mark: String) async throws {
        try await Server.serving("tokens=4") { server, client in
            try await client.leave(BlockingClient.request(Server.streamed, script: script), after: mark)
            while server.stats.concurrent > 0 { await Task.yield() }
            #expect(server.stats.cancelled == 1)
            #expect(server.stats.completed == 0)
            #expect(server.stats.tokens == tokens)
        }
    }

    @Test(
        "a client that leaves before the head is too",
        arguments: ["latency=86400s", "stall=head", "interval=86400s"]
    )
    func leavingEarly(script: String) async throws {
        try await Server.serving("tokens=4") { server, client in
            // The request behind it shows that the server has read the first one.
            let request = BlockingClient.request(Server.prompt, script: script)
            let client = client
            async let gone: Void = client.leave("GET /health HTTP/1.1\r\nhost: m\r\n\r\n" + request, after: "ok")
            try await gone
            while server.stats.cancelled == 0 { await Task.yield() }
            #expect(server.stats.tokens == (script.hasPrefix("interval") ? 1 : 0))
        }
    }

    @Test("stopping the server ends streams that would not end")
    func stopping() async throws {
        let task = try await Server.serving { server, client in
            let task = Task { try await client.complete(Server.streamed, script: "tokens=1,stall=1") }
            while server.stats.tokens == 0 { await Task.yield() }
            return task
        }
        #expect(try await task.value.decoded.error == .truncated)
    }
}
