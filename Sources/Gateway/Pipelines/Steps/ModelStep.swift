import Runnable

/// A runnable of a pipeline that is put together from the configuration.
typealias Step = ValueRunnable

/// A configured model as a step: takes what language models take, gives messages.
///
/// - Streams its answer; needs its whole input.
/// - Cancelling closes the upstream call. Retries nothing by itself.
struct ModelStep: AsyncRunnable {
    let model: any ChatModel
    let name: String
    /// What callers may set in its request, by their id for it.
    let parameters: [ConfigurableParameter]

    var kind: RunKind { .chatModel }

    var configurableSpecs: [ConfigurableField] { parameters.map { ConfigurableField($0.id) } }

    func ainvoke(_ input: RunValue, config: RunConfig) async throws -> RunValue {
        let prompt = try prompt(input)
        let config = prepared(config)
        // Watched, it streams, so that tokens are seen even where somebody waits for the whole.
        if config.isObserved {
            var sum = RunValue.null
            for try await chunk in astream(input, config: config) { try sum.add(chunk) }
            return sum.whole
        }
        let scope = RequestScope.current
        if let scope, !scope.tryAcquire() { try await scope.acquire() }
        defer { scope?.release() }
        var message = try await model.ainvoke(prompt, config: config)
        scope?.count(message.usage)
        if message.id == nil { message.id = "lc_run--\(config.runID ?? .timeOrdered())-0" }
        return .message(message)
    }

    func astream(_ input: RunValue, config: RunConfig) -> RunStream<RunValue> {
        let prompt: ChatPrompt
        do { prompt = try self.prompt(input) } catch { return .failing(error) }
        let model = model
        return RunScope(name, .chatModel, prepared(config)).streaming(prompt) { config in
            RunStream { ModelStepSource(model.astream(prompt, config: config), config.runID) }
        }
    }

    private func prompt(_ input: RunValue) throws -> ChatPrompt {
        guard let prompt = ChatPrompt(input) else {
            throw RunError(
                .callerInvalid,
                "a model takes a text, a prompt or messages, not \(input.typeName)",
                status: 422
            )
        }
        return prompt
    }

    /// The config with the parameters that the caller chose.
    private func prepared(_ config: RunConfig) -> RunConfig {
        guard !parameters.isEmpty else { return config }
        var config = config
        for parameter in parameters {
            if let value = config.configurable[parameter.id] ?? parameter.fallback {
                config.arguments[parameter.target] = value
            }
        }
        return config
    }
}

/// A field of a model's request that callers may set.
struct ConfigurableParameter: Sendable {
    /// The key under `configurable`.
    var id: String
    /// The field in the request.
    var target: String
    /// The value without a caller's.
    var fallback: Value?
}

/// The pieces of a model's answer, all with the same id.
private final class ModelStepSource: RunSource {
    private var iterator: RunStream<MessageChunk>.Iterator
    private let runID: RunID?
    private var id: String?
    private let scope = RequestScope.current
    private var hasBegun = false
    private var hasPermit = false

    init(_ stream: RunStream<MessageChunk>, _ runID: RunID?) {
        iterator = stream.makeAsyncIterator()
        self.runID = runID
    }

    func next() async throws -> RunValue? {
        if !hasBegun { try await begin() }
        do {
            if let chunk = try await iterator.next() { return piece(chunk) }
        } catch {
            giveUpPermit()
            throw error
        }
        giveUpPermit()
        return nil
    }

    func nextReady() throws -> ReadyElement<RunValue> {
        guard hasBegun else { return .pending }
        do {
            switch try iterator.nextReady() {
            case .element(let chunk): return .element(piece(chunk))
            case .pending: return .pending
            case .end:
                giveUpPermit()
                return .end
            }
        } catch {
            giveUpPermit()
            throw error
        }
    }

    // Not inlined: the room it waits in would stay with the stream.
    @inline(never)
    private func begin() async throws {
        if let scope {
            if !scope.tryAcquire() { try await scope.acquire() }
            hasPermit = true
        }
        hasBegun = true
    }

    private func giveUpPermit() {
        guard hasPermit else { return }
        hasPermit = false
        scope?.release()
    }

    private func piece(_ chunk: MessageChunk) -> RunValue {
        var chunk = chunk
        if !chunk.isPlain { scope?.count(chunk.usage) }
        if id == nil { id = chunk.id ?? "lc_run--\(runID ?? .timeOrdered())" }
        chunk.id = id
        return .chunk(chunk)
    }

    func cancel() {
        iterator.cancel()
        giveUpPermit()
    }
}
