import EventLoop
import HTTP
import JSON
import Runnable

/// Answers every request of one loop under one configuration: finds the door, runs it, and writes the access line.
final class GatewayHandler: HTTPHandler {
    private let table: RouteTable
    private let state: ServiceState
    private let runIDs: LoopBound<RunIDSource>
    private let reader: LoopBound<JSONReader>
    private let telemetry: LoopBound<LoopTelemetry>
    private let metrics: GatewayMetrics
    private let daemonLog: GatewayLog
    private let timesAnswers: Bool

    /// - Parameter timesAnswers: whether answers have a `Server-Timing`.
    init(
        table: RouteTable,
        state: ServiceState,
        runIDs: LoopBound<RunIDSource>,
        reader: LoopBound<JSONReader>,
        telemetry: LoopBound<LoopTelemetry>,
        metrics: GatewayMetrics,
        log: GatewayLog,
        timesAnswers: Bool
    ) {
        self.table = table
        self.state = state
        self.runIDs = runIDs
        self.reader = reader
        self.telemetry = telemetry
        self.metrics = metrics
        daemonLog = log
        self.timesAnswers = timesAnswers
    }

    func handle(_ request: ServerRequest, _ response: ResponseWriter) async {
        // Only what waits is done in here: a stream keeps the room of this function for as long as it lives.
        let report = report(on: request, response)
        guard let (door, method, base) = run(for: request, response, report) else {
            if report.endpoint == .metrics { await answerMetrics(request, response, report) }
            return
        }
        response.outlivesClient = !door.route.abortsOnDisconnect
        // The calls stand here, and not in a function of the door's: each call that waits keeps its room.
        switch (door, method) {
        case (.model(let door), .stream): await door.stream(request, response, report, base)
        case (.model(let door), .invoke): await door.invoke(request, response, report, base)
        case (.model(let door), _): await door.answer(method, request, response, report, base)
        case (.pipeline(let door), _): await door.answerInScope(method, request, response, report, base)
        }
        log(request, response, report, door.route, method.label)
    }

    @inline(never)
    private func report(on request: ServerRequest, _ response: ResponseWriter) -> RunReport {
        let report = RunReport(runID: runIDs.value.next(), received: request.received, arrived: request.arrived)
        if timesAnswers { response.timing = report }
        report.requestID = RequestID.accepted(request.head.fields, daemonLog.currentRedactor)
        return report
    }

    /// What is to be run; nil when there is nothing to run, and the request is answered.
    @inline(never)
    private func run(
        for request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport
    ) -> (RouteDoor, RouteTable.RunMethod, HashedConfig?)? {
        let endpoint = table[request.head.path]
        if case .run(let door, let method)? = endpoint, request.head.method == .post {
            begin(door, method, request, response, report)
            return (door, method, nil)
        }
        if case .metrics? = endpoint {
            report.endpoint = .metrics  // which has to be waited for
            return nil
        }
        guard endpoint == nil, let (hashed, hash) = table.hashed(request.head.path) else {
            answerAtOnce(endpoint, request, response, report)
            return nil
        }
        guard let door = hashed.door else { return nil }
        if case .about(_, .playground) = hashed {
            // The page reads the hash itself, and says it to people when it is none.
            answerAtOnce(hashed, request, response, report)
            return nil
        }
        do throws(RequestProblem) {
            let base = try door.config(hash: hash)
            if case .run(_, let method) = hashed, request.head.method == .post {
                begin(door, method, request, response, report)
                return (door, method, base)
            }
            answerAtOnce(hashed, request, response, report)
        } catch {
            door.reject(error, response, report)
            log(request, response, report, door.route, hashed.label)
        }
        return nil
    }

    private func begin(
        _ door: RouteDoor,
        _ method: RouteTable.RunMethod,
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport
    ) {
        let run = RunReport.Run(route: door.route, method: method, request: request, response: response)
        telemetry.value.began(report, run)
    }

