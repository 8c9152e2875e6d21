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

    func ainvoke(_ input: RunValue, config: RunConfig) async throws -> RunValue {
        let prompt = try prompt(input)
        let config = prepared(config)
        // Watched, it streams, so that tokens are seen even where somebody waits for the whole.
        if config.isObserved {
            var sum = RunValue.null
            for try await chunk in astream(input, config: config) { try sum.add(chunk) }
            return sum.whole
        }
        var message = try await model.ainvoke(prompt, config: config)
        UsageMeter.current?.count(message.usage)
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

    init(_ stream: RunStream<MessageChunk>, _ runID: RunID?) {
        iterator = stream.makeAsyncIterator()
        self.runID = runID
    }

    func next() async throws -> RunValue? {
        guard let chunk = try await iterator.next() else { return nil }
        return piece(chunk)
    }

    func nextReady() throws -> ReadyElement<RunValue> {
        switch try iterator.nextReady() {
        case .element(let chunk): .element(piece(chunk))
        case .end: .end
        case .pending: .pending
        }
    }

    private func piece(_ chunk: MessageChunk) -> RunValue {
        var chunk = chunk
        if !chunk.isPlain { UsageMeter.current?.count(chunk.usage) }
        if id == nil { id = chunk.id ?? "lc_run--\(runID ?? .timeOrdered())" }
        chunk.id = id
        return .chunk(chunk)
    }

    func cancel() { iterator.cancel() }
}
