import EventLoop
import HTTP
import Logging
import Runnable

/// Builds lines of one format, one after another, in a buffer that is kept.
///
/// Every way to add text escapes it. An entry of the journal is lines too: `MESSAGE=` with what people read, `PRIORITY=`, a line for each
/// field, named `HEADGATE_` and its key in capitals, and an empty line; ``JournalOutput`` sends these.
struct LogLine: ~Copyable {
    private let format: LogFormat
    private let isJSON: Bool
    private let isJournal: Bool
    private var timestamp: LogTimestamp
    private var line = LineBuffer()
    /// The fields of the journal's entry, which stand behind its message.
    private var entry: LineBuffer

    init(format: LogFormat, clock: LogClock) {
        self.format = format
        isJSON = format == .json
        isJournal = format == .journal
        entry = LineBuffer(capacity: isJournal ? 512 : 0)
        timestamp = LogTimestamp(isJSON ? .full : .clock, clock: clock)
    }

    /// Begins a line; ``finish()`` ends it.
    mutating func begin(_ level: Logger.Level, _ message: StaticString) {
        beginMessage(level)
        line.append(message)
        endMessage()
    }

    /// Begins a line with a message that is not ours.
    mutating func begin(_ level: Logger.Level, text message: String) {
        beginMessage(level)
        if isJSON {
            LogText.appendJSONContent(message, to: &line)
        } else {
            LogText.appendMessage(message, to: &line)
        }
        endMessage()
    }

    private mutating func beginMessage(_ level: Logger.Level) {
        switch format {
        case .json:
            line.append("{\"ts\":\"")
            timestamp.append(to: &line)
            line.append("\",\"level\":")
            line.append(level.jsonName)
            line.append(",\"msg\":\"")
        case .prefixed:
            line.append(level.priorityPrefix)
        case .journal:
            line.append("MESSAGE=")
            entry.append(level.journalField)
        case .text(let isColored):
            timestamp.append(to: &line)
            line.append(UInt8(ascii: " "))
            if isColored { line.append(level.color) }
            line.append(level.textName)
            if isColored { line.append("\u{1B}[0m") }
            line.append(UInt8(ascii: " "))
        }
    }

    private mutating func endMessage() {
        if isJSON { line.append(UInt8(ascii: "\"")) }
    }

    /// Ends the line.
    mutating func finish() {
        line.append(isJSON ? "}\n" : "\n")
        guard isJournal else { return }
        line.append(entry.bytes)
        line.append(UInt8(ascii: "\n"))
        entry.removeAll(keeping: LogLine.keptEntry)
    }

    private static let keptEntry = 16 << 10

    /// Ends the line and gives it away.
    consuming func end() -> [UInt8] {
        finish()
        return Array(line.bytes)
    }

    /// Lends the lines so far.
    var bytes: UnsafeRawBufferPointer { line.bytes }

    /// Forgets all lines, and gives back memory that a rare long one took.
    mutating func removeAll(keeping capacity: Int) { line.removeAll(keeping: capacity) }

    // MARK: Fields

    @inline(__always)
    private mutating func key(_ name: LogFieldName) {
        // Two calls, each with a text whose length the compiler knows.
        if isJSON { line.append(name.json) } else { line.append(name.plain) }
    }

    @inline(__always)
    private mutating func quote() {
        if isJSON { line.append(UInt8(ascii: "\"")) }
    }

    /// Adds the value that `write` appends, which must need no escaping.
    @inline(__always)
    private mutating func field(_ name: LogFieldName, isText: Bool = true, _ write: (inout LineBuffer) -> Void) {
        key(name)
        if isText { quote() }
        let start = line.count
        write(&line)
        if isJournal { copyToEntry(name, from: start) }
        if isText { quote() }
    }

    /// Makes a field of the journal's of what stands behind `start`.
    @inline(never)
    private mutating func copyToEntry(_ name: LogFieldName, from start: Int) {
        entry.append(name.journal)
        entry.append(UnsafeRawBufferPointer(rebasing: line.bytes[start...]))
        entry.append(UInt8(ascii: "\n"))
    }

    /// Adds a number.
    @inline(__always)
    mutating func field(_ name: LogFieldName, _ number: Int) {
        field(name, isText: false) { $0.append(decimal: number) }
    }

