public import EventLoop
public import Runnable

/// The deterministic model inside the process: no network, no randomness, the same answer to the same prompt.
///
/// Follows its ``MockScript`` as far as a model without a wire can: statuses become errors; `latency`, `ttft`, `interval` and
/// `stall` pass on the loop's timers; `error-after` fails with `upstream_5xx`, a cut behind a token with `truncated`, and one at
/// the head with `upstream_connect`. Cuts and stalls at bytes, splits and framings mean nothing here. One for each loop.
public struct MockModel: ChatModel {
    /// What it calls itself: `model_name` in answers.
    public let name: String
    /// What it does.
    public let script: MockScript
    private let loop: EventLoop
    private let counter: MockCounter
    private let target: CallTarget

    /// Makes a model.
    ///
    /// - Parameters:
    ///   - loop: whose timers it sleeps on; it must run, but calls may come from elsewhere.
    ///   - script: what it does.
    ///   - name: told as `model_name`.
    ///   - backend: the backend's name, for records of calls.
    ///   - number: what ``CallTarget/number`` is.
    ///   - counter: numbers the requests for the script's statuses; models of several loops share one.
    public init(
        loop: EventLoop,
        script: MockScript,
        name: String = "mock",
        backend: String = "",
        number: Int? = nil,
        counter: MockCounter = MockCounter()
    ) {
        self.loop = loop
        self.script = script
        self.name = name
        self.counter = counter
        target = CallTarget(backend: backend, dialect: "mock", model: name, number: number)
    }

    /// The whole answer, once as much time has passed as its stream would take.
    ///
    /// - Throws: `RunError` as scripted, `timeout_total` at the config's deadline; `CancellationError`.
    public func ainvoke(_ input: ChatPrompt, config: RunConfig) async throws -> Message {
        let run = makeRun(input, config, isStream: false)
        do {
            try await run.begin(status: nextStatus())
            for token in 0...run.tokens.count { try await run.reach(token) }
        } catch {
            run.ended(throwing: error)
            throw error
        }
        run.ended()
        var message = Message(role: .ai, content: .text(script.tool == nil ? run.tokens.text : ""))
        message.responseMetadata = run.metadata
        message.usage = run.usage
        script.tool?.add(to: &message)
        return message
    }

    /// The answer token by token, then one last chunk with usage, finish reason and model name.
    ///
    /// Throws as ``ainvoke(_:config:)`` does.
    public func astream(_ input: ChatPrompt, config: RunConfig) -> RunStream<MessageChunk> {
        RunStream { MockStream(makeRun(input, config, isStream: true), status: nextStatus()) }
    }

    private func makeRun(_ prompt: ChatPrompt, _ config: RunConfig, isStream: Bool) -> MockRun {
        MockRun(
            script: script,
            name: name,
            prompt: prompt,
            deadline: config.deadline,
            loop: loop,
            record: CallLog.of(config)?.begin(target, isStream: isStream, at: .now)
        )
    }

    private func nextStatus() -> Int { script.statuses.isEmpty ? 200 : script.status(ofRequest: counter.next()) }
}

/// One iteration of a ``MockModel``'s stream.
private final class MockStream: RunSource {
    private let run: MockRun
    private let status: Int
    private var place = -1

    init(_ run: MockRun, status: Int) {
        self.run = run
        self.status = status
    }

    func next() async throws -> MessageChunk? {
        do {
            if place < 0 {
                try await run.begin(status: status)
                place = 0
            }
            guard place <= run.tokens.count else { return nil }
            try await run.reach(place)
        } catch {
            run.ended(throwing: error)
            throw error
        }
        defer { place += 1 }
        guard place < run.tokens.count else {
            run.ended()
            return run.lastChunk
        }
        return run.chunk(place)
    }

    func cancel() { run.ended(throwing: CancellationError()) }
}
