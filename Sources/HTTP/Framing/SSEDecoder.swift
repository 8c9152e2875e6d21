/// One event of an event stream; valid only during the call that lends it.
public struct SSEEvent {
    /// The event's type; empty stands for `message`.
    public let name: UnsafeRawBufferPointer
    /// The `data` lines, joined with LF.
    public let data: UnsafeRawBufferPointer
}

/// Why an event stream was refused.
public enum SSEError: Error, Sendable, Hashable {
    /// An event or a line is longer than the bound.
    case eventTooLarge
}

/// Reads an event stream from bytes as they come, by the rules of the WHATWG HTML standard (section 9.2.6): lines end
/// in LF, CR or CR LF, a leading byte order mark is skipped, `data` lines are joined with LF, an event without `data`
/// is dropped, comments and unknown fields are skipped. `id` and `retry` are skipped too: nothing here reconnects.
///
/// The events depend on the bytes only, not on how they were split. An event that lies whole in one input is lent
/// without a copy unless it has several `data` lines. A value without isolation. After an error it must not be used
/// again.
public struct SSEDecoder: Sendable {
    /// How many comment lines have come; a peer's pings, mostly.
    public private(set) var commentCount = 0

    private let maximumEventBytes: Int
    private let reportsEventsWithoutData: Bool
    /// The beginning of a line whose end has not come.
    private var partial: [UInt8] = []
    /// What an earlier input said of the unfinished event.
    private var name: [UInt8] = []
    private var data: [UInt8] = []
    private var hasName = false
    private var hasData = false
    /// Bytes of the unfinished event's complete lines.
    private var eventBytes = 0
    /// The input ended in a CR: a LF that comes next belongs to it.
    private var skipsLineFeed = false
    private var isAtStart = true

    /// What the present input says of the unfinished event, as long as nothing had to be copied.
    private struct Lent {
        var name: UnsafeRawBufferPointer?
        var data: UnsafeRawBufferPointer?
    }

    /// Larger buffers are given back after the event that needed them.
    private static let keptCapacity = 16 << 10

    /// - Parameters:
    ///   - maximumEventBytes: most bytes in the lines of one event, without line ends and comments, and
    ///     in any single line. Default 4 MiB.
    ///   - reportsEventsWithoutData: also lend events that have a name and no `data`, such as LangServe's `end`.
    public init(maximumEventBytes: Int = 4 << 20, reportsEventsWithoutData: Bool = false) {
        self.maximumEventBytes = maximumEventBytes
        self.reportsEventsWithoutData = reportsEventsWithoutData
    }

    /// Whether nothing of a next event has come. What has come of an unfinished event when a stream ends is no event.
    public var isBetweenEvents: Bool { partial.isEmpty && eventBytes == 0 }

    /// Lends every event that `bytes` completes, in order. Throws `SSEError`, or what `event` throws.
    public mutating func feed(_ bytes: UnsafeRawBufferPointer, _ event: (SSEEvent) throws -> Void) throws {
        guard let first = bytes.first else { return }
        var start = skipsLineFeed && first == Bytes.lf ? 1 : 0
        skipsLineFeed = false
        var lent = Lent()
        // Both line ends are searched ahead separately, so that each byte is searched once for each.
        var lineFeed = bytes.offset(of: Bytes.lf, from: start) ?? bytes.count
        var carriageReturn = bytes.offset(of: Bytes.cr, from: start) ?? bytes.count
        while true {
            if lineFeed < start { lineFeed = bytes.offset(of: Bytes.lf, from: start) ?? bytes.count }
            if carriageReturn < start { carriageReturn = bytes.offset(of: Bytes.cr, from: start) ?? bytes.count }
            let end = min(lineFeed, carriageReturn)
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            guard eventBytes + partial.count + piece.count <= maximumEventBytes else { throw SSEError.eventTooLarge }
            guard end < bytes.count else {
                partial.append(contentsOf: piece)
                break
            }
            if partial.isEmpty {
                try read(piece, isLent: true, &lent, event)
            } else {
                try readPartial(with: piece, &lent, event)
            }
            start = end + 1
            guard end == carriageReturn else { continue }
            if start == bytes.count {
                skipsLineFeed = true
            } else if bytes[start] == Bytes.lf {
                start += 1
            }
        }
        keep(lent)
    }

    /// Reads the line that earlier inputs began and `piece` completes.
    private mutating func readPartial(
        with piece: UnsafeRawBufferPointer,
        _ lent: inout Lent,
        _ event: (SSEEvent) throws -> Void
    ) throws {
        var line = partial
        partial = []
        line.append(contentsOf: piece)
        try line.withUnsafeBytes { try read($0, isLent: false, &lent, event) }
        guard line.capacity <= SSEDecoder.keptCapacity else { return }
        line.removeAll(keepingCapacity: true)
        partial = line
    }

    /// Reads one whole line. `isLent`: its bytes are the input's, and outlast this call.
    private mutating func read(
        _ line: UnsafeRawBufferPointer,
        isLent: Bool,
        _ lent: inout Lent,
        _ event: (SSEEvent) throws -> Void
    ) throws {
        var line = line
        if isAtStart {
            isAtStart = false
            if line.starts(with: [0xEF, 0xBB, 0xBF]) { _ = line.takeFirst(3) }
        }
        guard let first = line.first else { return try dispatch(&lent, event) }
        guard first != Bytes.colon else {
            commentCount += 1
            return
        }
        eventBytes += line.count
        let colon = line.offset(of: Bytes.colon, from: 0)
        let field = UnsafeRawBufferPointer(rebasing: line[..<(colon ?? line.count)])
        var value = UnsafeRawBufferPointer(rebasing: line[(colon.map { $0 + 1 } ?? line.count)...])
        if value.first == Bytes.space { _ = value.takeFirst(1) }
        if Bytes.equal(field, "data") {
            addData(value, isLent: isLent, &lent)
        } else if Bytes.equal(field, "event") {
            hasName = true
            name.removeAll(keepingCapacity: true)
            lent.name = isLent ? value : nil
            if !isLent { name.append(contentsOf: value) }
        }
    }

    private mutating func addData(_ value: UnsafeRawBufferPointer, isLent: Bool, _ lent: inout Lent) {
        if isLent, !hasData {
            lent.data = value
        } else {
            if let first = lent.data {
                data.append(contentsOf: first)
                lent.data = nil
            }
            if hasData { data.append(Bytes.lf) }
            data.append(contentsOf: value)
        }
        hasData = true
    }

    /// An empty line: the event is complete.
    private mutating func dispatch(_ lent: inout Lent, _ event: (SSEEvent) throws -> Void) throws {
        if hasData || (reportsEventsWithoutData && hasName) {
            try name.withUnsafeBytes { name in
                try data.withUnsafeBytes { data in
                    try event(SSEEvent(name: lent.name ?? name, data: lent.data ?? data))
                }
            }
        }
        lent = Lent()
        hasName = false
        hasData = false
        eventBytes = 0
        name.removeAll(keepingCapacity: name.capacity <= SSEDecoder.keptCapacity)
        data.removeAll(keepingCapacity: data.capacity <= SSEDecoder.keptCapacity)
    }

    /// The input ends inside an event: what was lent of it must be copied now.
    private mutating func keep(_ lent: Lent) {
        if let lentName = lent.name { name.append(contentsOf: lentName) }
        if let lentData = lent.data { data.append(contentsOf: lentData) }
    }
}
