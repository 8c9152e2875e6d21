/// Reads a JSON text that arrives in pieces, and shows what is known of its value after each.
///
/// The text may have white space and back-ticks around it, or be prose with the value behind the first triple-back-tick fence
/// (with or without the word `json`). What is open is shown closed: strings, arrays, objects. What cannot stand alone yet is not
/// shown: half a word (`tru`), half an escape, a key without value. Raw control characters may stand in strings. Text after the
/// value is passed over.
///
/// What ``current`` shows only ever grows: strings, numbers' texts and arrays get longer at their ends, objects get members, and
/// only the last of these changes. The one exception is a key that comes twice; the later value counts. Nesting is limited to
/// ``Value/maximumParsedDepth``. The work for a piece is that of its bytes and of the open containers. A copy of ``current`` that
/// is still held when the next piece comes costs a copy of the open containers and the open string.
public struct PartialJSONReader: Sendable {
    /// The text from its beginning.
    private var whole = PartialJSONMachine()
    /// The text behind the first fence.
    private var fenced: PartialJSONMachine?
    private var fence = FenceFinder()
    private var count = 0

    /// A reader that has read nothing.
    public init() {}

    /// What is known of the value; nil while there is nothing to show, which includes a text that is `null`.
    public var current: Value? {
        guard let value = whole.value ?? (whole.isRefused ? fenced?.value : nil), !value.isNull else { return nil }
        return value
    }

    /// Reads the next piece of the text.
    /// - Returns: whether ``current`` may be another now; false is certain.
    public mutating func push(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { push($0) }
    }

    private mutating func push(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let wasRefused = whole.isRefused
        var isChanged = whole.push(bytes[...])
        let isFencedChanged = pushFenced(bytes)
        count += bytes.count
        if whole.isRefused { isChanged = isFencedChanged || !wasRefused && fenced?.value != nil }
        return isChanged && current != nil
    }

    private mutating func pushFenced(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        if fenced != nil { return fenced?.push(bytes[...]) ?? false }
        guard let start = fence.push(bytes) else { return false }
        var machine = PartialJSONMachine(isFenced: true, offset: count + start)
        if fence.hasHalfATag { machine.refuse() }
        let isChanged = machine.push(bytes[start...])
        fenced = machine
        return isChanged
    }

    /// The value of the whole text. Push nothing afterwards.
    ///
    /// What is incomplete at the end is closed or dropped. Null also when a closing bracket has no opening one. An error when
    /// there is no value, when a value is wrong inside, or when it nests too deeply.
    public mutating func finish() throws(ValueParseError) -> Value {
        do throws(ValueParseError) { return try whole.finish() } catch {
            guard let machine = fenced else { throw error }
            return try machine.finish()
        }
    }

    /// The value of a text that is all there: what ``finish()`` gives after one ``push(_:)``.
    public static func parse(_ text: String) throws(ValueParseError) -> Value {
        var reader = PartialJSONReader()
        _ = reader.push(text)
        return try reader.finish()
    }
}

/// Finds the first three back-ticks in a text that arrives in pieces, and the word `json` behind them.
private struct FenceFinder: Sendable {
    private static let tag: [UInt8] = Array("json".utf8)
    private var backticks = 0
    private var tagged = 0

    /// Whether the fenced text begins with a part of the word, which is no value.
    var hasHalfATag: Bool { tagged > 0 && tagged < Self.tag.count }

    /// Where in the bytes the fenced text goes on behind the fence and the word, once it does.
    mutating func push(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        for (place, byte) in bytes.enumerated() {
            if backticks < 3 {
                backticks = byte == UInt8(ascii: "`") ? backticks + 1 : 0
            } else if tagged < Self.tag.count, byte == Self.tag[tagged] {
                tagged += 1
            } else {
                return place
            }
        }
        return nil
    }
}
