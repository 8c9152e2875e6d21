import EventLoop
import HTTP
import Providers
import Runnable

/// What one loop tells operators about its requests: told of each where it begins and ends, and of every call of a model. On the
/// loop.
///
/// Outlives configurations: a reload changes handlers, not this.
final class LoopTelemetry: CallSink {
    let loop: EventLoop
    let accessLog: AccessLog
    /// Spans of requests, and what upstreams are told of traces.
    let tracing: LoopTracing
    /// Requests to routes that are running now.
    let live = LiveRequests()
    /// For `headgate tail`.
    let tail: TailSource
    /// For `headgate status`.
    let recentCalls = RecentCalls()
    /// Counters of this loop.
    let metrics: LoopMetrics

    init(loop: EventLoop, log: GatewayLog) {
        self.loop = loop
        accessLog = AccessLog(log: log, loop: loop)
        tail = TailSource(loop: loop)
        metrics = LoopMetrics(loop: loop)
        tracing = LoopTracing(log: log, loop: loop)
    }

    /// A request to a route begins to run.
    func began(_ report: RunReport, _ run: RunReport.Run) {
        report.run = run
        let calls = CallLog(loop: loop, sink: self, received: report.received, arrived: report.arrived)
        calls.runID = report.runID
        calls.requestID = report.requestID
        tracing.began(calls, report.runID, run.request.head.fields)
        report.calls = calls
        live.insert(report)
        metrics.began(run.route.number, run.method.label)
    }

    /// A request has ended, whether it ran or was answered at once.
    func ended(_ report: RunReport, _ record: borrowing AccessRecord) {
        live.remove(report)
        metrics.ended(report, record)
        tracing.ended(report, record)
        accessLog.record(record)
        tail.record(record)
    }

    /// What was sent was no request, or not all of one.
    func rejected(_ record: borrowing AccessRecord, _ route: RouteService?, _ endpoint: EndpointLabel) {
        metrics.rejected(record, route, endpoint)
        accessLog.record(record)
        tail.record(record)
    }

    func began(_ call: ModelCall) {
        metrics.began(call)
    }

    func ended(_ call: ModelCall) {
        recentCalls.add(call)
        metrics.ended(call)
    }

    /// Hands over what is collected, for the last time.
    func close() {
        metrics.close()
        tracing.close()
        accessLog.close()
    }
}
