import Runnable
import ScriptedUpstream
import Testing

@testable import Gateway

/// The bytes of `/stream` (langserve-protocol.md, LS-32 to LS-54).
@Suite(.timeLimit(.minutes(1)))
struct StreamTests {
    @Test("LS-32 the head says what follows, and that nothing may store or buffer it")
    func head() async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            for accept in [
                [], ["Accept: */*"], ["Accept: text/event-stream", "Cache-Control: no-store"], ["Accept: image/png"],
            ] {
                let reply = try await gateway.send(
                    TestRequest(path: "/stream", fields: accept, body: Array(#"{"input":"a"}"#.utf8))
                )
                #expect(reply.status == 200)
                #expect(reply["content-type"] == "text/event-stream; charset=utf-8")
                #expect(reply["cache-control"] == "no-store")
                #expect(reply["x-accel-buffering"] == "no")
                #expect(reply["transfer-encoding"] == "chunked")
            }
        }
    }

    @Test("LS-33, LS-34, LS-35 and LS-54 metadata, data, end: the bytes of the document, one event a chunk")
    func bytes() async throws {
        try await TestGateway.run(mockConfiguration(#"reply: "a é\n""#)) { gateway in
            let reply = try await gateway.post("/stream", #"{"input":"x"}"#)
            let chunks = reply.parts.map { String(decoding: $0, as: UTF8.self) }
            let id = try #require(try reply.events.first?.json["run_id"]?.string)
            #expect(RunID(id)?.description == id)
            #expect(
                chunks == [
                    "event: metadata\r\ndata: {\"run_id\": \"\(id)\"}\r\n\r\n",
                    "event: data\r\ndata: \"a\"\r\n\r\n",
                    "event: data\r\ndata: \" é\"\r\n\r\n",
                    "event: data\r\ndata: \"\\n\"\r\n\r\n",
                    "event: end\r\n\r\n",
                ]
            )
            #expect(reply.ending == .proper)
        }
    }

    /// Everything that could break a line, a string or an event.
    static let nasty = "a\nb\rc\u{85}d\u{2028}e\u{2029}f\"g\\h\u{1F600}i\u{0}j\u{B}k\u{1C}l\u{7F}m\r\n\r\nevent: end"

    @Test("LS-36 and LS-37 line separators arrive escaped, and the text whole", arguments: ["/stream", "/chat/stream"])
    func separators(path: String) async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            let reply = try await gateway.post(path, #"{"input":\#(Value.string(Self.nasty).jsonText)}"#)
            for separator in ["\u{85}", "\u{2028}", "\u{2029}"] {
                #expect(
                    !reply.text.unicodeScalars.contains(separator.unicodeScalars[separator.unicodeScalars.startIndex])
                )
            }
            let text = try reply.events.outputs.map { $0.string ?? $0["content"]?.string ?? "" }.joined()
            #expect(Array(text.unicodeScalars) == Array(Self.nasty.unicodeScalars))
        }
    }

    @Test("LS-40 a model that says nothing gives an end and no data")
    func nothing() async throws {
        try await TestGateway.run(mockConfiguration("tokens: 0")) { gateway in
            let names = try await gateway.post("/stream", #"{"input":"a"}"#).events.names
            #expect(names == ["metadata", "end"])
        }
        try await scripted([.eventStream(["data: {\"choices\":[]}\n\n", "data: [DONE]\n\n"])]) { gateway, _ in
            let names = try await gateway.post("/stream", #"{"input":"a"}"#).events.names
            #expect(names == ["metadata", "end"])
        }
    }

    @Test("LS-41 an upstream that does not stream gives one data event, equal to the invoke's output")
    func wholeAnswer() async throws {
        try await scripted([.completion("whole"), .completion("whole"), .completion("whole")]) { gateway, _ in
            #expect(try await gateway.post("/stream", #"{"input":"a"}"#).events.outputs == ["whole"])
            #expect(try await gateway.post("/invoke", #"{"input":"a"}"#).json["output"] == "whole")
            let events = try await gateway.post("/chat/stream", #"{"input":"a"}"#).events
            #expect(try events.outputs.count == 1)
            #expect(try events.outputs[0]["content"] == "whole")
            #expect(try events.outputs[0]["chunk_position"] == "last")
        }
    }

    @Test("LS-42 and LS-43 the head comes before any token, and each token when it is made")
    func flushing() async throws {
        let gates = [Gate(), Gate(), Gate()]
        let script: UpstreamScript = [
            .gate(gates[0]), .eventStreamHead, .chunk(.token("a")), .gate(gates[1]), .chunk(.token("b")),
            .gate(gates[2]), .chunk("data: [DONE]\n\n"), .lastChunk,
        ]
        for (accept, prefix) in [
            ("text/event-stream", "event: data\r\ndata: "), ("application/x-ndjson", #"{"event":"data","data":"#),
        ] {
            let upstream = ScriptedUpstream([script])
            defer { upstream.stop() }
            try await TestGateway.run(upstreamConfiguration(upstream.port)) { gateway in
                try await gateway.talk { connection in
                    try connection.send(.post("/stream", #"{"input":"x"}"#, "Accept: \(accept)"))
                    var reply = try connection.head()
                    let metadata = try #require(try connection.nextPart(&reply))
                    #expect(String(decoding: metadata, as: UTF8.self).contains("run_id"))
                    for (gate, token) in zip(gates, ["a", "b"]) {
                        gate.open()
                        let part = try #require(try connection.nextPart(&reply))
                        #expect(String(decoding: part, as: UTF8.self).hasPrefix("\(prefix)\"\(token)\""))
                    }
                    gates[2].open()
                    while try connection.nextPart(&reply) != nil {}
                    #expect(reply.ending == .proper)
                }
            }
        }
    }

    @Test("LS-44 a silent stream shows signs of life that no client takes for content")
    func keepAlive() async throws {
        for (accept, sign) in [("text/event-stream", ": ping\r\n\r\n"), ("application/x-ndjson", " ")] {
            let gate = Gate()
            let script: UpstreamScript = [
                .eventStreamHead, .gate(gate), .chunk(.token("a")), .chunk("data: [DONE]\n\n"), .lastChunk,
            ]
            let upstream = ScriptedUpstream([script])
            defer { upstream.stop() }
            let text = upstreamConfiguration(upstream.port)
            try await TestGateway.run(text, change: { $0.server.keepaliveInterval = .milliseconds(10) }) { gateway in
                let reply = try await gateway.talk { connection in
                    try connection.send(.post("/stream", #"{"input":"x"}"#, "Accept: \(accept)"))
                    var reply = try connection.head()
                    var signs = 0
                    while let part = try connection.nextPart(&reply) {
                        reply.parts.append(part)
                        if part == Array(sign.utf8) { signs += 1 }
                        if signs == 3 { gate.open() }
                    }
                    return reply
                }
                if accept == "text/event-stream" {
                    #expect(try reply.events.names == ["metadata", "data", "end"])
                } else {
                    #expect(try reply.lines.map { $0["event"] } == ["metadata", "data", "end"])
                }
            }
        }
    }

    @Test("LS-45, LS-47 and LS-49 a failure after two chunks: two data events, an error, no end, a proper body")
    func failureInTheMiddle() async throws {
        let error =
            #"data: {"error":{"message":"boom sk-canary-1234567890","type":"server_error","code":500}}"# + "\n\n"
        try await scripted([.eventStream([.token("one"), .token("two"), error])]) { gateway, _ in
            let reply = try await gateway.post("/stream", #"{"input":"x"}"#)
            #expect(reply.status == 200)
            let events = try reply.events
            #expect(events.names == ["metadata", "data", "data", "error"])
            #expect(try events.outputs == ["one", "two"])
            let failure = try events[3].json
            #expect(failure["status_code"]?.integer == 502)
            #expect(failure["message"]?.string?.isEmpty == false)
            #expect(failure["code"] == "upstream_5xx")
            #expect(failure["retryable"]?.bool != nil)
            #expect(!reply.text.contains("canary"))
            #expect(reply.ending == .proper)
        }
    }

    @Test("LS-46 a failure before the first chunk is never a clean empty end")
    func failureAtOnce() async throws {
        try await scripted([
            .response(status: 429, fields: ["retry-after: 7"], "{}"), .response(status: 500, "{}"), [.close],
        ]) {
            gateway,
            _ in
            for status in [429, 502, 502] {
                let reply = try await gateway.post("/stream", #"{"input":"x"}"#)
                #expect(reply.status == 200)
                #expect(try reply.events.names == ["metadata", "error"])
                #expect(try reply.events[1].json["status_code"]?.integer == status)
                #expect(try reply.events[1].json["retry_after"] == (status == 429 ? 7 : nil))
                #expect(reply.ending == .proper)
            }
        }
    }

    @Test("LS-48 what is not valid is a 422 in JSON, whatever the client accepts")
    func invalid() async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            for accept in ["text/event-stream", "application/x-ndjson", "text/plain"] {
                let reply = try await gateway.post("/stream", "{}", "Accept: \(accept)")
                #expect(reply.status == 422)
                #expect(reply["content-type"] == "application/json")
                #expect(try reply.json["detail"]?[0]["loc"] == ["input"])
            }
        }
    }

    @Test("LS-50 a client that leaves in the middle ends the upstream's call")
    func clientGone() async throws {
        try await scripted([[.eventStreamHead, .chunk(.token("a")), .untilDisconnect]]) { gateway, upstream in
            try await gateway.talk { connection in
                try connection.send(.post("/stream", #"{"input":"x"}"#))
                var reply = try connection.head()
                _ = try connection.nextPart(&reply)
                _ = try connection.nextPart(&reply)
            }
            await upstream.disconnected(1)
            #expect(try await gateway.logText(containing: "client_gone").contains("\"stream\""))
        }
    }

    @Test("LS-51 a client that closes right after the end is no error")
    func closesAfterEnd() async throws {
        try await TestGateway.run(mockConfiguration("tokens: 3")) { gateway in
            for _ in 0..<20 {
                try await gateway.talk { connection in
                    try connection.send(.post("/stream", #"{"input":"x"}"#))
                    var reply = try connection.head()
                    while let part = try connection.nextPart(&reply) {
                        if String(decoding: part, as: UTF8.self) == "event: end\r\n\r\n" { break }
                    }
                }
            }
            #expect(try await gateway.post("/nothing", "").status == 404)
            let log = try await gateway.logText(containing: #""status":404"#)
            let lines = log.split(separator: "\n").filter { $0.contains(#""endpoint":"stream""#) }
            #expect(lines.count == 20)
            #expect(lines.allSatisfy { $0.contains(#""outcome":"ok""#) && !$0.contains(#""error""#) })
        }
    }

    @Test("LS-52 a client that reads one byte at a time gets the same")
    func byteByByte() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            let request = TestRequest.post("/stream", #"{"input":"one é 日本 😀\u2028 two"}"#)
            let whole = try await gateway.send(request).events
            let slow = try await gateway.talk { connection in
                connection.readLimit = 1
                try connection.send(request)
                return try connection.reply().events
            }
            #expect(try slow.outputs == whole.outputs)
            #expect(slow.names == whole.names)
        }
    }

    @Test("LS-53 the chunks add up to the invoke's output")
    func sums() async throws {
        try await TestGateway.run(mockConfiguration("tokens: 100")) { gateway in
            let text = try await gateway.post("/invoke", #"{"input":"x"}"#).json["output"]?.string
            let chunks = try await gateway.post("/stream", #"{"input":"x"}"#).events.outputs
            #expect(chunks.count == 100)
            #expect(chunks.compactMap(\.string).joined() == text)
            let message = try await gateway.post("/chat/invoke", #"{"input":"x"}"#).json["output"]
            let pieces = try await gateway.post("/chat/stream", #"{"input":"x"}"#).events.outputs
            #expect(pieces.compactMap { $0["content"]?.string }.joined() == message?["content"]?.string)
            let metadata = pieces.compactMap { $0["response_metadata"]?.object }.filter { !$0.isEmpty }
            #expect(metadata.count == 1)
            #expect(metadata.first == message?["response_metadata"]?.object)
            #expect(pieces.compactMap { $0["usage_metadata"]?.object }.first == message?["usage_metadata"]?.object)
        }
    }

    @Test("G1 and LS-104 an answer that stops without its end mark: an error event, and a body that is cut")
    func truncated() async throws {
        // A proper HTTP body without [DONE] is no whole answer either.
        for end in [UpstreamStep.lastChunk, .close, .reset] {
            for accept in ["text/event-stream", "application/x-ndjson", "text/plain"] {
                // A reset may overtake the token, so it waits until that was read.
                let gate = Gate()
                try await scripted([[.eventStreamHead, .chunk(.token("a")), .gate(gate), end]]) { gateway, _ in
                    let reply = try await gateway.talk { connection in
                        try connection.send(.post("/stream", #"{"input":"x"}"#, "Accept: \(accept)"))
                        var reply = try connection.head()
                        while let part = try connection.nextPart(&reply) {
                            reply.parts.append(part)
                            if reply.text.contains(#""a""#) || reply.text == "a" { gate.open() }
                        }
                        return reply
                    }
                    #expect(reply.ending == .cut)
                    switch accept {
                    case "text/plain": #expect(reply.text == "a")
                    case "text/event-stream": #expect(try reply.events.names == ["metadata", "data", "error"])
                    default: #expect(try reply.lines.map { $0["event"] } == ["metadata", "data", "error"])
                    }
                }
            }
        }
    }

    @Test("G1 a tool call that was passed on counts as begun")
    func truncatedToolCall() async throws {
        let piece =
            #"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"w","arguments":""}}]}}]}"#
            + "\n\n"
        let script: UpstreamScript = [.eventStreamHead, .chunk(piece), .untilDisconnect]
        try await scripted([script], route: "timeouts: {idle: 50ms}") { gateway, _ in
            let reply = try await gateway.post("/chat/stream", #"{"input":"x"}"#)
            #expect(try reply.events.names == ["metadata", "data", "error"])
            #expect(try reply.events[2].json["code"] == "timeout_idle")
            #expect(reply.ending == .cut)
        }
    }
}

extension String {
    /// One event of the openai dialect with a piece of text, which needs no escaping.
    static func token(_ text: String) -> String {
        #"data: {"id":"chatcmpl-7","model":"m","choices":[{"index":0,"delta":{"content":"\#(text)"}}]}"# + "\n\n"
    }
}
