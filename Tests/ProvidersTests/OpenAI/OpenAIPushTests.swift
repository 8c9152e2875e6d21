import EventLoop
import HTTP
import Providers
import Runnable
import ScriptedUpstream
import Synchronization
import Testing

/// Chunks that go to whoever takes them from the callback that brings them.
@Suite(.timeLimit(.minutes(2))) struct OpenAIPushTests {
    private final class Taken: Sendable {
        private let chunks = Mutex<[MessageChunk]>([])
        var all: [MessageChunk] { chunks.withLock { $0 } }

        /// - Returns: how many there are now.
        func append(_ chunk: MessageChunk) -> Int {
            chunks.withLock {
                $0.append(chunk)
                return $0.count
            }
        }
    }

    /// What `forEach` hands on up to the end, or up to the error.
    private static func pushed(
        _ fixture: UpstreamFixture,
        _ model: OpenAIModel,
        pausing: Bool = false
    ) async -> (chunks: [MessageChunk], error: (any Error)?) {
        let taken = Taken()
        do {
            try await fixture.run {
                var iterator = model.astream(ChatPrompt("hi"), config: RunConfig()).makeAsyncIterator()
                var pauses = 0
                while try await !iterator.forEach({ taken.append($0) > 0 && !pausing }) { pauses += 1 }
                #expect(pauses == (pausing ? taken.all.count : 0))
            }
            return (taken.all, nil)
        } catch {
            return (taken.all, error)
        }
    }

    @Test(arguments: [3, 40, 4000])
    func theSameChunksHoweverTheyAreTaken(_ size: Int) async throws {
        let scripts = OpenAIFixtures.all.map { fixture in
            let bytes = Array(fixture.body.utf8)
            return UpstreamScript.eventStream(
                stride(from: 0, to: bytes.count, by: size).map { start in
                    String(unsafeUninitializedCapacity: size) { room in
                        let part = bytes[start..<min(start + size, bytes.count)]
                        _ = UnsafeMutableBufferPointer(rebasing: room[..<part.count]).initialize(from: part)
                        return part.count
                    }
                }
            )
        }
        for (script, expected) in zip(scripts, OpenAIFixtures.all) {
            let fixture = try UpstreamFixture([script, script, script])
            let model = fixture.model()
            let pulled = await fixture.chunks(of: model)
            for pausing in [false, true] {
                let pushed = await Self.pushed(fixture, model, pausing: pausing)
                #expect(pushed.chunks == pulled.chunks, "\(expected.name)")
                #expect(pushed.error == nil && pulled.error == nil)
            }
        }
    }

    @Test func aCutComesBehindTheChunks() async throws {
        let token = OpenAIModelTests.token
        let fixture = try UpstreamFixture([[.eventStreamHead, .chunk(token), .chunk(token), .close]])
        let (chunks, error) = await Self.pushed(fixture, fixture.model())
        #expect(chunks.map(\.content.text) == ["a", "a"])
        #expect((error as? RunError)?.code == .truncated)
    }

    @Test func aBadEventComesBehindTheChunks() async throws {
        let token = OpenAIModelTests.token
        let fixture = try UpstreamFixture([.eventStream([token, token + "data: {]\n\n" + token])])
        let (chunks, error) = await Self.pushed(fixture, fixture.model())
        #expect(chunks.map(\.content.text) == ["a", "a"])
        #expect((error as? RunError)?.code == .upstreamProtocol)
    }

    @Test func anAnswerThatIsNoStreamIsHandedOnToo() async throws {
        let fixture = try UpstreamFixture([.response(OpenAIModelTests.completion)])
        let (chunks, error) = await Self.pushed(fixture, fixture.model())
        #expect(chunks.map(\.content.text) == ["hello"] && error == nil)
    }

    @Test func silenceAfterContentIsTheIdleTimeout() async throws {
        let token = OpenAIModelTests.token
        let fixture = try UpstreamFixture([[.eventStreamHead, .chunk(token), .chunk(token), .untilDisconnect]])
        let model = fixture.model { $0.timeouts.idle = .milliseconds(50) }
        let (chunks, error) = await Self.pushed(fixture, model)
        #expect(chunks.count == 2)
        #expect((error as? RunError)?.code == .timeoutIdle)
        await fixture.upstream.disconnected(1)
    }

    @Test func cancellationClosesTheConnection() async throws {
        let token = OpenAIModelTests.token
        let fixture = try UpstreamFixture([[.eventStreamHead, .chunk(token), .chunk(token), .untilDisconnect]])
        let model = fixture.model()
        let (stream, both) = AsyncStream<Void>.makeStream()
        let taken = Taken()
        let task = fixture.start {
            var iterator = model.astream(ChatPrompt("hi"), config: RunConfig()).makeAsyncIterator()
            _ = try await iterator.forEach {
                if taken.append($0) == 2 { both.finish() }
                return true
            }
        }
        for await _ in stream {}
        task.cancel()
        await fixture.upstream.disconnected(1)
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func worksOffTheLoopToo() async throws {
        let fixture = try UpstreamFixture([
            .eventStream([OpenAIModelTests.token, OpenAIModelTests.finish + OpenAIModelTests.done])
        ])
        let taken = Taken()
        var iterator = fixture.model().astream(ChatPrompt("hi"), config: RunConfig()).makeAsyncIterator()
        while try await !iterator.forEach({ taken.append($0) != 1 }) {}
        #expect(taken.all.map(\.content.text) == ["a", ""])
    }
}
