import EventLoop
import HTTP
import Providers
import Runnable

/// The traces of one loop's requests: decides which are recorded, makes their spans when they have ended, and hands those over in batches.
/// Lives and dies on the loop; ``close()`` before the last reference goes.
///
/// A request that is not sampled costs the decision, which is a comparison of numbers.
final class LoopTracing {
    /// Spans are handed over when they come to more bytes than this.
    private static let batchSize = 64 << 10
    /// Of what others say of themselves, in bytes.
    private static let longestText = 256

    private let log: GatewayLog
    private var exporter: TraceExporter?
    private var batch = SpanQueue.Batch(bytes: [], count: 0)
    private var timer: LoopTimer?

    /// Records nothing. On the loop, or before the loop runs.
    init(log: GatewayLog, loop: EventLoop) {
        self.log = log
        timer = LoopTimer(on: loop) { [unowned self] in flush() }
    }

    /// Hands spans to another exporter from now on, or makes none.
    func use(_ exporter: TraceExporter?) {
        flush()
        self.exporter = exporter
    }

    /// A request begins: finds its trace.
    func began(_ calls: CallLog, _ runID: RunID, _ fields: HTTPFields) {
        let parent = TraceParent(fields)
        guard let exporter else {
            // Nobody asks for our spans, but the caller's trace is none of our business: what it says goes on as it came.
            if let parent { calls.trace = CallTrace(passing: parent, state: TraceState.accepted(fields) ?? []) }
            return
        }
        calls.trace = exporter.sampler.trace(runID, parent, state: TraceState.accepted(fields))
    }

    /// A request has ended: makes its spans, if it is to have some.
    func ended(_ report: RunReport, _ record: borrowing AccessRecord) {
        guard let calls = report.calls, let trace = calls.trace, trace.isRecorded else { return }
        write(report, record, calls, trace)
    }

    /// Hands over what is collected, for the last time; safe to call twice.
    func close() {
        use(nil)
        timer?.cancel()
        timer = nil
    }

    @inline(never)
    private func write(
        _ report: RunReport,
        _ record: borrowing AccessRecord,
        _ calls: CallLog,
        _ trace: CallTrace
    ) {
        guard let exporter, let run = report.run else { return }
        let redactor = log.currentRedactor
        let request = TracedRequest(report: report, run: run, calls: calls, trace: trace, ended: .now) {
            redactor.redact($0, limit: LoopTracing.longestText)
        }
        var writer = SpanWriter(trace)
        writer.append(request, record)
        if batch.count > 0 { batch.bytes.append(UInt8(ascii: ",")) }
        batch.bytes.append(contentsOf: writer.bytes)
        batch.count += writer.count
        if batch.bytes.count > LoopTracing.batchSize {
            flush()
        } else if let timer, !timer.isArmed {
            timer.arm(after: exporter.settings.interval)
        }
    }

    private func flush() {
        guard batch.count > 0 else { return }
        exporter?.add(batch)
        batch = SpanQueue.Batch(bytes: [], count: 0)
    }
}
