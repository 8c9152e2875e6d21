import EventLoop
import HTTP
import JSON
import Runnable

/// Serves the running endpoints of one route in LangServe's protocol, on one loop.
///
/// Generic over what it runs, so that a model's answers are written from their own types without a detour.
final class LangServeDoor<Run: RouteRun>: Sendable {
    let loop: EventLoop
    let reader: LoopBound<JSONReader>
    let runIDs: LoopBound<RunIDSource>
    let route: RouteService
    let run: Run
    let events: LoopBound<EventBuffer>
    private let config: ConfigDecoding

    init(
        loop: EventLoop,
        reader: LoopBound<JSONReader>,
        runIDs: LoopBound<RunIDSource>,
        route: RouteService,
        run: Run
    ) {
        self.loop = loop
        self.reader = reader
        self.runIDs = runIDs
        self.route = route
        self.run = run
        events = LoopBound(EventBuffer(), loop: loop)
        config = ConfigDecoding(allowed: route.settings.allowConfig, specs: route.specs)
    }

    /// - Parameter base: what a config hash in the path says.
    func decoding(_ base: HashedConfig?) -> EnvelopeDecoding<Run> {
        var config = config
        if let base { config.base = base.config }
        return EnvelopeDecoding(
            reader: reader.value,
            run: run,
            config: config,
            maxBatch: route.settings.maxBatch
        )
    }

    /// Answers `POST /invoke`.
    @inline(never)
    func invoke(
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport,
        _ base: HashedConfig?
    ) async {
        guard let run = begin(request, response, report, base) else { return }
        do {
            respond(try await self.run.ainvoke(run.input, config: run.config), response, report)
        } catch {
            fail(error, response, report)
        }
    }

    /// What `/invoke` or a stream is to run; nil when the request is not valid, which is answered then.
    @inline(never)
    func begin(
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport,
        _ base: HashedConfig?,
        isEvents: Bool = false
    ) -> SingleRequest<Run.Input>? {
        do throws(RequestProblem) {
            let limit = try limit(for: request, response)
            try DoorRules.checkCoding(request)
            var single = try decoding(base).single(request.takeBody(), isEvents: isEvents)
            // The caller's run id where the route allows one, else the one that was drawn for the request.
            if let runID = single.config.runID { report.runID = runID } else { single.config.runID = report.runID }
            single.config.setDeadline(after: limit)
            single.config.attachment = report.calls
            if run.isPipeline { limitConcurrency(of: &single.config) }
            return single
        } catch {
            reject(error, response, report)
            return nil
        }
    }

    /// Bounds what runs at once inside a pipeline: elements of a map, branches of a parallel, and all calls of models together.
    func limitConcurrency(of config: inout RunConfig) {
        let limit = min(route.settings.maxConcurrency, config.maxConcurrency ?? .max)
        config.maxConcurrency = limit
        RequestScope.current?.limit(to: limit)
    }

    @inline(never)
    private func respond(_ output: Run.Output, _ response: ResponseWriter, _ report: RunReport) {
        report.producedContent()
        run.count(output, report)
        let buffer = events.value
        buffer.clear()
        buffer.bytes.appendRaw("{\"output\":")
        run.append(output, runID: report.runID, to: &buffer.bytes)
        buffer.bytes.appendRaw(",\"metadata\":{\"run_id\":\"")
        report.runID.append(to: &buffer.bytes)
        buffer.bytes.appendRaw("\",\"feedback_tokens\":[]}}")
        response.respond(status: 200, fields: DoorRules.jsonFields, own: report, body: buffer.bytes)
    }

    // MARK: Beginning

    /// How long the run may take from now: the route's total, or the caller's `X-Request-Timeout-Ms` where that is shorter, counted from
    /// the request's arrival.
    func limit(for request: ServerRequest, _ response: ResponseWriter) throws(RequestProblem) -> Duration {
        var total = route.timeouts.total
        // Of two, one would be ignored.
        let limits = request.head.fields.values("x-request-timeout-ms")
        if !limits.isEmpty {
            guard limits.count == 1, let text = limits.first, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
                let milliseconds = Int(text), milliseconds > 0
            else {
                throw .sentence("X-Request-Timeout-Ms must be a whole number of milliseconds above 0")
            }
            total = min(total, .milliseconds(milliseconds))
        }
        let end = request.received + total
        response.setDeadline(end + DoorRules.interruptionGrace)
        return end - .now
    }

    // MARK: Failing

    /// Answers a request that is not valid, before anything ran.
    func reject(_ problem: RequestProblem, _ response: ResponseWriter, _ report: RunReport) {
        report.isRejected = true
        report.error = RunError(.callerInvalid, problem.message, status: problem.status)
        var fields = report.fields
        // RFC 9110, 12.5.3: what would be taken instead.
        if case .codedBody = problem { fields.append("accept-encoding", "identity") }
        response.respond(status: problem.status, fields: fields, body: problem.body)
    }

    /// Answers a run that failed before the response's head was sent.
    @inline(never)
    func fail(_ error: any Error, _ response: ResponseWriter, _ report: RunReport) {
        let failure = runError(error, response)
        report.error = failure
        guard failure.code != .clientGone else { return response.abort() }
        var fields = ErrorEncoding.fields(failure)
        report.appendID(to: &fields)
        response.respond(status: failure.status, fields: fields, body: ErrorEncoding.body(failure))
    }

    /// Any error as the gateway's own; a cancellation as what caused it.
    func runError(_ error: any Error, _ response: ResponseWriter) -> RunError {
        let failure = RunError(error)
        guard failure.code == .clientGone else { return failure }
        switch response.interruption {
        case .clientGone: return failure
        case .deadline: return RunError(.timeoutTotal, detail: "interrupted at the deadline")
        case .shuttingDown: return RunError(.shuttingDown)
        case .killed: return RunError(.killed)
        case nil: return RunError(.internal, detail: "cancelled for no reason of the client's or the server's")
        }
    }
}

/// What a config hash in a path says, behind a pointer: hardly any request has one, and all wait with room for it.
final class HashedConfig: Sendable {
    let config: RunConfig

    init(_ config: RunConfig) { self.config = config }
}

/// What all doors do alike.
enum DoorRules {
    static let jsonFields: HTTPFields = ["content-type": "application/json"]

    /// How much later than the run's own deadline the connection interrupts the handler: the run's error says where the time went,
    /// the interruption only catches work that does not look at its deadline, such as waiting for a slow reader. Long enough that
    /// a busy loop does not fire both timers in one turn, which would lose the explanation and what a batch did in time.
    static let interruptionGrace = Duration.seconds(1)

    /// A compressed body would only look like broken JSON.
    static func checkCoding(_ request: ServerRequest) throws(RequestProblem) {
        guard let coding = request.head.fields["content-encoding"], coding.lowercased() != "identity" else { return }
        throw .codedBody
    }
}