    @inline(never)
    private func answerAtOnce(
        _ endpoint: RouteTable.Endpoint?,
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport
    ) {
        switch endpoint {
        case .run: refuseMethod(response, allow: "POST", report)
        case .about(let door, let page): about(door, page, request, response, report)
        case .feedback(let door, let kind): feedback(door, kind, request, response, report)
        case .metrics: return  // answered by ``answerMetrics(_:_:_:)``
        case .health: get(request, response, report) { Array("{\"status\":\"ok\"}\n".utf8) }
        case .ready: ready(request, response, report)
        case .index: get(request, response, report) { IndexPage.body(table.routes, version: Gateway.version) }
        case .openAPI: get(request, response, report) { OpenAPI.document(table.routes, version: Gateway.version) }
        case .docs:
            page(request, response, report, DocsPage.body(table.routes, version: Gateway.version), DocsPage.policy)
        // RFC 9110, 9.3.7: what the server as a whole can do.
        case nil where request.head.method == .options && request.head.path == "*":
            var fields = HTTPFields()
            report.appendID(to: &fields)
            fields.append("allow", "GET, HEAD, POST")
            response.respond(status: 204, fields: fields, body: [])
        case nil: notFound(request, response, report)
        }
        log(request, response, report, endpoint?.door?.route, endpoint?.label ?? .none)
    }

    @inline(never)
    private func answerMetrics(_ request: ServerRequest, _ response: ResponseWriter, _ report: RunReport) async {
        let answer = await metrics.answer(request, on: telemetry.value.loop)
        var fields = answer.fields
        report.appendID(to: &fields)
        report.error = answer.error
        report.isRejected = answer.error != nil
        response.respond(status: answer.status, fields: fields, body: answer.body)
        log(request, response, report, nil, .metrics)
    }

    func rejection(status: Int, message: String) -> (fields: HTTPFields, body: [UInt8]) {
        (DoorRules.jsonFields, ErrorEncoding.plain(message))
    }

    func identify(_ head: RequestHead?, received: MonotonicTime, in fields: inout HTTPFields) {
        // It is the client that took so long to send what is no request.
        let report = RunReport(runID: runIDs.value.next(), received: received, arrived: .now)
        report.requestID = head.flatMap { RequestID.accepted($0.fields, daemonLog.currentRedactor) }
        report.appendID(to: &fields)
        guard timesAnswers else { return }
        var timing: [UInt8] = []
        report.appendValue(to: &timing)
        _ = fields.append("server-timing", checking: String(decoding: timing, as: UTF8.self))
    }

    func rejected(_ rejection: RejectedRequest) {
        let endpoint = rejection.head.flatMap { table[$0.path] ?? table.hashed($0.path)?.endpoint }
        let route = endpoint?.door?.route
        let label = endpoint?.label ?? .none
        let error = GatewayHandler.code(of: rejection.cause)
        var record = AccessRecord(
            requestID: .text(rejection.fields["x-request-id"] ?? "-"),
            route: route?.settings.path ?? "-",
            method: rejection.head?.method ?? GatewayHandler.unknownMethod,
            endpoint: label.name,
            status: rejection.cause == .clientGone ? 499 : rejection.status,
            total: MonotonicTime.now - rejection.received,
            outcome: .init(error),
            client: rejection.peer
        )
        record.bytes = rejection.bytes
        record.error = error
        record.detail = rejection.message
        telemetry.value.rejected(record, route, label)
    }

    /// The class of what keeps a request from being one.
    static func code(of cause: RejectedRequest.Cause) -> RunError.Code {
        switch cause {
        case .refused: .callerInvalid
        case .clientGone: .clientGone
        case .shuttingDown: .shuttingDown
        }
    }

    /// Of a request whose first line was not understood.
    static let unknownMethod = HTTPToken(checking: "-").map { HTTPMethod.other($0) } ?? .get

    // MARK: Small answers

    private func get(
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport,
        status: Int = 200,
        _ body: () -> [UInt8]
    ) {
        switch request.head.method {
        case .get, .head:
            var fields = report.fields
            fields.append("cache-control", "no-store")
            response.respond(status: status, fields: fields, body: body())
        default: refuseMethod(response, allow: "GET, HEAD", report)
        }
    }

    /// What a route says about itself.
    private func about(
        _ door: RouteDoor,
        _ about: RouteTable.AboutPage,
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport
    ) {
        let schemas = RouteSchemas(door.route)
        switch about {
        case .inputSchema: get(request, response, report) { schemas.input.jsonBytes }
        case .outputSchema: get(request, response, report) { schemas.output.jsonBytes }
        case .configSchema: get(request, response, report) { schemas.config.jsonBytes }
        case .playground:
            page(request, response, report, PlaygroundPage.body, PlaygroundPage.contentSecurityPolicy)
        }
    }

