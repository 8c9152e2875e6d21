public import EventLoop
public import HTTP
public import JSON
public import Runnable

/// A chat model behind an upstream that speaks OpenAI's chat completions, or imitates them.
///
/// One per loop and model. Its work is done on that loop: calls from tasks that prefer the loop cost no hop, others are
/// brought there. Errors are ``RunError``, and `CancellationError` when the task was cancelled; an error's `message` never
/// holds a key.
public final class OpenAIModel: ChatModel {
    /// What runs of it are called: the model's name upstream.
    public let name: String

    let client: HTTPClient
    let target: CallTarget
    let options: OpenAIModelOptions
    let reader: LoopBound<JSONReader>
    let errors: OpenAIErrors
    private let preamble: [UInt8]
    private let encoder: OpenAIRequestEncoder

    /// How much of an error's body is read.
    private static let maximumErrorBody = 64 << 10
    /// How long an error's body may take; its status is known already.
    private static let errorBodyLimit = Duration.seconds(5)

    /// Makes a model.
    ///
    /// - Parameters:
    ///   - client: the pool of connections to the upstream, on the loop that calls come from.
    ///   - target: where requests go; see ``target(pathPrefix:)``.
    ///   - fields: credentials and whatever else the operator wants sent. They replace the dialect's own fields of the same name.
    ///   - options: what is sent, and limits.
    ///   - reader: the loop's JSON reader.
    public init(
        client: HTTPClient,
        target: RequestTarget,
        fields: HTTPFields,
        options: OpenAIModelOptions,
        reader: LoopBound<JSONReader>
    ) {
        self.client = client
        self.options = options
        self.reader = reader
        name = options.model
        self.target = CallTarget(
            backend: options.backend,
            dialect: "openai",
            model: options.model,
            number: options.number,
            host: client.origin.host,
            port: client.origin.port,
            carried: options.carried
        )
        errors = OpenAIErrors(redaction: Redaction(options.secrets))
        encoder = OpenAIRequestEncoder(options)
        var all = fields
        all.remove("content-type")
        all.append("content-type", "application/json")
        if !fields.contains("accept") { all.append("accept", "application/json") }
        if !fields.contains("accept-encoding") { all.append("accept-encoding", "identity") }
        if !fields.contains("user-agent") { all.append("user-agent", "headgate") }
        preamble = client.preamble(method: .post, target: target, fields: all)
    }

    /// The target of chat completions below a base URL's path such as `/v1`; nil when that is not fit for a request line.
    public static func target(pathPrefix: String) -> RequestTarget? {
        RequestTarget(checking: pathPrefix + "/chat/completions")
    }

    /// Asks for a whole answer. The config's arguments are fields of the request, before those of the options.
    public func ainvoke(_ input: ChatPrompt, config: RunConfig) async throws -> Message {
        guard client.loop.isCurrent else { return try await answerFromElsewhere(input, config) }
        let clock = clock(for: config)
        let body: [UInt8]
        do {
            let response = try await send(input, config.arguments, isStream: false, clock)
            do throws(HTTPClientError) {
                if let whole = try response.collected(maximum: options.maximumResponse) {
                    body = whole
                } else {
                    body = try await response.collect(
                        maximum: options.maximumResponse,
                        before: clock.deadline,
                        phase: .timeoutTotal
                    )
                }
            } catch {
                throw clock.failure(error)
            }
        } catch {
            clock.record?.end(throwing: error)
            throw error
        }
        return try clock.decoding { () throws(RunError) in
            try OpenAICompletion.decode(body, reader: reader.value, errors: errors)
        }
    }

    @inline(never)
    private func clock(for config: RunConfig) -> CallClock {
        CallClock(options.timeouts, config: config, target: target, isStream: false, loop: client.loop)
    }

    @inline(never)
    private func answerFromElsewhere(_ input: ChatPrompt, _ config: RunConfig) async throws -> Message {
        try await withTaskExecutorPreference(client.loop) { try await self.answerOnLoop(input, config) }
    }

    /// `@concurrent` makes the task go to the executor it prefers now.
    @concurrent private func answerOnLoop(_ input: ChatPrompt, _ config: RunConfig) async throws -> Message {
        try await ainvoke(input, config: config)
    }

    /// Asks for an answer in pieces. The last piece alone has the usage and the answer's metadata.
    public func astream(_ input: ChatPrompt, config: RunConfig) -> RunStream<MessageChunk> {
        RunStream { OpenAIStreamSource(self, input, config) }
    }

    /// Sends a request and returns when a successful head is there; throws for any other.
    ///
    /// Not inlined: the room it waits in would stay with the stream that waits for its next part.
    @inline(never)
    func send(
        _ prompt: ChatPrompt,
        _ arguments: Value.Object,
        isStream: Bool,
        _ clock: CallClock
    ) async throws -> ClientResponse {
        try clock.checkStart()
        let response: ClientResponse
        do throws(HTTPClientError) {
            response = try await client.send(
                request(prompt, arguments, isStream, clock),
                limits: clock.exchangeLimits,
                observer: clock.record
            )
        } catch {
            throw clock.failure(error)
        }
        clock.gotHead(response.timing)
        guard response.head.status == 200 else { throw try await refusal(response, clock) }
        try checkCoding(response)
        return response
    }

    @inline(never)
    private func request(
        _ prompt: ChatPrompt,
        _ arguments: Value.Object,
        _ isStream: Bool,
        _ clock: CallClock
    ) -> ClientRequest {
        let body = encoder.encode(prompt, isStream: isStream, arguments: arguments)
        let fields = options.carried.isEmpty ? nil : clock.record
        return ClientRequest(method: .post, preamble: preamble, body: body, fields: fields)
    }

    @inline(never)
    private func checkCoding(_ response: ClientResponse) throws(RunError) {
        guard let coding = response.head.fields["content-encoding"], coding != "identity" else { return }
        response.cancel()
        throw RunError(.upstreamProtocol, detail: "the answer is encoded although that was not asked for")
    }

    /// The error that a response without success stands for.
    private func refusal(_ response: ClientResponse, _ clock: CallClock) async throws -> RunError {
        var body: [UInt8] = []
        do throws(HTTPClientError) {
            body = try await response.collect(
                maximum: OpenAIModel.maximumErrorBody,
                before: min(clock.deadline, .now + OpenAIModel.errorBodyLimit),
                phase: .timeoutTotal
            )
        } catch {
            // The status says enough; only a cancellation matters more.
            if error.code == .cancelled, Task.isCancelled { throw CancellationError() }
        }
        let head = response.head
        return errors.error(status: head.status, fields: head.fields, body: body, reader: reader.value)
    }
}
