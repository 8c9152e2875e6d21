public import EventLoop
import HTTP
import Logging
import Runnable

/// Writes one line for each request of one loop.
///
/// Lines are collected and handed over when there are more than 16 KiB of them, or 100 ms after the first: a line costs a
/// fraction of a microsecond and no system call. Lives and dies on the loop; ``close()`` before the last reference goes.
///
/// Requests are logged at `info`; those that ended in `upstream_error`, `timeout` or `truncated` at `warning`, in
/// `internal_error` at `error`. The configured level counts here too.
public final class AccessLog {
    /// Lines are handed over when they come to more bytes than this.
    public static let batchSize = 16 << 10
    /// How long the first line of a batch waits at most.
    public static let longestDelay = Duration.milliseconds(100)

    private let log: GatewayLog
    private var line: LogLine
    private var count = 0
    private var timer: LoopTimer?

    /// An access log without lines. On the loop, or before the loop runs.
    public init(log: GatewayLog, loop: EventLoop) {
        self.log = log
        line = LogLine(format: log.format, clock: log.clock)
        timer = LoopTimer(on: loop) { [unowned self] in flush() }
    }

    /// Writes a line about `request`, unless the settings say not to. On the loop.
    public func record(_ request: borrowing AccessRecord) {
        guard log.logsAccess else { return }
        let level = request.outcome.level
        guard level >= log.level else { return }
        var detail: String?
        if let text = request.detail, !text.isEmpty { detail = log.redact(text) }
        line.append(request, level, detail: detail)
        count += 1
        if line.bytes.count > AccessLog.batchSize {
            flush()
        } else if let timer, !timer.isArmed {
            timer.arm(after: AccessLog.longestDelay)
        }
    }

    /// Hands over what was collected; it is then in the log's queue, not yet written (``GatewayLog/flush(seconds:)``). On the loop.
    public func flush() {
        guard count > 0 else { return }
        log.write(line.bytes, lines: count)
        count = 0
        line.removeAll(keeping: 4 * AccessLog.batchSize)
    }

    /// Hands over what was collected, for the last time; safe to call twice. Lines recorded later are not written. On the loop.
    public func close() {
        flush()
        timer?.cancel()
        timer = nil
    }
}

extension LogLine {
    /// Adds a whole line: one call, because each use of a class's property costs a check.
    mutating func append(_ request: borrowing AccessRecord, _ level: Logger.Level, detail: String?) {
        begin(level, "request")
        switch request.requestID {
        case .run(let id): field(.id, id)
        case .text(let text): field(.id, text)
        }
        field(.route, request.route)
        switch request.method {
        case .post: field(.method, word: "POST")
        case .get: field(.method, word: "GET")
        default: field(.method, request.method.description)
        }
        field(.endpoint, word: request.endpoint)
        field(.status, request.status)
        field(.outcome, word: request.outcome.word)
        field(.bytes, request.bytes)
        if let tokens = request.inputTokens { field(.tokensIn, tokens) }
        if let tokens = request.outputTokens { field(.tokensOut, tokens) }
        if let duration = request.firstToken { field(.firstToken, milliseconds: duration) }
        field(.total, milliseconds: request.total)
        if let upstream = request.upstream { field(.upstream, upstream) }
        if let items = request.items { field(.items, items) }
        if let error = request.error { field(.error, error.rawValue) }
        if let trace = request.trace { field(.trace, trace) }
        field(.client, request.client)
        if let detail { field(.detail, detail) }
        finish()
    }
}

extension AccessRecord.Outcome {
    /// How serious the outcome is for the operator.
    var level: Logger.Level {
        switch self {
        case .ok, .clientGone, .clientError, .rejected, .shuttingDown, .killed: .info
        case .upstreamError, .timeout, .truncated: .warning
        case .internalError: .error
        }
    }
}
