import EventLoop
import HTTP
import Runnable

/// Answers at the metrics' path, on the loop of their own address. What is refused is logged; scrapes are not, as they come all day.
struct MetricsHandler: HTTPHandler {
    /// What stays when a reload makes another handler.
    struct Tools: Sendable {
        let metrics: GatewayMetrics
        let runIDs: LoopBound<RunIDSource>
        let accessLog: LoopBound<AccessLog>
        /// Whether answers have a `Server-Timing`.
        let timesAnswers: Bool
    }

    /// Nil while metrics are switched off.
    let path: String?
    let tools: Tools

    func handle(_ request: ServerRequest, _ response: ResponseWriter) async {
        let report = RunReport(runID: tools.runIDs.value.next(), received: request.received, arrived: request.arrived)
        if tools.timesAnswers { response.timing = report }
        report.requestID = RequestID.accepted(request.head.fields, tools.metrics.log.currentRedactor)
        var answer: GatewayMetrics.Answer
        if request.head.path == path {
            report.endpoint = .metrics
            answer = await tools.metrics.answer(request, on: tools.accessLog.loop)
        } else {
            answer = .refusal(RunError(.callerInvalid, "Not Found", status: 404))
        }
        report.appendID(to: &answer.fields)
        response.respond(status: answer.status, fields: answer.fields, body: answer.body)
        guard let error = answer.error else { return }
        var record = record(
            report.requestID.map { .text($0) } ?? .run(report.runID),
            request.head.method,
            status: answer.status,
            from: request.peer,
            received: request.received
        )
        record.endpoint = report.endpoint.name
        record.outcome = AccessRecord.Outcome(error.code)
        record.error = error.code
        record.bytes = response.bodyBytes
        tools.accessLog.value.record(record)
    }

    func rejection(status: Int, message: String) -> (fields: HTTPFields, body: [UInt8]) {
        (DoorRules.jsonFields, ErrorEncoding.plain(message))
    }

    func identify(_ head: RequestHead?, received: MonotonicTime, in fields: inout HTTPFields) {
        let report = RunReport(runID: tools.runIDs.value.next(), received: received, arrived: .now)
        report.requestID = head.flatMap { RequestID.accepted($0.fields, tools.metrics.log.currentRedactor) }
        report.appendID(to: &fields)
        guard tools.timesAnswers else { return }
        var timing: [UInt8] = []
        report.appendValue(to: &timing)
        _ = fields.append("server-timing", checking: String(decoding: timing, as: UTF8.self))
    }

    func rejected(_ rejection: RejectedRequest) {
        var record = record(
            .text(rejection.fields["x-request-id"] ?? "-"),
            rejection.head?.method ?? GatewayHandler.unknownMethod,
            status: rejection.cause == .clientGone ? 499 : rejection.status,
            from: rejection.peer,
            received: rejection.received
        )
        record.bytes = rejection.bytes
        record.error = GatewayHandler.code(of: rejection.cause)
        record.outcome = AccessRecord.Outcome(GatewayHandler.code(of: rejection.cause))
        record.detail = rejection.message
        tools.accessLog.value.record(record)
    }

    private func record(
        _ id: AccessRecord.ID,
        _ method: HTTPMethod,
        status: Int,
        from client: SocketAddress,
        received: MonotonicTime
    ) -> AccessRecord {
        AccessRecord(
            requestID: id,
            route: "-",
            method: method,
            endpoint: "-",
            status: status,
            total: MonotonicTime.now - received,
            outcome: .clientError,
            client: client
        )
    }
}
