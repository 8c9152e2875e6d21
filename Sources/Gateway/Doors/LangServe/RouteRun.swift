import JSON
import Runnable

/// What a route runs, and how what goes in and comes out is written on LangServe's wire.
protocol RouteRun: Sendable {
    associatedtype Input: Sendable
    associatedtype Output: Sendable
    associatedtype Chunk: Sendable

    /// What messages in a stream become.
    var streamedOutput: RouteSettings.Output { get }
    /// Whether pieces may be of any kind.
    var isPipeline: Bool { get }

    /// The input in a request's body. Places in errors are relative to it.
    func input(_ view: JSONView) throws(RequestProblem) -> Input

    func ainvoke(_ input: Input, config: RunConfig) async throws -> Output
    func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk>
    func abatch(_ inputs: [Input], configs: BatchConfig) async throws -> [Output]
    func abatchResults(_ inputs: [Input], configs: BatchConfig) async throws -> [Result<Output, any Error>]
    func abatchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool
    ) -> RunStream<BatchItem<Output>>
    func astreamEvents(_ input: Input, config: RunConfig, filter: RunEventFilter) -> RunStream<RunEvent>
    func astreamLog(_ input: Input, config: RunConfig, filter: RunEventFilter) -> RunStream<[RunLogOperation]>

    /// Appends an output as JSON.
    func append(_ output: Output, runID: RunID, to bytes: inout [UInt8])
    /// Enters what an output took.
    func count(_ output: Output, _ report: RunReport)
    /// Makes a piece the encoder's event and enters it; false when the format has nothing to say about it.
    func encode(_ chunk: Chunk, _ encoder: StreamEncoder, _ report: RunReport) -> Bool
    /// Enters what the whole request took, where that is only known at its end.
    func finish(_ report: RunReport)
}

/// A route that is one model.
struct ModelRun: RouteRun {
    let model: any ChatModel
    let streamedOutput: RouteSettings.Output
    /// The same as a step that reports its runs; for event streams.
    let step: Step

    var isPipeline: Bool { false }

    func input(_ view: JSONView) throws(RequestProblem) -> ChatPrompt { try PromptDecoding.prompt(view) }

    func ainvoke(_ input: ChatPrompt, config: RunConfig) async throws -> Message {
        try await model.ainvoke(input, config: config)
    }

    func astream(_ input: ChatPrompt, config: RunConfig) -> RunStream<MessageChunk> {
        model.astream(input, config: config)
    }

    func abatch(_ inputs: [ChatPrompt], configs: BatchConfig) async throws -> [Message] {
        try await model.abatch(inputs, configs: configs)
    }

    func abatchResults(_ inputs: [ChatPrompt], configs: BatchConfig) async throws -> [Result<Message, any Error>] {
        try await model.abatchResults(inputs, configs: configs)
    }

    func abatchAsCompleted(
        _ inputs: [ChatPrompt],
        configs: BatchConfig,
        returnExceptions: Bool
    ) -> RunStream<BatchItem<Message>> {
        model.abatchAsCompleted(inputs, configs: configs, returnExceptions: returnExceptions)
    }

    func astreamEvents(_ input: ChatPrompt, config: RunConfig, filter: RunEventFilter) -> RunStream<RunEvent> {
        step.astreamEvents(.input(input), config: config, filter: filter)
    }

    func astreamLog(_ input: ChatPrompt, config: RunConfig, filter: RunEventFilter) -> RunStream<[RunLogOperation]> {
        step.astreamLog(.input(input), config: config, filter: filter)
    }

    func append(_ output: Message, runID: RunID, to bytes: inout [UInt8]) {
        MessageEncoding.append(output, as: streamedOutput, runID: runID, to: &bytes)
    }

    func count(_ output: Message, _ report: RunReport) { report.count(output.usage) }

    func encode(_ chunk: MessageChunk, _ encoder: StreamEncoder, _ report: RunReport) -> Bool {
        if !chunk.isPlain { report.count(chunk.usage) }
        guard encoder.data(chunk) else { return false }
        if chunk.hasContent { report.producedContent() }
        return true
    }

    func finish(_ report: RunReport) {}
}

/// A route that is a pipeline.
struct PipelineRun: RouteRun {
    let step: Step
    let shape: Shape
    /// Counts the permits of its requests.
    var permits: PermitCounts?

    var isPipeline: Bool { true }
    var streamedOutput: RouteSettings.Output { .message }

    func input(_ view: JSONView) throws(RequestProblem) -> RunValue { try shape.read(view) }

    func ainvoke(_ input: RunValue, config: RunConfig) async throws -> RunValue {
        try await step.ainvoke(input, config: config)
    }

    func astream(_ input: RunValue, config: RunConfig) -> RunStream<RunValue> { step.astream(input, config: config) }

    func abatch(_ inputs: [RunValue], configs: BatchConfig) async throws -> [RunValue] {
        try await step.abatch(inputs, configs: configs)
    }

    func abatchResults(_ inputs: [RunValue], configs: BatchConfig) async throws -> [Result<RunValue, any Error>] {
        try await step.abatchResults(inputs, configs: configs)
    }

    func abatchAsCompleted(
        _ inputs: [RunValue],
        configs: BatchConfig,
        returnExceptions: Bool
    ) -> RunStream<BatchItem<RunValue>> {
        step.abatchAsCompleted(inputs, configs: configs, returnExceptions: returnExceptions)
    }

    func astreamEvents(_ input: RunValue, config: RunConfig, filter: RunEventFilter) -> RunStream<RunEvent> {
        step.astreamEvents(input, config: config, filter: filter)
    }

    func astreamLog(_ input: RunValue, config: RunConfig, filter: RunEventFilter) -> RunStream<[RunLogOperation]> {
        step.astreamLog(input, config: config, filter: filter)
    }

    func append(_ output: RunValue, runID: RunID, to bytes: inout [UInt8]) {
        ValueEncoding.append(output, runID: runID, to: &bytes)
    }

    func count(_ output: RunValue, _ report: RunReport) {}

    func encode(_ chunk: RunValue, _ encoder: StreamEncoder, _ report: RunReport) -> Bool {
        guard encoder.data(chunk) else { return false }
        report.producedContent()
        return true
    }

    func finish(_ report: RunReport) {
        guard let total = RequestScope.current?.tokens else { return }
        report.count(UsageMetadata(inputTokens: total.input, outputTokens: total.output))
    }
}

extension RunValue {
    /// A prompt as events tell of it: a text as the caller sent it.
    fileprivate static func input(_ prompt: ChatPrompt) -> RunValue {
        prompt.isText ? .string(prompt.text) : .prompt(prompt)
    }
}

extension MessageChunk {
    /// Whether it brings a part of the answer: text, a tool call, or what a vendor has beside them.
    fileprivate var hasContent: Bool {
        !content.isEmpty || !isPlain && (!toolCallChunks.isEmpty || !additionalKwargs.isEmpty)
    }
}
