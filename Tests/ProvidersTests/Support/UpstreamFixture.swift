import EventLoop
import HTTP
import JSON
import Providers
import Runnable
import ScriptedUpstream
import TLS

/// A scripted upstream with a client for it, on a loop of its own.
final class UpstreamFixture: Sendable {
    let upstream: ScriptedUpstream
    let loop: EventLoop
    let client: HTTPClient
    private let reader: LoopBound<JSONReader>

    init(
        _ scripts: [UpstreamScript],
        isSecure: Bool = false,
        _ configure: (inout HTTPClientOptions) -> Void = { _ in }
    ) throws {
        upstream = ScriptedUpstream(scripts)
        loop = try EventLoop(name: "test")
        try loop.start()
        var options = HTTPClientOptions()
        configure(&options)
        client = HTTPClient(
            loop: loop,
            origin: HTTPOrigin(isSecure: isSecure, host: "127.0.0.1", port: upstream.port),
            tls: isSecure ? try TLSContext.client(TLSContext.ClientOptions()) : nil,
            options: options
        )
        reader = LoopBound(JSONReader(), loop: loop)
    }

    deinit {
        upstream.stop()
        loop.stop()
    }

    func model(_ configure: (inout OpenAIModelOptions) -> Void = { _ in }) -> OpenAIModel {
        var options = OpenAIModelOptions(model: "m")
        configure(&options)
        var fields = HTTPFields()
        fields.append("authorization", "Bearer sk-canary-1")
        return OpenAIModel(
            client: client,
            target: RequestTarget("/v1/chat/completions"),
            fields: fields,
            options: options,
            reader: reader
        )
    }

    /// Runs `body` in a task on the loop.
    func run<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        try await start(body).value
    }

    /// Starts `body` in a task on the loop.
    func start<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) -> Task<T, any Error> {
        Task(executorPreference: loop) { try await body() }
    }

    /// The chunks up to the end, or up to the error.
    func chunks(
        of model: any ChatModel,
        config: RunConfig = RunConfig()
    ) async -> (chunks: [MessageChunk], error: (any Error)?) {
        let task = Task(executorPreference: loop) { () -> ([MessageChunk], (any Error)?) in
            var chunks: [MessageChunk] = []
            do {
                for try await chunk in model.astream(ChatPrompt("hi"), config: config) { chunks.append(chunk) }
                return (chunks, nil)
            } catch {
                return (chunks, error)
            }
        }
        return await task.value
    }
}
