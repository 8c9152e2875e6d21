import EventLoop
import HTTP
import Runnable

/// One streamed call: sends the request, and pulls and decodes parts of its body as chunks are asked for.
final class OpenAIStreamSource: PushSource, @unchecked Sendable {  // @unchecked: one task at a time uses it
    private let model: OpenAIModel
    private let decoder: OpenAIStreamDecoder
    /// Nil once it is sent.
    private var prompt: ChatPrompt?
    private let arguments: Value.Object
    private let clock: CallClock
    private var response: ClientResponse?
    private var hasSniffed = false
    private var hasEnded = false
    /// Whoever takes the chunks has taken one and wants a pause.
    private var wantsPause = false

    init(_ model: OpenAIModel, _ prompt: ChatPrompt, _ config: RunConfig) {
        self.model = model
        self.prompt = prompt
        arguments = config.arguments
        decoder = OpenAIStreamDecoder(model.options, errors: model.errors)
        clock = CallClock(
            model.options.timeouts,
            config: config,
            target: model.target,
            isStream: true,
            loop: model.client.loop
        )
    }

    // What needs no waiting, or waits only once, is not inlined: a stream keeps the room of every function that waits in it for as
    // long as it lives.

    func next() async throws -> MessageChunk? {
        guard model.client.loop.isCurrent else { return try await nextFromElsewhere() }
        while true {
            if let chunk = try decoder.next() { return chunk }
            if hasEnded { return nil }
            if prompt != nil { try await begin() }
            guard let response else { return nil }
            let limit = clock.contentLimit
            let part: [UInt8]?
            do throws(HTTPClientError) {
                part = try await response.next(before: limit.time, phase: limit.code)
            } catch {
                throw failed(error)
            }
            if try take(part) == .whole { try await readWhole(after: part ?? []) }
        }
    }

    func nextReady() throws -> ReadyElement<MessageChunk> {
        guard model.client.loop.isCurrent else { return .pending }
        if let chunk = try decoder.next() { return .element(chunk) }
        return hasEnded ? .end : .pending
    }

    var pushing: (any PushSource<MessageChunk>)? { model.client.loop.isCurrent ? self : nil }

    func push(to take: @escaping (MessageChunk) -> Bool) async throws -> Bool {
        let receiver = LoopBound<PartReceiver>({ self.received($0, take) }, loop: model.client.loop)
        while true {
            if try !pushReady(to: take) { return false }
            if hasEnded { return true }
            if prompt != nil { try await begin() }
            guard let response else { return true }
            let limit = clock.contentLimit
            let part: [UInt8]?
            do throws(HTTPClientError) {
                part = try await response.next(before: limit.time, phase: limit.code, receiver: receiver)
            } catch {
                throw failed(error)
            }
            if try self.take(part) == .whole { try await readWhole(after: part ?? []) }
        }
    }

    /// Hands on what is there.
    /// - Returns: false for a pause.
    @inline(never)
    private func pushReady(to take: (MessageChunk) -> Bool) throws -> Bool {
        while !wantsPause, let chunk = try decoder.next() { wantsPause = !take(chunk) }
        defer { wantsPause = false }
        return !wantsPause
    }

    /// A part comes while the task waits: decodes it and hands its chunks on.
    private func received(_ part: UnsafeRawBufferPointer, _ take: (MessageChunk) -> Bool) -> PartReceipt {
        guard hasSniffed, !wantsPause else { return .kept }
        decoder.feed(part, readable: part.count + EventLoop.readBufferPadding, reader: model.reader.value)
        if decoder.hasNext { clock.gotContent() }
        // While the last chunk, which says what the answer took, is still here.
        if decoder.isComplete || decoder.hasFailed { noteEnd() }
        while !wantsPause, let chunk = decoder.nextChunk() { wantsPause = !take(chunk) }
        if wantsPause || decoder.isComplete || decoder.hasFailed { return .last }
        let limit = clock.contentLimit
        return .taken(limit.time, limit.code)
    }

    @inline(never)
    private func nextFromElsewhere() async throws -> MessageChunk? {
        try await withTaskExecutorPreference(model.client.loop) { try await self.nextOnLoop() }
    }

    /// `@concurrent` makes the task go to the executor it prefers now.
    @concurrent private func nextOnLoop() async throws -> MessageChunk? { try await next() }

    @inline(never)
    private func begin() async throws {
        guard let prompt = prompt.take() else { return }
        do {
            response = try await model.send(prompt, arguments, isStream: true, clock).withoutFields()
        } catch {
            clock.record?.end(throwing: error)
            throw error
        }
    }

    func cancel() {
        closeResponse()
        clock.record?.end(.clientGone)
    }

    private func closeResponse() {
        response?.cancel()
        response = nil
    }

    private enum Shape {
        case stream
        /// A JSON text: an error, or the answer of a server that does not stream.
        case whole
    }

    /// Decodes a part of the body, nil for its end; says where it is to be read otherwise.
    @inline(never)
    private func take(_ part: [UInt8]?) throws -> Shape {
        guard let part else {
            // TLS has an end of its own.
            let isProven = model.client.origin.isSecure || response?.head.framing != .untilClose
            response = nil
            hasEnded = true
            decoder.finish(isProven: isProven)
            noteEnd()
            return .stream
        }
        if !hasSniffed {
            guard let first = part.first(where: { $0 > 0x20 }) else { return .stream }
            hasSniffed = true
            // Errors, and whole answers of servers that do not stream, come as JSON whatever the content type says.
            if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") { return .whole }
            if first == UInt8(ascii: "<") {
                closeResponse()
                clock.record?.end(.upstreamProtocol)
                throw RunError(.upstreamProtocol, detail: "the answer to a stream request is markup")
            }
        }
        decoder.feed(part, reader: model.reader.value)
        if decoder.hasNext { clock.gotContent() }
        if decoder.hasFailed {
            closeResponse()
            noteEnd()
        } else if decoder.isComplete {
            // What follows the end mark is nothing but the body's end: with it the connection can be used again.
            response?.discardRest()
            end()
        }
        return .stream
    }

    @inline(never)
    private func failed(_ error: HTTPClientError) -> any Error {
        response = nil
        let failure = clock.failure(error)
        clock.record?.end(throwing: failure)
        return failure
    }

    private func end() {
        response = nil
        hasEnded = true
        noteEnd()
    }

    /// The upstream has said all it will; what the decoder still holds may take its time to be asked for.
    private func noteEnd() {
        guard let record = clock.record else { return }
        if let last = decoder.lastChunk {
            record.end(last.usage, last.responseMetadata)
        } else {
            record.end(decoder.failureCode)
        }
    }

    /// Reads an answer that is no stream.
    @inline(never)
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
            throw failed(error)
        }
        try deliver(body)
    }

    @inline(never)
    private func deliver(_ body: [UInt8]) throws(RunError) {
        response = nil
        hasEnded = true
        let message = try clock.decoding { () throws(RunError) in
            try OpenAICompletion.decode(body, reader: model.reader.value, errors: model.errors)
        }
        decoder.deliver(MessageChunk(whole: message))
    }
}
