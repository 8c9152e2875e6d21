import HTTP
import Providers
import Runnable
import ScriptedUpstream
import Testing

/// Which clock a silent upstream trips, and what the caller is told. Limits are short, and nothing measures how short.
@Suite(.timeLimit(.minutes(2))) struct OpenAITimeoutTests {
    private static let short = Duration.milliseconds(50)

    private func failure(
        _ script: UpstreamScript,
        chunks: Int = 0,
        deadline: ContinuousClock.Instant? = nil,
        _ configure: @escaping (inout UpstreamTimeouts) -> Void
    ) async throws -> RunError {
        let fixture = try UpstreamFixture([script])
        let (received, error) = await fixture.chunks(
            of: fixture.model { configure(&$0.timeouts) },
            config: RunConfig(deadline: deadline)
        )
        #expect(received.count == chunks)
        return try #require(error as? RunError)
    }

    @Test func head() async throws {
        let error = try await failure([.untilDisconnect]) { $0.head = Self.short }
        #expect(error.code == .timeoutHead)
        #expect(error.status == 504)
    }

    @Test func firstTokenIncludesTheHead() async throws {
        let error = try await failure([.untilDisconnect]) { $0.firstToken = Self.short }
        #expect(error.code == .timeoutFirstToken)
    }

    @Test func headOfAWholeAnswer() async throws {
        let fixture = try UpstreamFixture([[.untilDisconnect]])
        let model = fixture.model { $0.timeouts.head = Self.short }
        let error = await #expect(throws: RunError.self) {
            try await fixture.run { try await model.ainvoke(ChatPrompt("hi"), config: RunConfig()) }
        }
        #expect(error?.code == .timeoutHead)
        await fixture.upstream.disconnected(1)
    }

    @Test func bodyOfAWholeAnswer() async throws {
        let fixture = try UpstreamFixture([[.text("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"), .untilDisconnect]])
        // The head comes within this.
        let model = fixture.model { $0.timeouts.total = .seconds(2) }
        let error = await #expect(throws: RunError.self) {
            try await fixture.run { try await model.ainvoke(ChatPrompt("hi"), config: RunConfig()) }
        }
        #expect(error?.code == .timeoutTotal)
        #expect(error?.message.contains("reading the body") == true)
    }

    /// G14: what is no content re-arms nothing. If it did, these would run into the suite's limit.
    @Test(arguments: [
        ": ping\n\n", "data: {\"choices\":[]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
    ])
    func pingsAreNoContent(_ ping: String) async throws {
        guard case .bytes(let chunk) = UpstreamStep.chunk(ping) else { return }
        let first = try await failure([.eventStreamHead, .repeated(chunk)]) { $0.firstToken = Self.short }
        #expect(first.code == .timeoutFirstToken)
        let idle = try await failure([.eventStreamHead, .chunk(OpenAIModelTests.token), .repeated(chunk)], chunks: 1) {
            $0.idle = Self.short
        }
        #expect(idle.code == .timeoutIdle)
        let total = try await failure([.eventStreamHead, .repeated(chunk)]) { $0.total = Self.short }
        #expect(total.code == .timeoutTotal)
    }

    @Test func theMessageSaysWhereTheTimeWent() async throws {
        let error = try await failure([.eventStreamHead, .untilDisconnect]) { $0.total = Self.short }
        #expect(error.code == .timeoutTotal)
        let shape = /timeout_total after \d+ ms: queue \d+ ms, connect \d+ ms, waiting for the first token \d+ ms/
        #expect(error.message.wholeMatch(of: shape) != nil)
    }

    @Test func theCallersDeadlineCounts() async throws {
        let error = try await failure([.eventStreamHead, .untilDisconnect], deadline: .now + Self.short) { _ in }
        #expect(error.code == .timeoutTotal)
    }

    @Test func nothingIsSentAfterTheDeadline() async throws {
        let fixture = try UpstreamFixture([])
        let (_, error) = await fixture.chunks(of: fixture.model(), config: RunConfig(deadline: .now))
        #expect((error as? RunError)?.code == .timeoutTotal)
        #expect(fixture.upstream.connectionCount == 0)
    }

    @Test func queue() async throws {
        let gate = Gate()
        let fixture = try UpstreamFixture([[.gate(gate)] + .response(OpenAIModelTests.completion)]) {
            $0.maximumConnections = 1
            $0.maximumQueued = 1
        }
        let model = fixture.model()
        let hurried = fixture.model { $0.timeouts.queue = Self.short }
        let late = fixture.model { $0.timeouts.total = Self.short }
        let first = fixture.start { try await model.ainvoke(ChatPrompt("hi"), config: RunConfig()) }
        await fixture.upstream.received(1)
        let waited = await fixture.chunks(of: hurried).error as? RunError
        #expect(waited?.code == .policyQueue)
        #expect(waited?.status == 429)
        let total = await fixture.chunks(of: late).error as? RunError
        #expect(total?.code == .timeoutTotal)
        let second = fixture.start { try await model.ainvoke(ChatPrompt("hi"), config: RunConfig()) }
        while await fixture.client.load.queued == 0 { await Task.yield() }
        #expect((await fixture.chunks(of: model).error as? RunError)?.code == .policyQueue)
        second.cancel()
        gate.open()
        _ = try await first.value
        #expect(await fixture.client.load.queued == 0)
    }

    @Test func tls() async throws {
        let fixture = try UpstreamFixture([], isSecure: true)
        let model = fixture.model { $0.timeouts.tls = Self.short }
        #expect((await fixture.chunks(of: model).error as? RunError)?.code == .timeoutTLS)
    }

    @Test func refusedConnections() async throws {
        let fixture = try UpstreamFixture([])
        fixture.upstream.stop()
        let error = await fixture.chunks(of: fixture.model()).error as? RunError
        #expect(error?.code == .upstreamConnect)
        #expect(error?.retry == .safe)
        #expect(error?.message.contains("127.0.0.1") == false)
    }
}
