public import EventLoop
public import Logging
import Synchronization
import WorkerPool

/// The process's log: every line, ordinary or of the access log, goes through it to standard error.
///
/// Any thread. Format and descriptor are decided once; ``apply(_:secrets:)`` changes the rest at a reload.
public final class GatewayLog: Sendable {
    let format: LogFormat
    let clock: LogClock
    private let sink: LogSink
    private let journal: DatagramSocket?
    private let threshold: Atomic<UInt8>
    private let access: Atomic<Bool>
    private let secrets: Locked<Set<Secret>>
    private let redactor: Locked<Redactor>

    /// Makes the log and lets every `Logger` of the process write to it. Call once, first thing.
    ///
    /// - Parameter secrets: texts that must not be seen in any line; those shorter than 6 bytes are not looked for.
    /// - Throws: ``LoopError`` when no thread can be had.
    public static func bootstrap(settings: LogSettings, secrets: [Secret] = []) throws(LoopError) -> GatewayLog {
        let log = try GatewayLog(settings: settings, secrets: secrets)
        LoggingSystem.bootstrap { log.makeHandler(label: $0) }
        return log
    }

    /// Makes a log that only loggers made from ``makeHandler(label:)`` write to.
    ///
    /// - Parameters:
    ///   - secrets: as for ``bootstrap(settings:secrets:)``.
    ///   - descriptor: where lines go, default standard error; stays the caller's, and open as long as the log lives.
    /// - Throws: ``LoopError`` when no thread can be had.
    public convenience init(
        settings: LogSettings,
        secrets: [Secret] = [],
        descriptor: Int32 = 2
    ) throws(LoopError) {
        try self.init(settings: settings, secrets: secrets, descriptor: descriptor, clock: .system)
    }

    init(
        settings: LogSettings,
        secrets: [Secret],
        descriptor: Int32,
        clock: LogClock,
        variable: (String) -> String? = LogFormat.environment,
        journal: String = JournalOutput.defaultPath,
        limit: Int = LogSink.defaultLimit
    ) throws(LoopError) {
        var format = LogFormat(settings.format, descriptor: descriptor, variable: variable)
        var output: any LogOutput = LogStream(descriptor: descriptor)
        var socket: DatagramSocket?
        if format == .journal {
            // Instances of the unit have names of their own.
            let identifier = variable("SYSLOG_IDENTIFIER") ?? "headgate"
            if let journal = JournalOutput(path: journal, identifier: identifier, descriptor: descriptor) {
                output = journal
                socket = journal.socket
            } else {
                format = .prefixed
            }
        }
        self.format = format
        self.clock = clock
        self.journal = socket
        sink = try LogSink(output: output, limit: limit) { [format] count in
            var line = LogLine(format: format, clock: clock)
            line.begin(.warning, "log lines dropped")
            line.field(.count, count)
            return line.end()
        }
        threshold = Atomic(Logger.Level(settings.level).rank)
        access = Atomic(settings.access)
        self.secrets = Locked(Set(secrets))
        redactor = Locked(Redactor(secrets))
    }

    /// Takes over the level, whether requests are logged, and further secrets; the format stays. Secrets that were known
    /// before stay hidden: requests that carry them may still be under way.
    public func apply(_ settings: LogSettings, secrets: [Secret] = []) {
        threshold.store(Logger.Level(settings.level).rank, ordering: .relaxed)
        access.store(settings.access, ordering: .relaxed)
        let all = self.secrets.withLock { known in
            known.formUnion(secrets)
            return known
        }
        redactor.withLock { $0 = Redactor(all) }
    }

    /// The least serious level that is written.
    public var level: Logger.Level { Logger.Level(rank: threshold.load(ordering: .relaxed)) }

    /// Whether requests are logged.
    public var logsAccess: Bool { access.load(ordering: .relaxed) }

    /// A handler for `Logger(label:factory:)`; ``bootstrap(settings:secrets:)`` makes this the default.
    public func makeHandler(label: String) -> GatewayLogHandler { GatewayLogHandler(log: self) }

    /// Lines lost so far, because the reader of standard error stalled or is gone.
    public var droppedLines: Int { sink.droppedLines }

    /// Waits until everything handed over is written, at most `seconds`. Blocks: for the end of the process, not for loops.
    ///
    /// - Returns: whether everything is written.
    @discardableResult
    public func flush(seconds: Int = 1) -> Bool {
        let isWritten = sink.flush(seconds: seconds)
        // The journal looks up the unit of a process when it reads what that one sent: too late when the process is gone.
        if isWritten { journal?.waitUntilTaken(seconds: seconds) }
        return isWritten
    }

    /// Hands over whole lines.
    func write(_ bytes: UnsafeRawBufferPointer, lines: Int) { sink.write(bytes, lines: lines) }

    /// `text` without secrets, and cut where it is very long.
    func redact(_ text: String) -> String { currentRedactor.redact(text) }

    /// The secrets of now, for lines with several texts.
    var currentRedactor: Redactor { redactor.withLock { $0 } }

    /// Ends the log's thread after what was handed over; for tests, which make many logs.
    func close(seconds: Int) -> Bool {
        sink.close()
        return sink.join(seconds: seconds)
    }
}
