/// The first line of a head.
protocol StartLine: Sendable {
    /// What to say about a first line that is no such line at all, and about one beyond the bound.
    static var malformed: HTTPParseError.Reason { get }
    static var tooLong: HTTPParseError.Reason { get }
    /// Parses the line, given without its line end; it begins `offset` bytes into the head.
    ///
    /// What it keeps are offsets: trivial to copy, and strings are made only for heads that are complete.
    init(parsing line: UnsafeRawBufferPointer, at offset: Int) throws(HTTPParseError)
}

/// A part of a head, by its offset from the head's first byte.
struct Part: Sendable {
    var start: UInt32
    var count: UInt32

    static let empty = Part(start: 0, count: 0)

    private init(start: UInt32, count: UInt32) {
        self.start = start
        self.count = count
    }

    /// The part of a line that begins `offset` bytes into the head. The limits keep offsets far below 2^32.
    init(_ range: Range<Int>, after offset: Int) {
        start = UInt32(truncatingIfNeeded: offset + range.lowerBound)
        count = UInt32(truncatingIfNeeded: range.count)
    }

    func bytes(of head: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: head[Int(start)..<(Int(start) + Int(count))])
    }

    func text(of head: UnsafeRawBufferPointer) -> String { String(decoding: bytes(of: head), as: UTF8.self) }
}

/// Bounds on one head or trailer section.
struct HeadBounds {
    /// Most bytes of the first line, without its line end.
    var startLine: Int
    /// Most bytes of all field lines together.
    var block: Int
    var fields: Int
    /// What to say about a block beyond the bound.
    var tooLarge: HTTPParseError.Reason
    /// How many empty lines may come first.
    var emptyLines: Int

    /// More than a head within the bounds can have: with this many bytes it is complete or refused.
    var total: Int { 2 * emptyLines + startLine + block + 16 }
}

/// A head whose lines are well formed; what the fields mean is still to be judged.
struct ParsedHead<Start: StartLine> {
    var start: Start
    /// The whole head; the entries point into it.
    var bytes: [UInt8]
    var entries: [HTTPFields.Entry]
    var known: KnownField.Set

    var fields: HTTPFields { HTTPFields(bytes: bytes, entries: entries, known: known) }
}

/// Collects one head. One that lies whole in the input is parsed there and copied once; otherwise its bytes gather here
/// and parsing goes on where it stopped, so that no byte is searched twice however small the pieces are.
struct HeadReader<Start: StartLine>: Sendable {
    private var pending: [UInt8] = []
    private var cursor = HeadCursor<Start>()

    init() {}

    /// A section that begins with its fields.
    init(after start: Start) { cursor.start = start }

    /// Whether bytes of a head have come, empty lines before it aside.
    var hasPartialHead: Bool { pending.count > cursor.headStart }

    /// Consumes a prefix of `input`; nil when it took all and the head is not complete.
    mutating func next(
        _ input: inout UnsafeRawBufferPointer,
        _ bounds: HeadBounds
    ) throws(HTTPParseError) -> ParsedHead<Start>? {
        guard !input.isEmpty else { return nil }
        guard pending.isEmpty else { return try nextInPieces(&input, bounds) }
        guard try cursor.parse(input, bounds) else {
            pending.append(contentsOf: input.takeFirst(input.count))
            return nil
        }
        return finish([UInt8](input.takeFirst(cursor.lineStart)))
    }

    private mutating func nextInPieces(
        _ input: inout UnsafeRawBufferPointer,
        _ bounds: HeadBounds
    ) throws(HTTPParseError) -> ParsedHead<Start>? {
        // Taken out for the moment, so that the cursor may change while the bytes are lent.
        var bytes = pending
        pending = []
        let before = bytes.count
        let piece = UnsafeRawBufferPointer(rebasing: input.prefix(bounds.total - before))
        bytes.append(contentsOf: piece)
        let isComplete = try bytes.lend { (bytes) throws(HTTPParseError) in try cursor.parse(bytes, bounds) }
        guard isComplete else {
            pending = bytes
            _ = input.takeFirst(piece.count)
            return nil
        }
        _ = input.takeFirst(cursor.lineStart - before)
        bytes.removeLast(bytes.count - cursor.lineStart)
        return finish(bytes)
    }

    /// Hands the head over and starts anew.
    private mutating func finish(_ bytes: [UInt8]) -> ParsedHead<Start>? {
        var done = HeadCursor<Start>()
        swap(&done, &cursor)
        guard let start = done.start else { return nil }
        return ParsedHead(start: start, bytes: bytes, entries: done.entries, known: done.known)
    }
}

/// Where parsing of a head stands. All offsets count from the head's first byte, wherever its bytes are kept meanwhile.
struct HeadCursor<Start: StartLine>: Sendable {
    /// The first line, once it was parsed.
    var start: Start?
    private(set) var entries: [HTTPFields.Entry] = []
    private(set) var known: KnownField.Set = []
    /// The first byte after empty lines.
    private(set) var headStart = 0
    /// Start of the line that is being looked for; after the last one, the end of the head.
    private(set) var lineStart = 0
    /// No line feed lies between `lineStart` and here.
    private var scanned = 0
    private var blockStart = 0
    private var emptyLines = 0

