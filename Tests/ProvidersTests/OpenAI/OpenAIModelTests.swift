import HTTP
import Providers
import Runnable
import ScriptedUpstream
import Testing

@Suite(.timeLimit(.minutes(2))) struct OpenAIModelTests {
    static let completion =
        #"{"id":"c","model":"m","choices":[{"index":0,"message":{"content":"hello"},"finish_reason":"stop"}]}"#
    static let token = #"data: {"id":"c","choices":[{"index":0,"delta":{"content":"a"}}]}"# + "\n\n"
    static let finish = #"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"# + "\n\n"
    static let done = "data: [DONE]\n\n"

    private func code(_ error: (any Error)?) -> RunError.Code? { (error as? RunError)?.code }

    // MARK: Answers

    @Test func wholeAnswer() async throws {
        let fixture = try UpstreamFixture([.response(Self.completion)])
        let model = fixture.model { $0.parameters = [.init(name: "temperature", json: "0")] }
        let message = try await fixture.run { try await model.ainvoke(ChatPrompt("hi"), config: RunConfig()) }
        #expect(message.content == .text("hello"))
        let request = try #require(fixture.upstream.requests.first)
        #expect(
            request.head.hasPrefix("POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:\(fixture.upstream.port)\r\n")
        )
        #expect(request.head.contains("\r\nauthorization: Bearer sk-canary-1\r\n"))
        #expect(request.head.contains("\r\ncontent-type: application/json\r\n"))
        #expect(request.body == #"{"model":"m","temperature":0,"messages":[{"role":"user","content":"hi"}]}"#)
    }

    @Test func streamedAnswer() async throws {
        let fixture = try UpstreamFixture([.eventStream([Self.token, Self.token + Self.finish, Self.done])])
        let (chunks, error) = await fixture.chunks(of: fixture.model())
        #expect(error == nil)
        #expect(chunks.map(\.content.text) == ["a", "a", ""])
        #expect(chunks.map(\.isLast) == [false, false, true])
        #expect(
            fixture.upstream.requests.first?.body.contains(#""stream":true,"stream_options":{"include_usage":true}"#)
                == true
        )
    }

    @Test func everyFixtureArrivesOverTheWire() async throws {
        let fixture = try UpstreamFixture(OpenAIFixtures.all.map { .eventStream([$0.body]) })
        for expected in OpenAIFixtures.all {
            let (chunks, error) = await fixture.chunks(of: fixture.model())
            #expect(error == nil, "\(expected.name)")
            #expect(chunks.map(\.content.text).joined() == expected.expected.content.text)
            // The end mark ends the stream; the body's end, with which the connection comes free, may be still to come.
            while await fixture.client.load.busy > 0 { await Task.yield() }
        }
        #expect(fixture.upstream.connectionCount == 1)
    }

    @Test func worksOffTheLoopToo() async throws {
        let fixture = try UpstreamFixture([
            .response(Self.completion), .response(Self.completion),
            .eventStream([Self.token, Self.finish + Self.done]),
        ])
        let model = fixture.model()
        #expect(try await model.ainvoke(ChatPrompt("hi"), config: RunConfig()).content == .text("hello"))
        let blocking = RunnableLambda { (prompt: ChatPrompt, _) in
            let whole = try model.invoke(prompt, config: RunConfig())
            let pieces = try model.stream(prompt, config: RunConfig()).collect()
            return [whole.content.text] + pieces.map(\.content.text)
        }
        #expect(try await blocking.ainvoke(ChatPrompt("hi"), config: RunConfig()) == ["hello", "a", ""])
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n", "text/event-stream"), ("HTTP/1.0 200 OK\r\n", "text/event-stream"),
        ("HTTP/1.1 200 OK\r\n", "text/plain"), ("HTTP/1.1 200 OK\r\n", "application/json"),
    ])
    func streamsUntilTheConnectionCloses(_ statusLine: String, _ type: String) async throws {
        let body = Self.token + Self.finish + Self.done
        let fixture = try UpstreamFixture([[.text("\(statusLine)content-type: \(type)\r\n\r\n\(body)"), .close]])
        let (chunks, error) = await fixture.chunks(of: fixture.model())
        #expect(error == nil)
        #expect(chunks.map(\.content.text) == ["a", ""])
    }

    @Test func aWholeAnswerToAStreamRequestIsOneChunk() async throws {
        let fixture = try UpstreamFixture([.response("\n\n" + Self.completion)])
        let (chunks, error) = await fixture.chunks(of: fixture.model())
        #expect(error == nil)
        #expect(chunks.map(\.content.text) == ["hello"])
        #expect(chunks.map(\.isLast) == [true])
    }

    @Test func anErrorInASuccessIsAnError() async throws {
        let body = #"{"error":{"message":"x","code":"insufficient_quota"}}"#
        let fixture = try UpstreamFixture([.response(body), .response(body), .response(type: "text/html", "<p>")])
        let (chunks, streamed) = await fixture.chunks(of: fixture.model())
        #expect(chunks.isEmpty)
        #expect(code(streamed) == .upstreamBilling)
        let model = fixture.model()
        let whole = await #expect(throws: RunError.self) {
            try await fixture.run { try await model.ainvoke(ChatPrompt("hi"), config: RunConfig()) }
        }
        #expect(whole?.code == .upstreamBilling)
        #expect(code(await fixture.chunks(of: model).error) == .upstreamProtocol)
    }

    @Test func refusalsAreClassifiedWithTheirHeaders() async throws {
        let body = #"{"error":{"message":"slow, sk-canary-1"}}"#
        let fixture = try UpstreamFixture([
            .response(status: 429, fields: ["retry-after: 7"], body),
            .response(status: 307, fields: ["location: /x"], ""),
            .response(status: 400, #"{"error":{"message":"echo sk-canary-1"}}"#),
            .response(fields: ["content-encoding: gzip"], "x"),
        ])
        let model = fixture.model { $0.secrets = ["sk-canary-1"] }
        for expected in [RunError.Code.upstreamRate, .upstreamProtocol, .callerInvalid, .upstreamProtocol] {
            let error = await fixture.chunks(of: model).error as? RunError
            #expect(error?.code == expected)
            #expect(error?.retryAfter == (expected == .upstreamRate ? .seconds(7) : nil))
            #expect(error.map { $0.message.contains("canary") || $0.detail.contains("canary") } == false)
        }
    }

    @Test func answersAreBounded() async throws {
        let fixture = try UpstreamFixture([.response(String(repeating: " ", count: 5000) + Self.completion)])
        let model = fixture.model { $0.maximumResponse = 4096 }
        let error = await #expect(throws: RunError.self) {
            try await fixture.run { try await model.ainvoke(ChatPrompt("hi"), config: RunConfig()) }
        }
        #expect(error?.code == .upstreamProtocol)
    }

    // MARK: Interruptions

    /// G1, on real sockets: a connection that ends anywhere before the end mark is never a clean end.
    @Test(arguments: [false, true]) func everyCutOnTheWireIsAnError(_ isReset: Bool) async throws {
        let whole = UpstreamScript.eventStream([Self.token, Self.finish, Self.done])
        var bytes: [UInt8] = []
        for case .bytes(let part) in whole { bytes += part }
        let mark = bytes.count - "\r\n0\r\n\r\n".utf8.count
        let end: UpstreamStep = isReset ? .reset : .close
        let cuts = Array(1..<bytes.count)
        let fixture = try UpstreamFixture(cuts.map { [.bytes(Array(bytes[..<$0])), end] })
        for cut in cuts {
            let (chunks, error) = await fixture.chunks(of: fixture.model())
            let isClean = error == nil
            // A reset may overtake what was sent before it.
            guard isReset && !isClean || isClean == (cut >= mark), chunks.contains(where: \.isLast) == isClean else {
                Issue.record("cut at byte \(cut): \(chunks.count) chunks, \(String(reflecting: error))")
                return
            }
        }
    }

    @Test func aFinishReasonIsNoEndWhenTheBodyIsCut() async throws {
        let fixture = try UpstreamFixture([
            [.eventStreamHead, .chunk(Self.token + Self.finish), .close],
            [.eventStreamHead, .chunk(Self.token + Self.finish), .lastChunk],
            [.eventStreamHead, .chunk(Self.token), .lastChunk],
        ])
        #expect(code(await fixture.chunks(of: fixture.model()).error) == .truncated)
        #expect(await fixture.chunks(of: fixture.model()).error == nil)
        #expect(code(await fixture.chunks(of: fixture.model()).error) == .truncated)
    }

    /// G1: where nothing but the connection's end ends the body, only the end mark does.
    @Test func everyCutOfABodyWithoutFramingIsAnError() async throws {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
        let body = Self.token + Self.finish + Self.done
        let mark = body.utf8.count - 2  // the empty line behind it may be missing
        let cuts = Array(1...body.utf8.count)
        let fixture = try UpstreamFixture(cuts.map { [.text(head + String(body.prefix($0))), .close] })
        for cut in cuts {
            let (chunks, error) = await fixture.chunks(of: fixture.model())
            #expect((error == nil) == (cut >= mark), "cut at byte \(cut)")
            #expect(chunks.contains(where: \.isLast) == (cut >= mark), "cut at byte \(cut)")
        }
    }

    /// G2, in every state of a call.
    @Test(arguments: [
        [UpstreamStep.untilDisconnect],
        [.eventStreamHead, .untilDisconnect],
        [.eventStreamHead, .chunk(": ping\n\n"), .untilDisconnect],
        [.eventStreamHead, .chunk(token), .untilDisconnect],
    ])
    func cancellationClosesTheConnection(_ script: UpstreamScript) async throws {
        let fixture = try UpstreamFixture([script, script])
        let model = fixture.model()
        let stream = fixture.start {
            for try await _ in model.astream(ChatPrompt("hi"), config: RunConfig()) {}
        }
        await fixture.upstream.received(1)
        stream.cancel()
        await fixture.upstream.disconnected(1)
        await #expect(throws: CancellationError.self) { try await stream.value }
        let whole = fixture.start { try await model.ainvoke(ChatPrompt("hi"), config: RunConfig()) }
        await fixture.upstream.received(2)
        whole.cancel()
        await fixture.upstream.disconnected(2)
        await #expect(throws: CancellationError.self) { try await whole.value }
    }

    @Test func droppingTheIterationClosesTheConnection() async throws {
        let fixture = try UpstreamFixture([[.eventStreamHead, .chunk(Self.token), .untilDisconnect]])
        let model = fixture.model()
        try await fixture.run {
            var iterator = model.astream(ChatPrompt("hi"), config: RunConfig()).makeAsyncIterator()
            _ = try await iterator.next()
        }
        await fixture.upstream.disconnected(1)
    }

    @Test func cancellationInTheQueueHarmsNobodyElse() async throws {
        let gate = Gate()
        let fixture = try UpstreamFixture([[.gate(gate)] + .response(Self.completion), .response(Self.completion)]) {
            $0.maximumConnections = 1
        }
        let model = fixture.model()
        let ask: @Sendable () async throws -> Message = {
            try await model.ainvoke(ChatPrompt("hi"), config: RunConfig())
        }
        let first = fixture.start(ask)
        await fixture.upstream.received(1)
        let second = fixture.start(ask)
        while await fixture.client.load.queued == 0 { await Task.yield() }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        gate.open()
        #expect(try await first.value.content == .text("hello"))
        #expect(try await fixture.run(ask).content == .text("hello"))
        #expect(await fixture.client.load == (0, 1, 0))
        #expect(fixture.upstream.connectionCount == 1)
    }

    // MARK: Connections

    @Test func connectionsAreUsedAgain() async throws {
        let fixture = try UpstreamFixture([
            .response(Self.completion), .eventStream([Self.token + Self.finish + Self.done]),
            .response(status: 500, "x"),
            .response(Self.completion),
        ])
        let model = fixture.model()
        for place in 0..<4 {
            if place == 1 {
                #expect(await fixture.chunks(of: model).error == nil)
            } else {
                _ = try? await fixture.run { try await model.ainvoke(ChatPrompt("hi"), config: RunConfig()) }
            }
        }
        #expect(fixture.upstream.requests.map(\.connection) == [0, 0, 0, 0])
    }

    @Test func theEndMarkEndsTheStreamBeforeTheBodyDoes() async throws {
        let gate = Gate()
        let fixture = try UpstreamFixture([
            [
                .eventStreamHead, .chunk(Self.token + Self.finish + Self.done), .gate(gate), .chunk(": bye\n\n"),
                .lastChunk,
            ],
            .response(Self.completion),
        ])
        let model = fixture.model()
        // All on the loop: the rest is worth two seconds, and a way back to here may take longer on a busy machine.
        let load = try await fixture.run {
            for try await _ in model.astream(ChatPrompt("hi"), config: RunConfig()) {}
            let load = await fixture.client.load
            gate.open()
            return load
        }
        #expect(load == (1, 0, 0))
        while await fixture.client.load.busy > 0 { await Task.yield() }
        // On a machine so busy that the rest took more than the two seconds it is worth, there is nothing to reuse.
        guard await fixture.client.load.idle == 1 else { return }
        _ = try await fixture.run { try await model.ainvoke(ChatPrompt("hi"), config: RunConfig()) }
        #expect(fixture.upstream.connectionCount == 1)
    }

    @Test func aLongRestIsNotWorthReading() async throws {
        let fixture = try UpstreamFixture([
            [
                .eventStreamHead, .chunk(Self.finish + Self.done),
                .repeated(Array("400\r\n\(String(repeating: "x", count: 1024))\r\n".utf8)),
            ]
        ])
        #expect(await fixture.chunks(of: fixture.model()).error == nil)
        await fixture.upstream.disconnected(1)
        while await fixture.client.load != (0, 0, 0) { await Task.yield() }
    }

    @Test func aConnectionTheUpstreamClosedIsNoError() async throws {
        let fixture = try UpstreamFixture([.response(Self.completion) + [.close], .response(Self.completion)])
        let model = fixture.model()
        for _ in 0..<2 {
            let message = try await fixture.run { try await model.ainvoke(ChatPrompt("hi"), config: RunConfig()) }
            #expect(message.content == .text("hello"))
        }
        #expect(fixture.upstream.connectionCount == 2)
    }

    @Test func aDeliveredRequestIsNotSentAgain() async throws {
        let fixture = try UpstreamFixture([.response(Self.completion), [.close], .response(Self.completion)])
        let model = fixture.model()
        _ = try await fixture.run { try await model.ainvoke(ChatPrompt("hi"), config: RunConfig()) }
        let error = await #expect(throws: RunError.self) {
            try await fixture.run { try await model.ainvoke(ChatPrompt("hi"), config: RunConfig()) }
        }
        #expect(error?.code == .upstream5xx)
        #expect(fixture.upstream.requests.count == 2)
    }

    /// The last part of a body gives its connection back before the caller asks for more.
    @Test func aReaderThatIsLateDoesNotDisturbTheNextExchange() async throws {
        let gate = Gate()
        let fixture = try UpstreamFixture([
            // In one write, so that one read has it all.
            UpstreamScript.eventStream([Self.token + Self.finish]).joined(),
            [.eventStreamHead, .chunk(Self.token), .gate(gate), .chunk(Self.finish + Self.done), .lastChunk],
        ])
        let model = fixture.model()
        let chunks = try await fixture.run {
            var chunks: [MessageChunk?] = []
            var first = model.astream(ChatPrompt("1"), config: RunConfig()).makeAsyncIterator()
            chunks.append(try await first.next())
            while await fixture.client.load.idle == 0 { await Task.yield() }
            var second = model.astream(ChatPrompt("2"), config: RunConfig()).makeAsyncIterator()
            chunks.append(try await second.next())
            chunks.append(try await first.next())
            gate.open()
            chunks.append(try await second.next())
            chunks.append(try await second.next())
            chunks.append(try await first.next())
            return chunks
        }
        #expect(chunks.map { $0?.content.text } == ["a", "a", "", "", nil, nil])
        #expect(fixture.upstream.connectionCount == 1)
    }
}
