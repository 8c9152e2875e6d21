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
    }

    /// A request to a route begins to run.
    func began(_ report: RunReport, _ run: RunReport.Run) {
        report.run = run
        report.calls = CallLog(loop: loop, sink: self)
        live.insert(report)
        metrics.began(run.route.number, run.method.label)
    }

    /// A request has ended, whether it ran or was answered at once.
    func ended(_ report: RunReport, _ record: borrowing AccessRecord) {
        live.remove(report)
        metrics.ended(report, record)
        accessLog.record(record)
        tail.record(record)
    }

    /// What was sent was no request.
    func rejected(_ record: borrowing AccessRecord) {
        metrics.rejected(record)
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
        accessLog.close()
    }
}