    /// Goes on with a head of which `buffer` holds the beginning; true when it is complete.
    mutating func parse(_ buffer: UnsafeRawBufferPointer, _ bounds: HeadBounds) throws(HTTPParseError) -> Bool {
        while start == nil {
            guard try parseStartLine(buffer, bounds) else { return false }
        }
        return try parseFields(buffer, bounds)
    }

    /// True when it got one line further.
    private mutating func parseStartLine(
        _ buffer: UnsafeRawBufferPointer,
        _ bounds: HeadBounds
    ) throws(HTTPParseError) -> Bool {
        guard lineStart < buffer.count else { return false }
        // Says at once that another protocol is spoken, TLS for one, instead of waiting for a line feed.
        let first = buffer[lineStart]
        guard Bytes.tokenTable[Int(first)] != Bytes.space || first == Bytes.cr else {
            throw HTTPParseError(Start.malformed)
        }
        guard let lineFeed = buffer.offset(of: Bytes.lf, from: scanned) else {
            scanned = buffer.count
            guard buffer.count - lineStart < bounds.startLine + 2 else { throw HTTPParseError(Start.tooLong) }
            return false
        }
        guard lineFeed - lineStart < bounds.startLine + 2 else { throw HTTPParseError(Start.tooLong) }
        guard lineFeed > lineStart, buffer[lineFeed - 1] == Bytes.cr else { throw HTTPParseError(.bareLineFeed) }
        if lineFeed - 1 == lineStart {
            emptyLines += 1
            guard emptyLines <= bounds.emptyLines else { throw HTTPParseError(Start.malformed) }
            headStart = lineFeed + 1
        } else {
            let line = UnsafeRawBufferPointer(rebasing: buffer[lineStart..<(lineFeed - 1)])
            start = try Start(parsing: line, at: lineStart)
        }
        lineStart = lineFeed + 1
        scanned = lineStart
        blockStart = lineStart
        return true
    }

    private mutating func parseFields(
        _ buffer: UnsafeRawBufferPointer,
        _ bounds: HeadBounds
    ) throws(HTTPParseError) -> Bool {
        guard let base = buffer.baseAddress else { return false }
        while let lineFeed = buffer.offset(of: Bytes.lf, from: scanned) {
            let isCRLF = lineFeed > lineStart && buffer[lineFeed - 1] == Bytes.cr
            if isCRLF, lineFeed - 1 == lineStart {
                lineStart = lineFeed + 1
                return true
            }
            guard lineFeed + 1 - blockStart <= bounds.block else { throw HTTPParseError(bounds.tooLarge) }
            guard isCRLF else { throw HTTPParseError(.bareLineFeed) }
            guard entries.count < bounds.fields else { throw HTTPParseError(.tooManyFields) }
            if entries.isEmpty { entries.reserveCapacity(12) }  // most heads: one allocation
            let entry = try HeadCursor.field(base, lineStart, lineFeed - 1)
            entries.append(entry)
            known.formUnion(entry.known.set)
            lineStart = lineFeed + 1
            scanned = lineStart
        }
        scanned = buffer.count
        // One byte more than the bound may be the CR of the empty line.
        guard buffer.count - blockStart <= bounds.block + 1 else { throw HTTPParseError(bounds.tooLarge) }
        return false
    }

    /// Parses the line of `base` from `start` to its CR at `end`.
    private static func field(
        _ base: UnsafeRawPointer,
        _ start: Int,
        _ end: Int
    ) throws(HTTPParseError) -> HTTPFields.Entry {
        let bytes = base.assumingMemoryBound(to: UInt8.self)
        let table = Bytes.tokenTable
        var colon = start
        while table[Int(bytes[colon])] != Bytes.space { colon &+= 1 }  // ends at the CR at the latest
        guard bytes[colon] == Bytes.colon, colon > start else { throw badName(bytes, start, colon) }
        let nameCount = colon - start
        guard nameCount <= HTTPFields.maximumNameBytes else { throw HTTPParseError(.malformedFieldName) }
        var value = colon + 1
        var valueEnd = end
        while value < valueEnd, bytes[value] == Bytes.space || bytes[value] == Bytes.tab { value &+= 1 }
        while valueEnd > value, bytes[valueEnd - 1] == Bytes.space || bytes[valueEnd - 1] == Bytes.tab { valueEnd -= 1 }
        guard Bytes.isFieldContent(base + value, valueEnd - value) else { throw HTTPParseError(.malformedFieldValue) }
        return HTTPFields.Entry(
            name: UInt32(truncatingIfNeeded: start),
            value: UInt32(truncatingIfNeeded: value),
            valueCount: UInt32(truncatingIfNeeded: valueEnd - value),
            nameCount: UInt16(truncatingIfNeeded: nameCount),
            known: KnownField(name: base + start, count: nameCount)
        )
    }

    /// Why a line is no field, given where its name stops being a token.
    private static func badName(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ stop: Int) -> HTTPParseError {
        var next = stop
        while bytes[next] == Bytes.space || bytes[next] == Bytes.tab { next += 1 }
        if stop == start {
            guard next == stop else { return HTTPParseError(.foldedLine) }
            return HTTPParseError(bytes[stop] == Bytes.colon ? .emptyFieldName : .malformedFieldName)
        }
        return HTTPParseError(next > stop && bytes[next] == Bytes.colon ? .spaceBeforeColon : .malformedFieldName)
    }
}
