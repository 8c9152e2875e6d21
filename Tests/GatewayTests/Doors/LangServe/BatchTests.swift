import Runnable
import ScriptedUpstream
import Testing

@testable import Gateway

/// `/batch` as LangServe has it (langserve-protocol.md, LS-21 to LS-31), and what guarantees G2 and G5 add.
@Suite(.timeLimit(.minutes(1)))
struct BatchTests {
    /// A number made of an input's number, the same every time, with no order to it.
    private static func scatter(_ number: Int) -> Int {
        var bits = UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15
        bits ^= bits >> 29
        return Int(bits % 997)
    }

    private static func number(_ prompt: String) -> Int { Int(prompt.drop { $0 != "-" }.dropFirst()) ?? 0 }

    private static func inputs(_ count: Int) -> String {
        "[" + (0..<count).map { #""in-\#($0)""# }.joined(separator: ",") + "]"
    }

    @Test("an integer may come as the reference takes it", arguments: ["1.0", "\"3\"", "1e2", "7"])
    func integers(count: String) async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            let reply = try await gateway.post("/batch", #"{"inputs":["a"],"config":{"max_concurrency":\#(count)}}"#)
            #expect(reply.status == 200)
        }
    }

    @Test("LS-21 outputs, responses and run ids come in the order of the inputs")
    func order() async throws {
        try await EchoUpstream.run {
            .init(delay: .milliseconds(Self.scatter(Self.number($0)) % 20))
        } _: { _, port in
            try await TestGateway.run(upstreamConfiguration(port)) { gateway in
                let json = try await gateway.post("/batch", #"{"inputs":\#(Self.inputs(10))}"#).json
                #expect(json.keys == ["output", "metadata"])
                #expect(json["output"]?.array?.map(\.string) == (0..<10).map { "in-\($0)" })
                let metadata = try #require(json["metadata"])
                #expect(metadata.keys == ["responses", "run_ids"])
                let ids = try #require(metadata["run_ids"]?.array?.map(\.string))
                #expect(metadata["responses"]?.array?.map { $0["run_id"]?.string } == ids)
                #expect(Set(ids).count == 10)
                #expect(ids.allSatisfy { $0.flatMap { RunID($0) } != nil })
            }
        }
    }

    @Test("LS-22 an empty batch has an empty answer")
    func empty() async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            for body in [
                #"{"inputs":[]}"#, #"{"inputs":[],"config":[]}"#,
                #"{"inputs":[],"config":{},"return_exceptions":true}"#,
            ] {
                let reply = try await gateway.post("/batch", body)
                #expect(reply.status == 200)
                #expect(reply.text == #"{"output":[],"metadata":{"responses":[],"run_ids":[]}}"#)
            }
        }
    }

    @Test("LS-23, LS-27 and LS-29 a batch that is not valid is a 422, and nothing runs")
    func invalid() async throws {
        try await EchoUpstream.run { _ in
            .init()
        } _: { upstream, port in
            try await TestGateway.run(upstreamConfiguration(port)) { gateway in
                let mismatch = try await gateway.post("/batch", #"{"inputs":["a","b"],"config":[{}]}"#)
                #expect(mismatch.status == 422)
                #expect(try mismatch.json["detail"] == "Number of configs (1) must match number of inputs (2)")
                let wrong: [(String, Value)] = [
                    (#"{"inputs":["a",7]}"#, ["inputs", 1]),
                    (#"{"inputs":["a",[{"type":"bogus","content":""}]]}"#, ["inputs", 1, 0]),
                    (#"{"inputs":1}"#, ["inputs"]), (#"{"inputs":"abc"}"#, ["inputs"]),
                    (#"{"inputs":null}"#, ["inputs"]),
                    (#"{"inputs":{}}"#, ["inputs"]), ("{}", ["inputs"]), (#"{"input":"a"}"#, ["inputs"]),
                    (#"{"inputs":["a"],"config":["s"]}"#, ["config", 0]),
                    (#"{"inputs":["a"],"config":[{"max_concurrency":0}]}"#, ["config", 0, "max_concurrency"]),
                    (#"{"inputs":["a"],"config":{"max_concurrency":-1}}"#, ["max_concurrency"]),
                    (#"{"inputs":["a"],"config":{"max_concurrency":1.5}}"#, ["max_concurrency"]),
                    (#"{"inputs":["a"],"config":{"max_concurrency":"+3"}}"#, ["max_concurrency"]),
                    (#"{"inputs":["a"],"config":{"max_concurrency":""}}"#, ["max_concurrency"]),
                    (#"{"inputs":["a"],"return_exceptions":"yes"}"#, ["return_exceptions"]),
                ]
                for (body, place) in wrong {
                    let reply = try await gateway.post("/batch", body)
                    #expect(reply.status == 422, "\(body)")
                    #expect(try reply.json["detail"]?[0]["loc"] == place, "\(body)")
                }
                for config in [#""s""#, "1"] {
                    let reply = try await gateway.post("/batch", #"{"inputs":["a"],"config":\#(config)}"#)
                    #expect(reply.status == 422)
                    #expect(try reply.json["detail"] == "Value for 'config' key must be a dict or list if provided")
                }
                #expect(upstream.prompts.isEmpty)
            }
        }
    }

    @Test("LS-24 and LS-25 configs apply to each element, or one to all")
    func configs() async throws {
        let route = "allow_config: [run_id, max_concurrency]"
        let first = "31f2f45e-1a67-47f6-a422-d4c23d5e5dbd"
        let second = "8637aaa0-1a67-47f6-a422-d4c23d5e5dbd"
        try await TestGateway.run(mockConfiguration("reply: echo", route: route)) { gateway in
            for config in [
                #"[{"run_id":"\#(first)"},{"run_id":"\#(second)"}]"#, #"{"run_id":"\#(first)"}"#, #"[{},null]"#,
            ] {
                let json = try await gateway.post("/batch", #"{"inputs":["a","b"],"config":\#(config)}"#).json
                #expect(json["output"] == ["a", "b"])
                let ids = json["metadata"]?["run_ids"]?.array?.compactMap { $0.string } ?? []
                #expect(Set(ids).count == 2)
                #expect((ids[0] == first) == config.contains(first), "only element 0 keeps a run id")
                #expect(ids[1] != first)
            }
            let wrong = try await gateway.post("/batch", #"{"inputs":["a"],"config":{"run_id":"x"}}"#)
            #expect(wrong.status == 422)
            #expect(try wrong.json["detail"]?[0]["loc"] == ["run_id"])
        }
    }

    @Test("LS-26 one failing element fails the request; nothing of the others is shown, and the rest is not sent")
    func failure() async throws {
        try await EchoUpstream.run {
            $0 == "in-2" ? .init(status: 500) : .init()
        } _: { upstream, port in
            try await TestGateway.run(upstreamConfiguration(port, route: "max_concurrency: 1")) { gateway in
                let reply = try await gateway.post("/batch", #"{"inputs":\#(Self.inputs(50))}"#)
                #expect(reply.status == 502)
                #expect(try reply.json["output"] == nil)
                #expect(try reply.json["error"]?["code"] == "upstream_5xx")
                #expect(upstream.prompts == ["in-0", "in-1", "in-2"])
            }
        }
    }

    @Test("the failure with the lowest index fails the request, whichever comes first")
    func lowestFailure() async throws {
        let answer: @Sendable (String) -> EchoUpstream.Answer = { prompt in
            switch prompt {
            case "in-1": .init(status: 429, delay: .milliseconds(50))
            case "in-3": .init(status: 503)
            default: .init()
            }
        }
        try await EchoUpstream.run(answer) { _, port in
            try await TestGateway.run(upstreamConfiguration(port)) { gateway in
                let reply = try await gateway.post("/batch", #"{"inputs":\#(Self.inputs(5))}"#)
                #expect(reply.status == 429)
                #expect(try reply.json["error"]?["code"] == "upstream_rate")
            }
        }
    }

    @Test("LS-28 a null config is an empty one")
    func nullConfig() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            let reply = try await gateway.post("/batch", #"{"inputs":["a"],"config":null}"#)
            #expect(reply.status == 200)
            #expect(try reply.json["output"] == ["a"])
        }
    }

    @Test(
        "LS-30 neither the caller's limit nor the route's is passed",
        arguments: [(3, 128, 3), (500, 5, 5), (nil, 4, 4), (1, 8, 1)] as [(Int?, Int, Int)]
    )
    func concurrency(asked: Int?, allowed: Int, peak: Int) async throws {
        try await EchoUpstream.run { _ in
            .init(delay: .milliseconds(5))
        } _: { upstream, port in
            try await TestGateway.run(upstreamConfiguration(port, route: "max_concurrency: \(allowed)")) { gateway in
                let limit = asked.map { #"{"max_concurrency":\#($0)}"# } ?? "{}"
                // The first element's counts, as LangServe's Python client sends the same to all.
                let others = Array(repeating: #"{"max_concurrency":900}"#, count: 23).joined(separator: ",")
                for config in [limit, "[\(limit),\(others)]"] {
                    let reply = try await gateway.post("/batch", #"{"inputs":\#(Self.inputs(24)),"config":\#(config)}"#)
                    #expect(reply.status == 200)
                    #expect(upstream.peak == peak)
                }
            }
        }
    }

    @Test("LS-31 every response has a list of feedback tokens")
    func feedbackTokens() async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            let json = try await gateway.post("/batch", #"{"inputs":["a","b"]}"#).json
            let responses = try #require(json["metadata"]?["responses"]?.array)
            #expect(responses.map(\.keys) == [["run_id", "feedback_tokens"], ["run_id", "feedback_tokens"]])
            #expect(responses.allSatisfy { $0["feedback_tokens"] == [] })
        }
    }

    // MARK: Beyond LangServe

    @Test("return_exceptions: a failed item is null in output and an error in its response")
    func returnExceptions() async throws {
        try await EchoUpstream.run {
            $0 == "in-1" ? .init(status: 429) : .init()
        } _: { _, port in
            try await TestGateway.run(upstreamConfiguration(port)) { gateway in
                let body = #"{"inputs":\#(Self.inputs(3)),"return_exceptions":true}"#
                let reply = try await gateway.post("/batch", body)
                #expect(reply.status == 200)
                let json = try reply.json
                #expect(json["output"] == ["in-0", nil, "in-2"])
                let responses = try #require(json["metadata"]?["responses"]?.array)
                #expect(responses[0].keys == ["run_id", "feedback_tokens"])
                #expect(responses[1].keys == ["run_id", "feedback_tokens", "error"])
                let error = try #require(responses[1]["error"])
                #expect(error.keys == ["code", "status", "message", "retryable"])
                #expect(error["code"] == "upstream_rate")
                #expect(error["status"] == 429)
                #expect(error["retryable"] == true)
                // In kwargs it has no effect, as on LangServe.
                let ignored = #"{"inputs":\#(Self.inputs(3)),"kwargs":{"return_exceptions":true}}"#
                #expect(try await gateway.post("/batch", ignored).status == 429)
            }
        }
    }

    @Test("G5 of 1,000 items with random delays and failures, output i belongs to input i")
    func membership() async throws {
        let fails: @Sendable (Int) -> Bool = { Self.scatter($0) % 7 == 0 }
        let answer: @Sendable (String) -> EchoUpstream.Answer = { prompt in
            let number = Self.number(prompt)
            return .init(
                status: fails(number) ? (number % 2 == 0 ? 500 : 429) : 200,
                delay: .microseconds(Self.scatter(number + 1000) * 20)
            )
        }
        try await EchoUpstream.run(answer) { upstream, port in
            try await TestGateway.run(upstreamConfiguration(port), loops: 2) { gateway in
                let body = #"{"inputs":\#(Self.inputs(1000)),"return_exceptions":true,"config":{"max_concurrency":64}}"#
                let json = try await gateway.post("/batch", body).json
                let outputs = try #require(json["output"]?.array)
                let responses = try #require(json["metadata"]?["responses"]?.array)
                #expect(outputs.count == 1000)
                #expect(upstream.prompts.count == 1000)
                var wrong: [Int] = []
                for number in 0..<1000 {
                    let code: Value? = fails(number) ? (number % 2 == 0 ? "upstream_5xx" : "upstream_rate") : nil
                    let output: Value = fails(number) ? nil : .string("in-\(number)")
                    if outputs[number] != output || responses[number]["error"]?["code"] != code { wrong.append(number) }
                }
                #expect(wrong.isEmpty)

                let lines = try await gateway.post("/batch", body, "Accept: application/x-ndjson").lines
                #expect(lines.count == 1001)
                wrong = []
                for line in lines.dropLast() {
                    let number = try #require(line["index"]?.integer)
                    let isRight = fails(number) ? line["error"] != nil : line["output"] == .string("in-\(number)")
                    if !isRight { wrong.append(number) }
                }
                #expect(wrong.isEmpty)
                #expect(Set(lines.dropLast().map { $0["index"] }).count == 1000)
                let failed = (0..<1000).count { fails($0) }
                let summary: Value = ["total": 1000, "succeeded": .integer(1000 - failed), "failed": .integer(failed)]
                #expect(lines.last == ["summary": summary])
            }
        }
    }

    @Test("a batch with more items than the route takes is a 422")
    func tooLong() async throws {
        try await TestGateway.run(mockConfiguration(route: "max_batch: 10")) { gateway in
            #expect(try await gateway.post("/batch", #"{"inputs":\#(Self.inputs(10))}"#).status == 200)
            let reply = try await gateway.post("/batch", #"{"inputs":\#(Self.inputs(11))}"#)
            #expect(reply.status == 422)
            #expect(try reply.json["detail"]?[0]["type"] == "too_long")
            #expect(try reply.json["detail"]?[0]["loc"] == ["inputs"])
        }
    }

    @Test("a huge batch is refused by its size alone")
    func huge() async throws {
        try await TestGateway.run(mockConfiguration(), change: { $0.server.maxBody = 1 << 20 }) { gateway in
            let reply = try await gateway.post("/batch", #"{"inputs":\#(Self.inputs(200_000))}"#)
            #expect(reply.status == 413)
            #expect(try reply.json["detail"]?.string != nil)
            #expect(try reply.json["message"]?.string != nil)
        }
    }

    @Test(
        "items come as they complete: as lines",
        arguments: ["application/x-ndjson", "application/x-ndjson, */*;q=0.1"]
    )
    func asLines(accept: String) async throws {
        let first = Gate()
        let upstream = ScriptedUpstream([[.gate(first)] + .completion("slow"), .completion("fast")])
        defer { upstream.stop() }
        // The first request to come is held back until the second one's item was read.
        try await TestGateway.run(upstreamConfiguration(upstream.port, route: "max_concurrency: 2")) { gateway in
            try await gateway.talk { connection in
                try connection.send(.post("/batch", #"{"inputs":["a","b"]}"#, "Accept: \(accept)"))
                var reply = try connection.head()
                #expect(reply.status == 200)
                #expect(reply["content-type"] == "application/x-ndjson; charset=utf-8")
                let part = try #require(try connection.nextPart(&reply))
                let line = try Value(parsing: String(decoding: part, as: UTF8.self))
                #expect(line.keys == ["index", "output", "run_id"])
                #expect(line["output"] == "fast")
                first.open()
                while let part = try connection.nextPart(&reply) { reply.parts.append(part) }
                let lines = try reply.lines
                #expect(lines.count == 2)
                #expect(lines[0]["output"] == "slow")
                #expect(lines[0]["index"] != line["index"])
                #expect(lines[1] == ["summary": ["total": 2, "succeeded": 2, "failed": 0]])
                #expect(reply.ending == .proper)
            }
        }
    }

    @Test("items come as they complete: as events")
    func asEvents() async throws {
        try await EchoUpstream.run {
            $0 == "in-1" ? .init(status: 500) : .init()
        } _: { _, port in
            try await TestGateway.run(upstreamConfiguration(port)) { gateway in
                let body = #"{"inputs":\#(Self.inputs(3))}"#
                let reply = try await gateway.post("/batch", body, "Accept: text/event-stream")
                #expect(reply["content-type"] == "text/event-stream; charset=utf-8")
                let events = try reply.events
                #expect(events.names == ["data", "data", "data", "metadata", "end"])
                let failed = try #require(try events.outputs.first { $0["index"] == 1 })
                #expect(failed.keys == ["index", "error", "run_id"])
                #expect(failed["error"]?.keys == ["code", "status", "message", "retryable"])
                #expect(try events[3].json == ["summary": ["total": 3, "succeeded": 2, "failed": 1]])
                #expect(events[4].data == nil)
                #expect(reply.ending == .proper)
            }
        }
    }

    @Test("an empty batch as lines is its summary")
    func emptyLines() async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            let reply = try await gateway.post("/batch", #"{"inputs":[]}"#, "Accept: application/x-ndjson")
            #expect(try reply.lines == [["summary": ["total": 0, "succeeded": 0, "failed": 0]]])
        }
    }

    @Test("G2 a client that leaves a batch stops the dispatch", arguments: ["*/*", "application/x-ndjson"])
    func clientGone(accept: String) async throws {
        let stall = ScriptedUpstream(Array(repeating: [.untilDisconnect], count: 100))
        defer { stall.stop() }
        try await TestGateway.run(upstreamConfiguration(stall.port, route: "max_concurrency: 4")) { gateway in
            let connection = try await onThread {
                let connection = try TestConnection(port: gateway.port)
                try connection.send(.post("/batch", #"{"inputs":\#(Self.inputs(100))}"#, "Accept: \(accept)"))
                return connection
            }
            await stall.received(4)
            connection.close()
            await stall.disconnected(4)
            _ = try await gateway.logText(containing: "client_gone")
            #expect(stall.requests.count == 4)
        }
    }
}

extension UpstreamScript {
    /// A whole chat completion that says `text`, which needs no escaping.
    static func completion(_ text: String, id: String = "chatcmpl-1") -> UpstreamScript {
        .response(
            #"{"id":"\#(id)","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"\#(text)"},"#
                + #""finish_reason":"stop"}]}"#
        )
    }
}
