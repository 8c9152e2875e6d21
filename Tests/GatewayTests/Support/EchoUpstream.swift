import EventLoop
import HTTP
import JSON
import TLS
import WorkerPool

/// An upstream of the openai dialect that says every prompt back, after a time and with a status that the prompt decides.
final class EchoUpstream: HTTPHandler {
    struct Answer: Sendable {
        var status = 200
        var delay = Duration.zero
    }

    private struct Counts {
        var prompts: [String] = []
        var concurrent = 0
        var peak = 0
    }

    private let loop: EventLoop
    private let reader: LoopBound<JSONReader>
    private let answer: @Sendable (String) -> Answer
    private let counts = Locked(Counts())

    private init(_ loop: EventLoop, _ answer: @escaping @Sendable (String) -> Answer) {
        self.loop = loop
        self.answer = answer
        reader = LoopBound(JSONReader(), loop: loop)
    }

    /// The prompts in the order they came.
    var prompts: [String] { counts.withLock { $0.prompts } }
    /// The most requests that were under way at once.
    var peak: Int { counts.withLock { $0.peak } }

    /// Runs `body` with an upstream on the given port, and stops it.
    static func run(
        _ answer: @escaping @Sendable (String) -> Answer,
        _ body: (EchoUpstream, UInt16) async throws -> Void
    ) async throws {
        let loop = try EventLoop(name: "echo")
        try loop.start()
        let (descriptors, address) = try Listener.open(.ipv4(0x7F00_0001, port: 0), count: 1)
        let upstream = EchoUpstream(loop, answer)
        let server = HTTPServer(loop: loop, handler: upstream)
        try await server.listen(descriptor: descriptors[0])
        try await body(upstream, address.port ?? 0)
        await server.stop()
        loop.stop()
        try await onThread { loop.join() }
    }

    func handle(_ request: ServerRequest, _ response: ResponseWriter) async {
        let prompt = try? reader.value.read(request.body) { $0["messages"]?[0]?["content"]?.string }
        guard let prompt = prompt ?? nil else { return response.respond(status: 400, body: []) }
        counts.withLock { counts in
            counts.prompts.append(prompt)
            counts.concurrent += 1
            counts.peak = max(counts.peak, counts.concurrent)
        }
        defer { counts.withLock { $0.concurrent -= 1 } }
        let answer = answer(prompt)
        if answer.delay > .zero {
            do { try await LoopSleeper(on: loop).sleep(until: .now + answer.delay) } catch { return }
        }
        var body: [UInt8] = []
        if answer.status == 200 {
            body.appendRaw(
                "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"model\":\"m\",\"choices\":[{\"index\":0,"
            )
            body.appendRaw("\"finish_reason\":\"stop\",\"message\":{\"role\":\"assistant\",\"content\":")
            body.appendJSON(prompt)
            body.appendRaw("}}]}")
        } else {
            body.appendRaw("{\"error\":{\"message\":\"told to fail\"}}")
        }
        response.respond(status: answer.status, fields: ["content-type": "application/json"], body: body)
    }

    func rejection(status: Int, message: String) -> (fields: HTTPFields, body: [UInt8]) { ([:], []) }
}
