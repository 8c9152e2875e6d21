import EventLoop
import Providers
import Runnable
import ScriptedUpstream
import Testing

/// What is recorded of calls of models: where each went, how far it came, how it ended and what it took.
@Suite(.timeLimit(.minutes(1))) struct CallLogTests {
    /// Counts what it is told. On the log's loop.
    private final class Counter: CallSink {
        var began = 0
        var ended: [RunError.Code?] = []

        func began(_ call: ModelCall) { began += 1 }
        func ended(_ call: ModelCall) { ended.append(call.error) }
    }

    /// A call as it was when it was over.
    private struct Seen: Sendable, Equatable {
        var target = ""
        var isStream = false
        var contents = 0
        var phase = ModelCall.Phase.ended
        var error: RunError.Code?
        var tokens: Int?
        var finish: String?
        var model: String?
        var isTimed = false
    }

    /// Makes calls on the loop, and tells what the log then holds.
    private func calls(
        on loop: EventLoop,
        _ body: @escaping @Sendable (RunConfig) async -> Void
    ) async -> [Seen] {
        await Task(executorPreference: loop) { @Sendable in
            let counter = LoopBound(Counter(), loop: loop)
            let log = CallLog(loop: loop, sink: counter.value)
            var config = RunConfig()
            config.attachment = log
            await body(config)
            #expect(log.active == 0)
            #expect(counter.value.began == log.begun)
            #expect(Array(counter.value.ended.prefix(CallLog.longest)) == log.calls.map(\.error))
            return log.calls.map { call in
                Seen(
                    target: "\(call.target.backend) \(call.target.dialect) \(call.target.model)",
                    isStream: call.isStream,
                    contents: call.contents,
                    phase: call.phase,
                    error: call.error,
                    tokens: call.usage?.outputTokens,
                    finish: call.finishReason,
                    model: call.responseModel,
                    isTimed: call.ended.map { $0 >= call.began } ?? false
                )
            }
        }.value
    }

    private func openAI(_ script: UpstreamScript, isStream: Bool) async throws -> [Seen] {
        let fixture = try UpstreamFixture([script])
        let model = fixture.model { $0.backend = "b" }
        return await calls(on: fixture.loop) { config in
            do {
                if isStream {
                    for try await _ in model.astream(ChatPrompt("hi"), config: config) {}
                } else {
                    _ = try await model.ainvoke(ChatPrompt("hi"), config: config)
                }
            } catch {}
        }
    }

    private static let usage =
        #"data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":7,"total_tokens":8}}"# + "\n\n"
    private static let whole =
        #"{"model":"m-1","choices":[{"message":{"content":"hello"},"finish_reason":"stop"}],"#
        + #""usage":{"prompt_tokens":1,"completion_tokens":7,"total_tokens":8}}"#

    @Test func wholeAnswer() async throws {
        let seen = try await openAI(.response(Self.whole), isStream: false)
        let expected = Seen(
            target: "b openai m",
            contents: 1,
            tokens: 7,
            finish: "stop",
            model: "m-1",
            isTimed: true
        )
        #expect(seen == [expected])
    }

    @Test func streamedAnswer() async throws {
        let script = UpstreamScript.eventStream([
            OpenAIModelTests.token, OpenAIModelTests.token,
            OpenAIModelTests.finish + Self.usage + OpenAIModelTests.done,
        ])
        let seen = try await openAI(script, isStream: true)
        #expect(seen.count == 1)
        #expect(seen.first?.isStream == true)
        #expect(seen.first?.error == nil)
        #expect(seen.first?.tokens == 7)
        #expect(seen.first?.finish == "stop")
        #expect((seen.first?.contents ?? 0) >= 1)
    }

    /// Chunks that are handed on while the task waits are counted as others are.
    @Test func pushedAnswer() async throws {
        let gate = Gate()
        let end = OpenAIModelTests.finish + Self.usage + OpenAIModelTests.done
        let fixture = try UpstreamFixture([
            [.eventStreamHead, .chunk(OpenAIModelTests.token), .gate(gate), .chunk(end), .lastChunk]
        ])
        let model = fixture.model()
        let seen = await calls(on: fixture.loop) { config in
            var chunks = model.astream(ChatPrompt("hi"), config: config).makeAsyncIterator()
            _ = try? await chunks.forEach { _ in
                gate.open()
                return true
            }
        }
        #expect(seen.map(\.error) == [nil])
        #expect(seen.map(\.tokens) == [7])
        #expect(seen.map(\.finish) == ["stop"])
    }

    /// Servers that do not stream answer a request for a stream as a whole.
    @Test func wholeAnswerToAStream() async throws {
        let seen = try await openAI(.response(Self.whole), isStream: true)
        #expect(seen.map(\.error) == [nil])
        #expect(seen.map(\.tokens) == [7])
    }

    /// Calls beyond those that are kept count all the same.
    @Test func manyCalls() async throws {
        let count = CallLog.longest + 3
        var scripts = [UpstreamScript](repeating: .response(Self.whole), count: count)
        scripts.append([.untilDisconnect])
        let fixture = try UpstreamFixture(scripts)
        let model = fixture.model()
        _ = await calls(on: fixture.loop) { config in
            for _ in 0..<count { _ = try? await model.ainvoke(ChatPrompt("hi"), config: config) }
            guard let log = config.attachment as? CallLog else { return }
            #expect(log.begun == count)
            #expect(log.outputTokens == 7 * count)
            #expect(log.furthest == nil)
            let last = Task(executorPreference: fixture.loop) {
                try? await model.ainvoke(ChatPrompt("hi"), config: config)
            }
            while log.active == 0 { await Task.yield() }
            #expect(log.furthest == .waitingForHead)
            last.cancel()
            _ = await last.value
            #expect(log.furthest == nil)
        }
    }

    @Test(arguments: [true, false]) func refusal(isStream: Bool) async throws {
        let seen = try await openAI(.response(status: 503, "{}"), isStream: isStream)
        #expect(seen.map(\.error) == [.upstreamOverload])
    }

    @Test func aCutIsTruncation() async throws {
        let seen = try await openAI([.eventStreamHead, .chunk(OpenAIModelTests.token), .close], isStream: true)
        #expect(seen.map(\.error) == [.truncated])
        #expect(seen.map(\.contents) == [1])
    }

    @Test func anErrorInTheStream() async throws {
        let error = #"data: {"error":{"message":"no","code":500}}"# + "\n\n"
        let seen = try await openAI(.eventStream([OpenAIModelTests.token, error]), isStream: true)
        #expect(seen.map { $0.error == nil } == [false])
    }

    @Test func aStreamThatIsLeft() async throws {
        let fixture = try UpstreamFixture([[.eventStreamHead, .chunk(OpenAIModelTests.token), .untilDisconnect]])
        let model = fixture.model()
        let seen = await calls(on: fixture.loop) { config in
            do { for try await _ in model.astream(ChatPrompt("hi"), config: config) { break } } catch {}
        }
        #expect(seen.map(\.error) == [.clientGone])
        #expect(seen.map(\.phase) == [.ended])
    }

    @Test func mockAnswers() async throws {
        let loop = try EventLoop(name: "test")
        try loop.start()
        defer { loop.stop() }
        let model = MockModel(loop: loop, script: try MockScript("tokens=3"), name: "mock-1", backend: "b")
        let failing = MockModel(loop: loop, script: try MockScript("tokens=3,error-after=2"), backend: "b")
        let seen = await calls(on: loop) { config in
            _ = try? await model.ainvoke(ChatPrompt("hi"), config: config)
            do { for try await _ in model.astream(ChatPrompt("hi"), config: config) {} } catch {}
            do { for try await _ in failing.astream(ChatPrompt("hi"), config: config) {} } catch {}
        }
        #expect(seen.map(\.error) == [nil, nil, .upstream5xx])
        #expect(seen.map(\.contents) == [3, 3, 2])
        #expect(seen.map(\.tokens) == [3, 3, nil])
        #expect(seen.first?.target == "b mock mock-1")
    }

    @Test func onlyTheFirstCallsAreKept() async throws {
        let loop = try EventLoop(name: "test")
        try loop.start()
        defer { loop.stop() }
        let model = MockModel(loop: loop, script: try MockScript("tokens=1"))
        await Task(executorPreference: loop) { @Sendable in
            let log = CallLog(loop: loop, sink: nil)
            var config = RunConfig()
            config.attachment = log
            for _ in 0..<CallLog.longest + 2 { _ = try? await model.ainvoke(ChatPrompt("hi"), config: config) }
            #expect(log.begun == CallLog.longest + 2)
            #expect(log.calls.count == CallLog.longest)
            #expect(log.active == 0)
        }.value
    }
}