    /// Adds text.
    @inline(__always)
    mutating func field(_ name: LogFieldName, _ text: String) {
        key(name)
        if isJSON { return LogText.appendJSON(text, to: &line) }
        LogText.appendValue(text, to: &line)
        guard isJournal else { return }
        entry.append(name.journal)
        appendToEntry(text)
    }

    /// The journal's values need no quotes, but must not end their line.
    @inline(never)
    private mutating func appendToEntry(_ value: String) {
        LogText.appendMessage(value, to: &entry)
        entry.append(UInt8(ascii: "\n"))
    }

    /// Adds a word that needs no escaping.
    @inline(__always)
    mutating func field(_ name: LogFieldName, word: StaticString) { field(name) { $0.append(word) } }

    /// Adds a UUID.
    @inline(__always)
    mutating func field(_ name: LogFieldName, _ id: RunID) {
        field(name) { id.write(to: $0.extend(by: RunID.length)) }
    }

    /// Adds a trace's id.
    mutating func field(_ name: LogFieldName, _ id: TraceID) {
        field(name) { line in
            for half in [id.high, id.low] {
                line.append(hex: half >> 32, digits: 8)
                line.append(hex: half & 0xFFFF_FFFF, digits: 8)
            }
        }
    }

    /// Adds an address.
    @inline(__always)
    mutating func field(_ name: LogFieldName, _ address: SocketAddress) {
        guard case .ipv4(let number, let port) = address else { return field(name, address.description) }
        field(name) { line in
            line.append(decimal: Int(number >> 24))
            line.append(UInt8(ascii: "."))
            line.append(decimal: Int(number >> 16 & 255))
            line.append(UInt8(ascii: "."))
            line.append(decimal: Int(number >> 8 & 255))
            line.append(UInt8(ascii: "."))
            line.append(decimal: Int(number & 255))
            line.append(UInt8(ascii: ":"))
            line.append(decimal: Int(port))
        }
    }

    /// Adds a duration in milliseconds, with three decimals.
    @inline(__always)
    mutating func field(_ name: LogFieldName, milliseconds duration: Duration) {
        let microseconds = max(0, Int(duration.wholeNanoseconds)) / 1000
        field(name, isText: false) { line in
            line.append(decimal: microseconds / 1000)
            line.append(UInt8(ascii: "."))
            line.append(decimal: microseconds % 1000, digits: 3)
        }
    }

    /// Adds a value of swift-log's; `transform` sees every text in it.
    mutating func field(_ name: String, _ value: Logger.MetadataValue, _ transform: (String) -> String) {
        line.append(isJSON ? ",\"" : " ")
        LogText.appendKey(name, to: &line)
        if isJSON && LogLine.ownKeys.contains(name) { line.append(UInt8(ascii: "_")) }  // a key appears once
        line.append(isJSON ? "\":" : "=")
        if isJSON {
            appendJSON(value, transform)
        } else {
            let text = transform(value.description)
            LogText.appendValue(text, to: &line)
            guard isJournal else { return }
            entry.append("HEADGATE_")
            LogText.appendJournalKey(name, to: &entry)
            entry.append(UInt8(ascii: "="))
            appendToEntry(text)
        }
    }

    private static let ownKeys: Set<String> = ["ts", "level", "msg"]

    private mutating func appendJSON(_ value: Logger.MetadataValue, _ transform: (String) -> String) {
        switch value {
        case .string(let text): LogText.appendJSON(transform(text), to: &line)
        case .stringConvertible(let number as Int): line.append(decimal: number)
        case .stringConvertible(let number as Double):
            line.append(raw: number.isFinite ? number.description : "null")
        case .stringConvertible(let bool as Bool): line.append(bool ? "true" : "false")
        case .stringConvertible(let other): LogText.appendJSON(transform(other.description), to: &line)
        case .array(let values):
            line.append(UInt8(ascii: "["))
            for (place, value) in values.enumerated() {
                if place > 0 { line.append(UInt8(ascii: ",")) }
                appendJSON(value, transform)
            }
            line.append(UInt8(ascii: "]"))
        case .dictionary(let members):
            line.append(UInt8(ascii: "{"))
            for (place, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if place > 0 { line.append(UInt8(ascii: ",")) }
                LogText.appendJSON(transform(member.key), to: &line)
                line.append(UInt8(ascii: ":"))
                appendJSON(member.value, transform)
            }
            line.append(UInt8(ascii: "}"))
        }
    }
}
