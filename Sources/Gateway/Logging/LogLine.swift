import EventLoop
import HTTP
import Logging
import Runnable

/// Builds lines of one format, one after another, in a buffer that is kept.
///
/// Every way to add text escapes it.
struct LogLine: ~Copyable {
    private let format: LogFormat
    private let isJSON: Bool
    private var timestamp: LogTimestamp
    private var line = LineBuffer()

    init(format: LogFormat, clock: LogClock) {
        self.format = format
        isJSON = format == .json
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
        case .journal:
            line.append(level.journalPrefix)
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
    mutating func finish() { line.append(isJSON ? "}\n" : "\n") }

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

    /// Adds a number.
    @inline(__always)
    mutating func field(_ name: LogFieldName, _ number: Int) {
        key(name)
        line.append(decimal: number)
    }

    /// Adds text.
    @inline(__always)
    mutating func field(_ name: LogFieldName, _ text: String) {
        key(name)
        if isJSON { LogText.appendJSON(text, to: &line) } else { LogText.appendValue(text, to: &line) }
    }

    /// Adds a word that needs no escaping.
    @inline(__always)
    mutating func field(_ name: LogFieldName, word: StaticString) {
        key(name)
        quote()
        line.append(word)
        quote()
    }

    /// Adds a UUID.
    @inline(__always)
    mutating func field(_ name: LogFieldName, _ id: RunID) {
        key(name)
        quote()
        id.write(to: line.extend(by: RunID.length))
        quote()
    }

    /// Adds a trace's id.
    mutating func field(_ name: LogFieldName, _ id: TraceID) {
        key(name)
        quote()
        for half in [id.high, id.low] {
            line.append(hex: half >> 32, digits: 8)
            line.append(hex: half & 0xFFFF_FFFF, digits: 8)
        }
        quote()
    }

    /// Adds an address.
    @inline(__always)
    mutating func field(_ name: LogFieldName, _ address: SocketAddress) {
        guard case .ipv4(let number, let port) = address else { return field(name, address.description) }
        key(name)
        quote()
        line.append(decimal: Int(number >> 24))
        line.append(UInt8(ascii: "."))
        line.append(decimal: Int(number >> 16 & 255))
        line.append(UInt8(ascii: "."))
        line.append(decimal: Int(number >> 8 & 255))
        line.append(UInt8(ascii: "."))
        line.append(decimal: Int(number & 255))
        line.append(UInt8(ascii: ":"))
        line.append(decimal: Int(port))
        quote()
    }

    /// Adds a duration in milliseconds, with three decimals.
    @inline(__always)
    mutating func field(_ name: LogFieldName, milliseconds duration: Duration) {
        key(name)
        let microseconds = max(0, Int(duration.wholeNanoseconds)) / 1000
        line.append(decimal: microseconds / 1000)
        line.append(UInt8(ascii: "."))
        line.append(decimal: microseconds % 1000, digits: 3)
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
            LogText.appendValue(transform(value.description), to: &line)
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

/// A field's name, ready to be written: with what stands before and behind it.
struct LogFieldName {
    let json: StaticString
    let plain: StaticString

    static var id: LogFieldName { LogFieldName(json: ",\"id\":", plain: " id=") }
    static var route: LogFieldName { LogFieldName(json: ",\"route\":", plain: " route=") }
    static var method: LogFieldName { LogFieldName(json: ",\"method\":", plain: " method=") }
    static var endpoint: LogFieldName { LogFieldName(json: ",\"endpoint\":", plain: " endpoint=") }
    static var status: LogFieldName { LogFieldName(json: ",\"status\":", plain: " status=") }
    static var outcome: LogFieldName { LogFieldName(json: ",\"outcome\":", plain: " outcome=") }
    static var bytes: LogFieldName { LogFieldName(json: ",\"bytes\":", plain: " bytes=") }
    static var tokensIn: LogFieldName { LogFieldName(json: ",\"tokens_in\":", plain: " tokens_in=") }
    static var tokensOut: LogFieldName { LogFieldName(json: ",\"tokens_out\":", plain: " tokens_out=") }
    static var firstToken: LogFieldName { LogFieldName(json: ",\"first_token_ms\":", plain: " first_token_ms=") }
    static var total: LogFieldName { LogFieldName(json: ",\"total_ms\":", plain: " total_ms=") }
    static var upstream: LogFieldName { LogFieldName(json: ",\"upstream\":", plain: " upstream=") }
    static var items: LogFieldName { LogFieldName(json: ",\"items\":", plain: " items=") }
    static var error: LogFieldName { LogFieldName(json: ",\"error\":", plain: " error=") }
    static var trace: LogFieldName { LogFieldName(json: ",\"trace\":", plain: " trace=") }
    static var client: LogFieldName { LogFieldName(json: ",\"client\":", plain: " client=") }
    static var detail: LogFieldName { LogFieldName(json: ",\"detail\":", plain: " detail=") }
    static var count: LogFieldName { LogFieldName(json: ",\"count\":", plain: " count=") }
}
