import HTTP
import Runnable

extension LangServeDoor {
    /// Answers `POST /stream`.
    ///
    /// Events and lines send their head at once, so the client knows that it was heard. Bare text has no place for an error but
    /// the status, so its head waits for the first token.
    func stream(_ request: ServerRequest, _ response: ResponseWriter, _ report: inout RunReport) async {
        let offered: [StreamFormat] = [.events, .lines, .text]
        let format = StreamFormat.negotiated(request.head.fields, offered: offered) ?? .events
        var single: SingleRequest
        do throws(RequestProblem) {
            let deadline = try deadline(for: request, response)
            single = try decoding.single(request.body)
            single.config.deadline = deadline
        } catch {
            return reject(error, response, &report)
        }
        adopt(&single.config, &report)
        var encoder = StreamEncoder(format: format, output: route.settings.output, runID: report.runID)
        if format != .text {
            response.start(status: 200, fields: format.fields(report), keepAlive: format.keepAlive)
            if encoder.metadata(report.runID) { response.write(encoder.bytes) }
        }
        do {
            try await forward(single, &encoder, response, &report)
        } catch {
            failStream(error, &encoder, response, &report)
        }
    }

    private func forward(
        _ single: SingleRequest,
        _ encoder: inout StreamEncoder,
        _ response: ResponseWriter,
        _ report: inout RunReport
    ) async throws {
        var chunks = route.model.astream(single.prompt, config: single.config).makeAsyncIterator()
        var sawLast = false
        while let chunk = try await chunks.next() {
            if chunk.isLast { sawLast = true }
            if !chunk.isPlain { report.count(chunk.usage) }
            guard encoder.data(chunk) else { continue }
            if chunk.hasContent { report.producedContent() }
            if response.status == 0 { response.start(status: 200, fields: encoder.format.fields(report)) }
            if !response.write(encoder.bytes) { try await response.drained() }
        }
        if !sawLast, encoder.lastPiece() { response.write(encoder.bytes) }
        if response.status == 0 { response.start(status: 200, fields: encoder.format.fields(report)) }
        if encoder.end() { response.write(encoder.bytes) }
        response.end()
    }

    private func failStream(
        _ error: any Error,
        _ encoder: inout StreamEncoder,
        _ response: ResponseWriter,
        _ report: inout RunReport
    ) {
        guard response.status != 0 else { return fail(error, response, &report) }
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

extension MessageChunk {
    /// Whether it brings a part of the answer: text, a tool call, or what a vendor has beside them.
    fileprivate var hasContent: Bool {
        !content.isEmpty || !isPlain && (!toolCallChunks.isEmpty || !additionalKwargs.isEmpty)
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
