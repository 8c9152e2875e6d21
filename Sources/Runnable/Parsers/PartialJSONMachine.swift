/// Reads one JSON value from bytes in pieces, keeping the value as it would be were all that is open closed.
///
/// While it reads, the open containers stand in `frames`, taken out of `value`, so that adding to them copies nothing. Between
/// pieces they are put together in `value`.
struct PartialJSONMachine: Sendable {
    /// What is expected next, or being read.
    enum State {
        /// White space and back-ticks before the value.
        case lead
        case value
        case firstElement
        case firstKey
        case nextKey
        case colon
        case afterValue
        /// In a string, which is a key or a value.
        case string(isKey: Bool)
        case number(NumberPhase)
        /// In a word, of which so many bytes are read.
        case word(Word, Int)
        /// Behind the value, or behind a mistake: only brackets count.
        case passing
        /// Nothing counts any more.
        case stopped(End)
    }

    /// Why the rest of the text does not count.
    enum End {
        /// A closing bracket has no opening one.
        case mismatched
        case tooDeep
        /// The value has ended, and its fence too.
        case fenceClosed
    }

    /// A container that is open.
    struct Frame {
        /// The bracket that closes it.
        let closer: UInt8
        var elements: [Value] = []
        var members = Value.Object()
        /// The key read last.
        var key = ""

        var isArray: Bool { closer == UInt8(ascii: "]") }
    }

    /// The value so far; nil while there is none, and while a piece is being read.
    private(set) var value: Value?
    /// Whether the text begins with something that is no value.
    private(set) var isRefused = false

    var state = State.lead
    private var frames: [Frame] = []
    /// The visible text of the open string or number, or the text of the open key.
    var text = ""
    /// What may have to be added to `text`: trailing white space and back-ticks of a string, or the end of a number that needs
    /// another digit.
    var withheld = ""
    var escape = StringEscape()
    /// Whether a value or a part of one was added while reading a piece.
    var isChanged = false

    private let isFenced: Bool
    /// Where in the whole text the piece being read begins.
    private(set) var offset: Int
    private var mistake: ValueParseError?
    private var isWrongInString = false
    private var brackets = BracketScanner()
    private var bracketsToClose: [UInt8] = []
    private var closingBackticks = 0
    /// Whether the string or number being read is in `value`.
    private var isLeafShown = false

    /// A machine that has read nothing.
    /// - Parameters:
    ///   - isFenced: whether three back-ticks behind the value end the text.
    ///   - offset: where in the whole text its text begins; for errors.
    init(isFenced: Bool = false, offset: Int = 0) {
        self.isFenced = isFenced
        self.offset = offset
    }

    /// Makes the text one that is no value.
    mutating func refuse() { fail("expected a value") }

    /// Reads the next piece, which may end anywhere but inside a Unicode scalar.
    /// - Returns: whether ``value`` may be another now.
    mutating func push(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        if bytes.isEmpty || isRefused { return false }
        isChanged = false
        switch state {
        case .stopped: break
        case .passing: pass(bytes)
        default:
            detach()
            read(bytes)
            attach()
        }
        offset += bytes.count
        return isChanged
    }

    /// The value of the text that has ended. See ``PartialJSONReader/finish()``.
    func finish() throws(ValueParseError) -> Value {
        let failure = mistake ?? ValueParseError(offset: offset, reason: "expected a value")
        switch state {
        case .stopped(.mismatched): return .null
        case .stopped(.tooDeep): throw failure
        case .passing where isWrongInString || brackets.closers != bracketsToClose: throw failure
        default: break
        }
        guard let value, !isRefused else { throw failure }
        return value
    }
}

extension PartialJSONMachine {
    private mutating func read(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) {
        var place = bytes.startIndex
        while place < bytes.endIndex {
            if isRefused { return }
            switch state {
            case .string: readString(bytes, at: &place)
            case .passing: return pass(bytes[place...])
            case .stopped: return
            default:
                read(bytes[place], at: offset + place - bytes.startIndex)
                place += 1
            }
        }
    }

    private mutating func read(_ byte: UInt8, at offset: Int) {
        switch state {
        case .number(let phase): readNumber(byte, phase, at: offset)
        case .word(let word, let count): readWord(byte, word, count, at: offset)
        case .lead where byte == UInt8(ascii: "`") || byte == 0x0B || byte == 0x0C: break
        default:
            if byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { break }
            readToken(byte, at: offset)
        }
    }

    private mutating func readToken(_ byte: UInt8, at offset: Int) {
        switch (state, byte) {
        case (.firstElement, UInt8(ascii: "]")), (.firstKey, UInt8(ascii: "}")): close()
        case (.lead, _), (.value, _), (.firstElement, _): beginValue(byte, at: offset)
        case (.firstKey, UInt8(ascii: "\"")), (.nextKey, UInt8(ascii: "\"")): state = .string(isKey: true)
        case (.colon, UInt8(ascii: ":")): state = .value
        case (.afterValue, UInt8(ascii: ",")): state = frames.last?.isArray == true ? .value : .nextKey
        case (.afterValue, _) where byte == frames.last?.closer: close()
        default: fail("unexpected text in the value", byte, at: offset)
        }
    }

    private mutating func beginValue(_ byte: UInt8, at offset: Int) {
        switch byte {
        case UInt8(ascii: "{"): open(Frame(closer: UInt8(ascii: "}")), .firstKey, at: offset)
        case UInt8(ascii: "["): open(Frame(closer: UInt8(ascii: "]")), .firstElement, at: offset)
        case UInt8(ascii: "\""):
            state = .string(isKey: false)
            isChanged = true
        default:
            if let phase = NumberPhase.first(byte) {
                state = .number(phase)
                extendNumber(byte, phase)
            } else if let word = Word(first: byte) {
                state = .word(word, 1)
            } else {
                fail("expected a value", byte, at: offset)
            }
        }
    }

