public import Logging
import Runnable

/// Writes swift-log's events as lines of a ``GatewayLog``.
///
/// Messages, keys and values are escaped, secrets in them replaced. Fields come in the order of their names. Threads may log at once;
/// each line stays whole.
public struct GatewayLogHandler: LogHandler {
    private let log: GatewayLog
    private var ownLevel: Logger.Level?

    /// Fields of every line of this logger.
    public var metadata: Logger.Metadata = [:]

    /// Adds fields by context.
    public var metadataProvider: Logger.MetadataProvider?

    init(log: GatewayLog) { self.log = log }

    /// The log's level, which a reload may change, until this logger is given one of its own.
    public var logLevel: Logger.Level {
        get { ownLevel ?? log.level }
        set { ownLevel = newValue }
    }

    /// One field of every line of this logger.
    public subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    public func log(event: LogEvent) {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
        if let own = event.metadata { fields.merge(own) { $1 } }
        if let error = event.error { fields["error"] = .string(GatewayLogHandler.describe(error)) }
        let redactor = log.currentRedactor
        var line = LogLine(format: log.format, clock: log.clock)
        line.begin(event.level, text: redactor.redact(event.message.description))
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            line.field(redactor.redact(key), value) { redactor.redact($0) }
        }
        line.finish()
        log.write(line.bytes, lines: 1)
    }

    /// For operators: a run's error with its detail.
    private static func describe(_ error: any Error) -> String {
        if let error = error as? RunError { return error.debugDescription }
        return "\(error)"
    }
}
