import EventLoop
import JSON
import Logging

/// Builds lines of one format, one after another, in a buffer that is kept.
///
/// Every way to add text escapes it.
struct LogLine {
    private let format: LogFormat
    private let isJSON: Bool
    private var timestamp: LogTimestamp
    /// The lines so far.
    private(set) var bytes: [UInt8] = []

    init(format: LogFormat, clock: LogClock) {
        self.format = format
        isJSON = format == .json
        timestamp = LogTimestamp(isJSON ? .full : .clock, clock: clock)
    }

    /// Begins a line; ``finish()`` ends it.
    mutating func begin(_ level: Logger.Level, _ message: StaticString) {
        beginMessage(level)
        bytes.appendRaw(message)
        endMessage()
    }

    /// Begins a line with a message that is not ours.
    mutating func begin(_ level: Logger.Level, text message: String) {
        beginMessage(level)
        if isJSON {
            LogText.appendJSONContent(message, to: &bytes)
        } else {
            LogText.appendMessage(message, to: &bytes)
        }
        endMessage()
    }

    private mutating func beginMessage(_ level: Logger.Level) {
        switch format {
        case .json:
            bytes.appendRaw("{\"ts\":\"")
            timestamp.append(to: &bytes)
            bytes.appendRaw("\",\"level\":")
            bytes.appendRaw(level.jsonName)
            bytes.appendRaw(",\"msg\":\"")
        case .journal:
            bytes.appendRaw(level.journalPrefix)
        case .text(let isColored):
            timestamp.append(to: &bytes)
            bytes.append(UInt8(ascii: " "))
            if isColored { bytes.appendRaw(level.color) }
            bytes.appendRaw(level.textName)
            if isColored { bytes.appendRaw("\u{1B}[0m") }
            bytes.append(UInt8(ascii: " "))
        }
    }

    private mutating func endMessage() {
        if isJSON { bytes.append(UInt8(ascii: "\"")) }
    }

    /// Ends the line.
    mutating func finish() { bytes.appendRaw(isJSON ? "}\n" : "\n") }

    /// Ends the line and gives it away.
    consuming func end() -> [UInt8] {
        finish()
        return bytes
    }

    /// Forgets all lines, and gives back memory that a rare long one took.
    mutating func removeAll(keeping capacity: Int) {
        if bytes.capacity > capacity { bytes = [] } else { bytes.removeAll(keepingCapacity: true) }
    }

    // MARK: Fields

    @inline(__always)
    private mutating func key(_ key: StaticString) {
        if isJSON {
            bytes.appendRaw(",\"")
            bytes.appendRaw(key)
            bytes.appendRaw("\":")
        } else {
            bytes.append(UInt8(ascii: " "))
            bytes.appendRaw(key)
            bytes.append(UInt8(ascii: "="))
        }
    }

    /// Adds a number.
    mutating func field(_ name: StaticString, _ number: Int64) {
        key(name)
        bytes.appendJSON(Int(number))
    }

    /// Adds text.
    mutating func field(_ name: StaticString, _ text: String) {
        key(name)
        append(text)
    }

    /// Adds a word that needs no escaping.
    mutating func field(_ name: StaticString, word: StaticString) {
        key(name)
        if isJSON { bytes.append(UInt8(ascii: "\"")) }
        bytes.appendRaw(word)
        if isJSON { bytes.append(UInt8(ascii: "\"")) }
    }

    /// Adds bytes that need no escaping and that `body` appends.
    @inline(__always)
    mutating func field(_ name: StaticString, _ body: (inout [UInt8]) -> Void) {
        key(name)
        if isJSON { bytes.append(UInt8(ascii: "\"")) }
        body(&bytes)
        if isJSON { bytes.append(UInt8(ascii: "\"")) }
    }

    /// Adds a duration in milliseconds, with three decimals.
    mutating func field(_ name: StaticString, milliseconds duration: Duration) {
        key(name)
        let microseconds = LogLine.microseconds(duration)
        bytes.appendJSON(microseconds / 1000)
        let rest = microseconds % 1000
        bytes.append(UInt8(ascii: "."))
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / 100))
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / 10 % 10))
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
    }

    /// Whole microseconds; negative durations are none. Most fit into 64 bits of attoseconds, which spares a slow division.
    private static func microseconds(_ duration: Duration) -> Int {
        if let attoseconds = UInt64(exactly: duration.attoseconds) { return Int(attoseconds / 1_000_000_000_000) }
        return max(0, Int(duration.wholeMicroseconds))
    }

    /// Adds a value of swift-log's; `transform` sees every text in it.
    mutating func field(_ name: String, _ value: Logger.MetadataValue, _ transform: (String) -> String) {
        bytes.appendRaw(isJSON ? ",\"" : " ")
        LogText.appendKey(name, to: &bytes)
        if isJSON && LogLine.ownKeys.contains(name) { bytes.append(UInt8(ascii: "_")) }  // a key appears once
        bytes.appendRaw(isJSON ? "\":" : "=")
        if isJSON {
            appendJSON(value, transform)
        } else {
            LogText.appendValue(transform(value.description), to: &bytes)
        }
    }

    private static let ownKeys: Set<String> = ["ts", "level", "msg"]

    private mutating func append(_ text: String) {
        if isJSON { LogText.appendJSON(text, to: &bytes) } else { LogText.appendValue(text, to: &bytes) }
    }

    private mutating func appendJSON(_ value: Logger.MetadataValue, _ transform: (String) -> String) {
        switch value {
        case .string(let text): LogText.appendJSON(transform(text), to: &bytes)
        case .stringConvertible(let number as Int): bytes.appendJSON(number)
        case .stringConvertible(let number as Double): bytes.appendJSON(number)
        case .stringConvertible(let bool as Bool): bytes.appendJSON(bool)
        case .stringConvertible(let other): LogText.appendJSON(transform(other.description), to: &bytes)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (place, value) in values.enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                appendJSON(value, transform)
            }
            bytes.append(UInt8(ascii: "]"))
        case .dictionary(let members):
            bytes.append(UInt8(ascii: "{"))
            for (place, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                LogText.appendJSON(transform(member.key), to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                appendJSON(member.value, transform)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}