    private func feedback(
        _ door: RouteDoor,
        _ kind: FeedbackKind,
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport
    ) {
        guard request.head.method == kind.method else { return refuseMethod(response, allow: kind.allow, report) }
        door.reject(kind.problem(request.takeBody(), reader.value), response, report)
    }

    /// A page for browsers.
    private func page(
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport,
        _ body: [UInt8],
        _ policy: String
    ) {
        switch request.head.method {
        case .get, .head:
            var fields: HTTPFields = ["content-type": "text/html; charset=utf-8"]
            report.appendID(to: &fields)
            fields.append("cache-control", "no-cache")
            fields.append("x-content-type-options", "nosniff")
            fields.append("referrer-policy", "no-referrer")
            _ = fields.append("content-security-policy", checking: policy)
            response.respond(status: 200, fields: fields, body: body)
        default: refuseMethod(response, allow: "GET, HEAD", report)
        }
    }

    private func ready(_ request: ServerRequest, _ response: ResponseWriter, _ report: RunReport) {
        if state.isDraining {
            get(request, response, report, status: 503) { Array("{\"status\":\"draining\"}\n".utf8) }
        } else {
            get(request, response, report) { Array("{\"status\":\"ready\"}\n".utf8) }
        }
    }

    private func refuseMethod(_ response: ResponseWriter, allow: StaticString, _ report: RunReport) {
        report.isRejected = true
        report.error = RunError(.callerInvalid, "Method Not Allowed", status: 405)
        var fields = report.fields
        fields.append("allow", allow)
        response.respond(status: 405, fields: fields, body: ErrorEncoding.plain("Method Not Allowed"))
    }

    private func notFound(_ request: ServerRequest, _ response: ResponseWriter, _ report: RunReport) {
        let path = request.head.path
        if path.utf8.count > 1, path.hasSuffix("/"), !path.hasSuffix("//"), table[String(path.dropLast())] != nil {
            return redirect(request, String(path.dropLast()), response, report)
        }
        if path.hasSuffix("/playground"), table[path + "/"] != nil || table.hashed(path + "/") != nil {
            return redirect(request, path + "/", response, report)
        }
        report.isRejected = true
        report.error = RunError(.callerInvalid, "Not Found", status: 404)
        response.respond(status: 404, fields: report.fields, body: ErrorEncoding.plain("Not Found"))
    }

    /// A slash too many or too few gets the right address, as the reference server answers it.
    private func redirect(_ request: ServerRequest, _ path: String, _ response: ResponseWriter, _ report: RunReport) {
        var location = path
        if let host = request.head.host { location = "\(request.isSecure ? "https" : "http")://\(host)\(path)" }
        if let query = request.head.query { location += "?\(query)" }
        var fields = HTTPFields()
        report.appendID(to: &fields)
        guard fields.append("location", checking: location) else {
            return response.respond(status: 404, fields: report.fields, body: ErrorEncoding.plain("Not Found"))
        }
        response.respond(status: 307, fields: fields, body: [])
    }

    // MARK: The access line

    @inline(never)
    private func log(
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport,
        _ route: RouteService?,
        _ endpoint: EndpointLabel
    ) {
        report.route = route
        report.endpoint = endpoint
        let isGone = response.interruption == .clientGone
        var record = AccessRecord(
            requestID: report.requestID.map { .text($0) } ?? .run(report.runID),
            route: route?.settings.path ?? "-",
            method: request.head.method,
            endpoint: endpoint.name,
            status: isGone && response.status == 0 ? 499 : response.status,
            total: MonotonicTime.now - report.received,
            outcome: isGone ? .clientGone : report.error.map { .init($0.code) } ?? .ok,
            client: request.peer
        )
        record.bytes = response.bodyBytes
        record.inputTokens = report.inputTokens
        record.outputTokens = report.outputTokens
        record.firstToken = report.firstToken
        record.items = report.items
        if let route, !report.isRejected { record.upstream = route.backend }
        record.trace = report.traceID
        if let error = report.error {
            record.error = error.code
            if !report.isRejected { record.detail = error.detail }
        }
        telemetry.value.ended(report, record)
    }
}
