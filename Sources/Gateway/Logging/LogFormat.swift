import Glibc
import Logging

/// The shape of a line, decided once when the process starts.
enum LogFormat: Sendable, Equatable {
    /// For people: time, level, message, `key=value`.
    case text(isColored: Bool)
    /// One object a line.
    case json
    /// As `text`, with `<priority>` instead of time and level: for what passes lines on to a journal, which has both.
    case prefixed
    /// An entry of systemd's journal: the message as `text`, without time and level, and each field on its own besides.
    case journal

    /// What `setting` means for lines written to `descriptor`.
    ///
    /// `auto` is `journal` when systemd says that the descriptor is the journal's, `text` on a terminal, else `json`; `journal` elsewhere
    /// than at the journal is ``prefixed``. Colour is for terminals whose user has not set `NO_COLOR`.
    init(_ setting: LogSettings.Format, descriptor: Int32, variable: (String) -> String?) {
        let isJournal = variable("JOURNAL_STREAM").map { LogFormat.isStream($0, descriptor) } ?? false
        switch setting {
        case .json: self = .json
        case .journal: self = isJournal ? .journal : .prefixed
        case .text: self = .text(isColored: LogFormat.wantsColor(descriptor, variable))
        case .auto:
            if isJournal {
                self = .journal
            } else if isatty(descriptor) == 1 {
                self = .text(isColored: LogFormat.wantsColor(descriptor, variable))
            } else {
                self = .json
            }
        }
    }

    /// The process's environment.
    static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private static func wantsColor(_ descriptor: Int32, _ variable: (String) -> String?) -> Bool {
        isatty(descriptor) == 1 && (variable("NO_COLOR") ?? "").isEmpty && variable("TERM") != "dumb"
    }

    /// Whether `stream`, `device:inode` in decimal, is what the descriptor leads to (systemd.exec(5), `$JOURNAL_STREAM`).
    private static func isStream(_ stream: String, _ descriptor: Int32) -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }
}

extension Logger.Level {
    /// The level's syslog priority between angle brackets (sd-daemon(3)).
    var priorityPrefix: StaticString {
        switch self {
        case .trace, .debug: "<7>"
        case .info: "<6>"
        case .notice: "<5>"
        case .warning: "<4>"
        case .error: "<3>"
        case .critical: "<2>"
        }
    }

    /// The level's syslog priority as a journal's field (systemd.journal-fields(7)).
    var journalField: StaticString {
        switch self {
        case .trace, .debug: "PRIORITY=7\n"
        case .info: "PRIORITY=6\n"
        case .notice: "PRIORITY=5\n"
        case .warning: "PRIORITY=4\n"
        case .error: "PRIORITY=3\n"
        case .critical: "PRIORITY=2\n"
        }
    }

    /// The level as a JSON string.
    var jsonName: StaticString {
        switch self {
        case .trace: "\"trace\""
        case .debug: "\"debug\""
        case .info: "\"info\""
        case .notice: "\"notice\""
        case .warning: "\"warning\""
        case .error: "\"error\""
        case .critical: "\"critical\""
        }
    }

    /// The level for people, all of one width.
    var textName: StaticString {
        switch self {
        case .trace: "TRACE   "
        case .debug: "DEBUG   "
        case .info: "INFO    "
        case .notice: "NOTICE  "
        case .warning: "WARNING "
        case .error: "ERROR   "
        case .critical: "CRITICAL"
        }
    }

    /// The terminal's colour for the level's name.
    var color: StaticString {
        switch self {
        case .trace, .debug: "\u{1B}[2m"
        case .info: "\u{1B}[32m"
        case .notice: "\u{1B}[36m"
        case .warning: "\u{1B}[33m"
        case .error, .critical: "\u{1B}[31m"
        }
    }

    /// The setting's level.
    init(_ setting: LogSettings.Level) {
        switch setting {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info: self = .info
        case .notice: self = .notice
        case .warning: self = .warning
        case .error: self = .error
        case .critical: self = .critical
        }
    }

    /// Seriousness as a number: 0 for trace, 6 for critical.
    var rank: UInt8 {
        switch self {
        case .trace: 0
        case .debug: 1
        case .info: 2
        case .notice: 3
        case .warning: 4
        case .error: 5
        case .critical: 6
        }
    }

    /// The level of that ``rank``; more than 6 is critical.
    init(rank: UInt8) {
        switch rank {
        case 0: self = .trace
        case 1: self = .debug
        case 2: self = .info
        case 3: self = .notice
        case 4: self = .warning
        case 5: self = .error
        default: self = .critical
        }
    }
}
