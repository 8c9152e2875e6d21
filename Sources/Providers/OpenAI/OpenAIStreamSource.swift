import EventLoop
import HTTP
import Runnable

/// One streamed call: sends the request, and pulls and decodes parts of its body as chunks are asked for.
final class OpenAIStreamSource: RunSource, @unchecked Sendable {  // @unchecked: one task at a time uses it
    private let model: OpenAIModel
    private let decoder: OpenAIStreamDecoder
    /// Nil once it is sent.
    private var prompt: ChatPrompt?
    private var clock: CallClock
    private var response: ClientResponse?
    private var hasSniffed = false
    private var hasEnded = false

    init(_ model: OpenAIModel, _ prompt: ChatPrompt, _ config: RunConfig) {
        self.model = model
        self.prompt = prompt
        decoder = OpenAIStreamDecoder(model.options, errors: model.errors)
        clock = CallClock(model.options.timeouts, config: config, isStream: true)
    }

    func next() async throws -> MessageChunk? {
        if model.client.loop.isCurrent { return try await pull() }
        return try await withTaskExecutorPreference(model.client.loop) { try await self.pullOnLoop() }
    }

    /// `@concurrent` makes the task go to the executor it prefers now.
    @concurrent private func pullOnLoop() async throws -> MessageChunk? { try await pull() }

    private func pull() async throws -> MessageChunk? {
        while true {
            if let chunk = try decoder.next() { return chunk }
            if hasEnded { return nil }
            try await advance()
        }
    }

    func cancel() {
        response?.cancel()
        response = nil
    }

    /// Waits for one more part of the body and decodes it.
    private func advance() async throws {
        if let prompt = prompt.take() { response = try await model.send(prompt, isStream: true, &clock) }
        guard let response else {
            hasEnded = true
            return
        }
        let limit = clock.contentLimit
        let part: [UInt8]?
        do throws(HTTPClientError) {
            part = try await response.next(before: limit.time, phase: limit.code)
        } catch {
            self.response = nil
            throw clock.failure(error)
        }
        guard let part else {
            end()
            return decoder.finish()
        }
        if !hasSniffed {
            guard let first = part.first(where: { $0 > 0x20 }) else { return }
            hasSniffed = true
            // Errors, and whole answers of servers that do not stream, come as JSON whatever the content type says.
            if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") { return try await readWhole(after: part) }
            if first == UInt8(ascii: "<") {
                cancel()
                throw RunError(.upstreamProtocol, detail: "the answer to a stream request is markup")
            }
        }
        decoder.feed(part, reader: model.reader.value)
        if decoder.hasNext { clock.gotContent() }
        if decoder.hasFailed {
            cancel()
        } else if decoder.isComplete {
            // What follows the end mark is nothing but the body's end: with it the connection can be used again.
            response.discardRest()
            end()
        }
    }

    private func end() {
        response = nil
        hasEnded = true
    }

    /// Reads an answer that is no stream.
    private func readWhole(after part: [UInt8]) async throws {
        guard let response else { return }
        var body = part
        do throws(HTTPClientError) {
            let limit = clock.contentLimit
            body += try await response.collect(
                maximum: model.options.maximumResponse,
                before: limit.time,
                phase: limit.code
            )
        } catch {
            throw clock.failure(error)
        }
        end()
        let message = try OpenAICompletion.decode(body, reader: model.reader.value, errors: model.errors)
        decoder.deliver(MessageChunk(whole: message))
    }
}
