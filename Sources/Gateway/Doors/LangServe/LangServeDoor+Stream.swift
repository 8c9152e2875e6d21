import EventLoop
import HTTP
import Runnable

extension LangServeDoor {
    /// Answers `POST /stream`.
    ///
    /// Events and lines send their head at once, so the client knows that it was heard. Bare text has no place for an error but
    /// the status, so its head waits for the first token.
    func stream(
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport,
        _ base: HashedConfig?
    ) async {
        guard let (begun, encoder) = beginStream(request, response, report, base) else { return }
        var chunks = begun
        let send = sender(encoder, response, report)
        do {
            while try await !chunks.forEach(send) { try await response.drained() }
            finish(encoder, response, report)
        } catch {
            failStream(error, encoder, response, report)
        }
    }

    // What needs no waiting is apart: a stream keeps the room of a function that waits for as long as it lives.
    @inline(never)
    private func beginStream(
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport,
        _ base: HashedConfig?
    ) -> (RunStream<Run.Chunk>.Iterator, StreamEncoder)? {
        let offered: [StreamFormat] = [.events, .lines, .text]
        let accepted = StreamFormat.negotiated(request.head.fields, offered: offered, standard: .events)
        let format = accepted ?? .events
        guard let single = begin(request, response, report, base) else { return nil }
        request.forgetFields()
        let encoder = StreamEncoder(
            format: format,
            output: run.streamedOutput,
            runID: report.runID,
            buffer: events.value,
            isPipeline: run.isPipeline
        )
        if format != .text {
            response.start(status: 200, fields: format.fields, own: report, keepAlive: format.keepAlive)
            if encoder.metadata(report.runID) { response.write(encoder.bytes) }
        }
        return (run.astream(single.input, config: single.config).makeAsyncIterator(), encoder)
    }

    /// What sends a chunk, and says false when the client has to catch up before the next.
    @inline(never)
    private func sender(
        _ encoder: StreamEncoder,
        _ response: ResponseWriter,
        _ report: RunReport
    ) -> (Run.Chunk) -> Bool {
        { [run] chunk in
            guard run.encode(chunk, encoder, report) else { return true }
            if response.status == 0 { response.start(status: 200, fields: encoder.format.fields, own: report) }
            return response.write(encoder.bytes)
        }
    }

    @inline(never)
    func finish(_ encoder: StreamEncoder, _ response: ResponseWriter, _ report: RunReport) {
        if encoder.lastPiece() { response.write(encoder.bytes) }
        if response.status == 0 { response.start(status: 200, fields: encoder.format.fields, own: report) }
        if encoder.end() { response.write(encoder.bytes) }
        response.end()
    }

    @inline(never)
    func failStream(
        _ error: any Error,
        _ encoder: StreamEncoder,
        _ response: ResponseWriter,
        _ report: RunReport
    ) {
        guard response.status != 0 else { return fail(error, response, report) }
        let failure = runError(error, response)
        report.error = failure
        guard failure.code != .clientGone, encoder.error(failure) else { return response.abort() }
        response.write(encoder.bytes)
        // The upstream's own verdict is an answer, and ends like one (LS-49). An answer that merely stopped must not look whole
        // to anyone who only watches the transport (G1).
        let isWholeAnswer = failure.isVerdict || (report.firstToken == nil && failure.code != .truncated)
        if isWholeAnswer { response.end() } else { response.abort() }
    }
}

extension RunError {
    /// Whether the upstream said itself that it failed, rather than falling silent.
    fileprivate var isVerdict: Bool {
        switch code {
        case .callerInvalid, .contextTooLong, .contentFiltered, .upstreamAuth, .upstreamBilling, .upstreamRate,
            .upstreamOverload, .upstream5xx:
            true
        default: false
        }
    }
}
