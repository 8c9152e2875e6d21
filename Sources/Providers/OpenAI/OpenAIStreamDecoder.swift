import HTTP
import JSON
import Runnable

/// Turns the bytes of an event stream into message chunks; no I/O.
///
/// A part is decoded whole when it is fed and its chunks wait here, at most as many as fit the part. What fails after some
/// chunks is thrown after them, so the chunks depend on the bytes only and not on how they were split.
final class OpenAIStreamDecoder {
    private var events: SSEDecoder
    private var state: OpenAIStreamState
    private var ready: [MessageChunk] = []
    private var taken = 0
    private var failure: RunError?

    init(_ options: OpenAIModelOptions, errors: OpenAIErrors) {
        events = SSEDecoder(maximumEventBytes: options.maximumEvent)
        state = OpenAIStreamState(errors: errors)
    }

    /// Whether the stream has come to its end mark.
    var isComplete: Bool { state.isComplete }

    /// Whether it failed; nothing that follows counts.
    var hasFailed: Bool { failure != nil }

    /// What went wrong, if anything did.
    var failureCode: RunError.Code? { failure?.code }

    /// The final chunk, as long as it waits to be taken.
    var lastChunk: MessageChunk? { ready.last.flatMap { $0.isLast ? $0 : nil } }

    /// Whether chunks, or a failure, wait.
    var hasNext: Bool { taken < ready.count || failure != nil }

    /// The next chunk; nil when there is none yet, or no more.
    @inline(never)
    func next() throws -> MessageChunk? {
        if let chunk = nextChunk() { return chunk }
        if let failure { throw failure }
        return nil
    }

    /// The next chunk that waits. A failure behind them is left to ``next()``.
    func nextChunk() -> MessageChunk? {
        guard taken < ready.count else { return nil }
        let chunk = ready[taken]
        taken += 1
        if taken == ready.count {
            ready.removeAll(keepingCapacity: true)
            taken = 0
        }
        return chunk
    }

    /// Decodes what `part` completes. Nothing after the end mark, or after a failure, counts.
    func feed(_ part: [UInt8], reader: JSONReader) {
        let readable = part.capacity
        part.withUnsafeBytes { feed($0, readable: readable, reader: reader) }
    }

    /// Decodes what lent bytes complete.
    ///
    /// - Parameter readable: how many bytes from the first one on may be read: readers of whole vectors may look 64 bytes beyond an event that
    ///   lies in the part itself.
    func feed(_ bytes: UnsafeRawBufferPointer, readable: Int, reader: JSONReader) {
        guard failure == nil, !state.isComplete else { return }
        let first = UInt(bitPattern: bytes.baseAddress)
        let safe = first &+ UInt(max(0, readable - JSONPadding.bytes))
        do {
            try events.feed(bytes) { event in
                let start = UInt(bitPattern: event.data.baseAddress)
                let padded = start >= first && start &+ UInt(event.data.count) <= safe
                try state.read(event, padded: padded, reader, &ready)
            }
        } catch {
            fail(error)
        }
    }

    /// Hands out a chunk that did not come as an event.
    func deliver(_ chunk: MessageChunk) { ready.append(chunk) }

    /// The body ended as HTTP says it should.
    ///
    /// - Parameter isProven: whether its framing tells an end from a cut. Where only the connection's end is there to go by, a
    ///   finish reason is not the end: usage, and with some servers more text, may have been to come.
    func finish(isProven: Bool) {
        guard failure == nil, !state.isComplete else { return }
        switch unfinished {
        case .endMark: state.complete(&ready)
        case .nothing where isProven && state.finishReason != nil: state.complete(&ready)
        case .nothing, .event:
            let missing = isProven ? "[DONE] or a finish reason" : "[DONE]"
            failure = RunError(.truncated, detail: "the stream ended without \(missing)")
        }
    }

    private enum Unfinished {
        case nothing
        /// Several servers leave the empty line behind it out.
        case endMark
        case event
    }

    /// What has come of an event whose end has not.
    private var unfinished: Unfinished {
        var rest = events
        var found: Unfinished?
        // One line end for the line and one for the event. Nothing is thrown: what was fed before was within the limit.
        for step in 0..<2 where found == nil {
            let lineEnd: [UInt8] = [0x0A]
            try? lineEnd.withUnsafeBytes { byte in
                try rest.feed(byte) { found = OpenAIStreamState.isEndMark($0) ? .endMark : .event }
            }
            if step == 0, found == nil, rest.isBetweenEvents { return .nothing }
        }
        return found ?? .event
    }

    private func fail(_ error: any Error) {
        switch error {
        case let error as RunError: failure = error
        case SSEError.eventTooLarge:
            failure = RunError(.upstreamProtocol, detail: "an event is larger than the limit")
        default: failure = RunError(.upstreamProtocol, detail: "an event is not JSON: \(error)")
        }
    }
}

enum JSONPadding {
    /// What ``JSONReader/read(_:padded:_:)`` may read beyond the end.
    static let bytes = 64
}