    private mutating func open(_ frame: Frame, _ next: State, at offset: Int) {
        guard frames.count < Value.maximumParsedDepth else {
            mistake = ValueParseError(offset: offset, reason: "nested too deeply")
            state = .stopped(.tooDeep)
            return
        }
        frames.append(frame)
        state = next
        isChanged = true
    }

    private mutating func close() {
        guard let frame = frames.popLast() else { return }
        complete(frame.isArray ? .array(frame.elements) : .object(frame.members))
    }

    /// Adds a value that has ended to its container, or makes it the whole.
    private mutating func complete(_ value: Value) {
        if frames.isEmpty {
            self.value = value
            state = .passing
        } else {
            frames[frames.count - 1].add(value)
            state = .afterValue
        }
    }

    /// Ends the open string.
    mutating func completeString(isKey: Bool) {
        if isKey {
            frames[frames.count - 1].key = text
            state = .colon
        } else {
            complete(.string(text))
        }
        text = ""
    }

    private mutating func readNumber(_ byte: UInt8, _ phase: NumberPhase, at offset: Int) {
        if let next = phase.next(byte) {
            state = .number(next)
            return extendNumber(byte, next)
        }
        let isWhole = withheld.isEmpty
        withheld = ""
        if !text.isEmpty { complete(.number(text)) }
        text = ""
        if case .passing = state {
            pass(byte)
        } else if isWhole {
            read(byte, at: offset)
        } else {
            fail("a number is not complete", byte, at: offset)
        }
    }

    private mutating func extendNumber(_ byte: UInt8, _ phase: NumberPhase) {
        withheld.unicodeScalars.append(Unicode.Scalar(byte))
        guard phase.isNumber else { return }
        text += withheld
        withheld = ""
        isChanged = true
    }

    private mutating func readWord(_ byte: UInt8, _ word: Word, _ count: Int, at offset: Int) {
        guard byte == word.bytes[count] else { return fail("expected a value", byte, at: offset) }
        state = .word(word, count + 1)
        guard count + 1 == word.bytes.count else { return }
        isChanged = true
        complete(word.value)
    }

    /// Notes a mistake. What is read of the value stays, and is its value if as many brackets are open in the end.
    /// - Parameters:
    ///   - byte: the first byte that does not fit; nil when there is none.
    ///   - escaped: when the mistake is in a string, whether a backslash stands before the byte.
    mutating func fail(_ reason: String, _ byte: UInt8? = nil, at place: Int? = nil, inString escaped: Bool? = nil) {
        if case .string(isKey: false) = state { complete(.string(text)) }
        text = ""
        withheld = ""
        mistake = ValueParseError(offset: place ?? offset, reason: reason)
        isRefused = frames.isEmpty && value == nil
        bracketsToClose = frames.map(\.closer)
        brackets = BracketScanner(closers: bracketsToClose, isInString: escaped != nil, isEscaped: escaped ?? false)
        isWrongInString = escaped != nil
        state = .passing
        if let byte { pass(byte) }
    }

    private mutating func pass(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) {
        for byte in bytes {
            guard case .passing = state else { return }
            pass(byte)
        }
    }

    private mutating func pass(_ byte: UInt8) {
        if isFenced, mistake == nil, !brackets.isInString {
            closingBackticks = byte == UInt8(ascii: "`") ? closingBackticks + 1 : 0
            if closingBackticks == 3 { state = .stopped(.fenceClosed) }
        }
        brackets.pass(byte)
        if brackets.isMismatched { state = .stopped(.mismatched) }
    }
}

/// Taking the open containers out of the value, and putting them back.
extension PartialJSONMachine {
    private mutating func attach() {
        var child: Value?
        switch state {
        case .string(isKey: false): child = .string(text)
        case .number where !text.isEmpty: child = .number(text)
        default: break
        }
        isLeafShown = child != nil
        if isLeafShown { text = "" }
        for place in frames.indices.reversed() {
            if let child { frames[place].add(child) }
            child = frames[place].takeContainer()
        }
        if let child { value = child }
    }

    private mutating func detach() {
        guard isLeafShown || !frames.isEmpty else { return }
        var child = value
        value = nil
        for place in frames.indices {
            frames[place].restore(&child)
            if isLeafShown || place + 1 < frames.count { child = frames[place].takeLast() }
        }
        guard isLeafShown else { return }
        switch child {
        case .string(let shown), .number(let shown): text = shown
        default: break
        }
    }
}

extension PartialJSONMachine.Frame {
    fileprivate mutating func add(_ value: Value) {
        if isArray { elements.append(value) } else { members[key] = value }
    }

    fileprivate mutating func takeContainer() -> Value {
        defer {
            elements = []
            members = Value.Object()
        }
        return isArray ? .array(elements) : .object(members)
    }

    /// Takes the container back. It must not be referred to from elsewhere, so `container` becomes nil before it is changed.
    fileprivate mutating func restore(_ container: inout Value?) {
        switch container {
        case .array(let elements): self.elements = elements
        case .object(let members): self.members = members
        default: break
        }
        container = nil
    }

    /// Takes out the value added last. A member keeps its place.
    fileprivate mutating func takeLast() -> Value? {
        if isArray { return elements.popLast() }
        let value = members[key]
        members[key] = .null
        return value
    }
}
