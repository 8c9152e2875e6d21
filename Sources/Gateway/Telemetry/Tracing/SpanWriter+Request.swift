import EventLoop
import HTTP
import JSON
import Providers
import Runnable

/// A request that has ended, as spans are made of it.
struct TracedRequest {
    let report: RunReport
    let run: RunReport.Run
    let calls: CallLog
    let trace: CallTrace
    let ended: MonotonicTime
    /// Takes secrets out of what others say of themselves.
    let redact: (String) -> String

    /// The id in the answer and the log.
    fileprivate func appendID(to writer: inout SpanWriter) {
        if let id = report.requestID {
            writer.attribute("headgate.request.id", redact(id))
        } else {
            writer.attribute("headgate.request.id", report.runID)
        }
    }
}

extension SpanWriter {
    /// Writes the spans of a request: its own, and one for each call with those of the call's parts.
    mutating func append(_ request: TracedRequest, _ record: borrowing AccessRecord) {
        appendServerSpan(request, record)
        for call in request.calls.calls { append(call, of: request) }
    }

    private mutating func appendServerSpan(_ request: TracedRequest, _ record: borrowing AccessRecord) {
        let report = request.report
        let path = request.run.route.settings.path
        let endpoint = request.run.method.name
        let span = Span(
            id: request.trace.request.spanID,
            parent: request.trace.parent,
            kind: .server,
            start: report.received,
            end: request.ended,
            hasRemoteParent: request.trace.parent != nil
        )
        begin(span) { name in
            name.appendRaw("POST ")
            name.appendJSONContent(path == "/" ? "/" : path + "/")
            name.appendRaw(endpoint)
        }
        attribute("http.request.method", word: "POST")
        attribute("http.route", (path == "/" ? "/" : path + "/") + "\(endpoint)")
        attribute("url.scheme", word: request.run.request.isSecure ? "https" : "http")
        attribute("network.protocol.version", word: request.run.request.head.version == .http10 ? "1.0" : "1.1")
        attribute("client.address", record.client.host)
        if let port = record.client.port { attribute("client.port", Int(port)) }
        if record.status > 0 { attribute("http.response.status_code", record.status) }
        if let error = record.error { attribute("error.type", error.rawValue) }
        request.appendID(to: &self)
        attribute("headgate.run.id", report.runID)
        attribute("headgate.outcome", record.outcome.rawValue)
        if let upstream = record.upstream { attribute("headgate.upstream", upstream) }
        if let items = record.items { attribute("headgate.batch.items", items) }
        attribute("headgate.calls", request.calls.begun)
        if let duration = record.firstToken { attribute("headgate.time.to_first_token", duration) }
        append(request.report.times(at: request.ended))
        end(isError: record.outcome.isOurError)
    }

    private mutating func append(_ times: RequestTimes) {
        if times.queue > .zero { attribute("headgate.time.queue", times.queue) }
        if times.connect > .zero { attribute("headgate.time.connect", times.connect) }
        if times.upstream > .zero { attribute("headgate.time.upstream", times.upstream) }
        if times.firstToken > .zero { attribute("headgate.time.first_token", times.firstToken) }
        if times.stream > .zero { attribute("headgate.time.stream", times.stream) }
        if times.blocked > .zero { attribute("headgate.time.blocked", times.blocked) }
        attribute("headgate.time.gateway", times.gateway)
    }

    // MARK: Calls

    /// A call, after the conventions for generative AI, and what it waited for below it.
    private mutating func append(_ call: ModelCall, of request: TracedRequest) {
        let end = call.ended ?? request.ended
        let sent = call.began + (call.queue + call.connect)
        appendClientSpan(call, of: request, end: end)
        if call.queue > .zero { append("queue", call, 1, of: request, from: call.began, to: call.began + call.queue) }
        if call.connect > .zero { append("connect", call, 2, of: request, from: call.began + call.queue, to: sent) }
        guard call.isStream, let first = call.firstContent else { return }
        append("first token", call, 3, of: request, from: sent, to: first)
        append("stream", call, 4, of: request, from: first, to: end)
    }

    private mutating func appendClientSpan(
        _ call: ModelCall,
        of request: TracedRequest,
        end: MonotonicTime
    ) {
        let target = call.target
        let span = Span(
            id: request.trace.span(ofCall: call.number),
            parent: request.trace.request.spanID,
            kind: .client,
            start: call.began,
            end: end
        )
        begin(span) { name in
            name.appendRaw("chat ")
            name.appendJSONContent(target.model)
        }
        attribute("gen_ai.operation.name", word: "chat")
        attribute("gen_ai.provider.name", target.dialect)
        attribute("gen_ai.request.model", target.model)
        if call.isStream { attribute("gen_ai.request.stream", true) }
        if let model = call.responseModel { attribute("gen_ai.response.model", request.redact(model)) }
        if let reason = call.finishReason { attribute("gen_ai.response.finish_reasons", list: request.redact(reason)) }
        if let usage = call.usage {
            attribute("gen_ai.usage.input_tokens", usage.inputTokens)
            attribute("gen_ai.usage.output_tokens", usage.outputTokens)
            if let read = usage.inputTokenDetails?["cache_read"] {
                attribute("gen_ai.usage.cache_read.input_tokens", read)
            }
        }
        if call.isStream, let first = call.firstContent {
            attribute("gen_ai.response.time_to_first_chunk", first - call.began)
        }
        if let host = target.host {
            attribute("server.address", host)
            attribute("server.port", Int(target.port))
        }
        if let error = call.error { attribute("error.type", error.rawValue) }
        request.appendID(to: &self)
        attribute("headgate.backend", target.backend)
        beginEvents()
        if let head = call.headReceived { event("response head", at: head) }
        if let first = call.firstContent { event(call.isStream ? "first token" : "answer", at: first) }
        self.end(isError: call.error.map { $0 != .clientGone } ?? false)
    }

    private mutating func append(
        _ name: StaticString,
        _ call: ModelCall,
        _ part: Int,
        of request: TracedRequest,
        from start: MonotonicTime,
        to end: MonotonicTime
    ) {
        let span = Span(
            id: request.trace.span(ofCall: call.number, part: part),
            parent: request.trace.span(ofCall: call.number),
            kind: .inner,
            start: start,
            end: end
        )
        begin(span) { $0.appendRaw(name) }
        request.appendID(to: &self)
        self.end(isError: false)
    }
}

extension AccessRecord.Outcome {
    /// Whether a request that ended so failed for a reason that is not the caller's.
    fileprivate var isOurError: Bool {
        switch self {
        case .ok, .clientGone, .clientError, .rejected, .killed: false
        case .upstreamError, .timeout, .truncated, .shuttingDown, .internalError: true
        }
    }
}

extension [UInt8] {
    /// Appends text as the inside of a JSON string.
    fileprivate mutating func appendJSONContent(_ text: String) {
        var quoted: [UInt8] = []
        quoted.appendJSON(text)
        append(contentsOf: quoted.dropFirst().dropLast())
    }
}
