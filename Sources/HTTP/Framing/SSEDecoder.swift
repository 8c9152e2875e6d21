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

/// Reads an event stream from bytes as they come, by the rules of the WHATWG HTML standard (section 9.2.6): lines end in LF,
/// CR or CR LF, a leading byte order mark is skipped, `data` lines are joined with LF, an event without `data` is dropped,
/// comments and unknown fields are skipped. `id` and `retry` are skipped too: nothing here reconnects.
///
/// The events depend on the bytes only, not on how they were split. An event that lies whole in one input is lent without a
/// copy. A value without isolation. After an error it must not be used again.
public struct SSEDecoder: Sendable {
    /// How many comment lines have come; a peer's pings, mostly.
    public private(set) var commentCount = 0

    /// - Parameters:
    ///   - maximumEventBytes: most bytes in the lines of one event, comments not counted, and in any single line.
    ///   - reportsEventsWithoutData: also lend events that have a name and no `data`, such as LangServe's `end`.
    public init(maximumEventBytes: Int = 4 << 20, reportsEventsWithoutData: Bool = false) {
    }

    /// Lends every event that `bytes` completes, in order. Throws `SSEError`, or what `event` throws.
    public mutating func feed(_ bytes: UnsafeRawBufferPointer, _ event: (SSEEvent) throws -> Void) throws {
    }

    /// Whether nothing of a next event has come. What has come of an unfinished event when a stream ends is no event.
    public var isBetweenEvents: Bool { true }
}
