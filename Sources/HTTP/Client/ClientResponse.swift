public import EventLoop
import Synchronization

/// Takes body bytes in the callback that brings them, so that the task which waits for them need not be resumed for each part.
///
/// The bytes are lent for the call, with ``EventLoop/EventLoop/readBufferPadding`` readable bytes behind them. It must not touch the
/// response.
public typealias PartReceiver = (UnsafeRawBufferPointer) -> PartReceipt

/// What became of bytes that a ``PartReceiver`` was shown.
public enum PartReceipt: Sendable {
    /// They are used up; the next may be waited for until then, with this code when the time passes.
    case taken(MonotonicTime, HTTPClientError.Code)
    /// They are used up, and the task has to go on.
    case last
    /// They are the task's to take.
    case kept
}

/// A response whose head is there and whose body may still be coming.
///
/// Use it from one task. If it is dropped before its end, the connection is closed: call ``cancel()`` to be prompt.
public final class ClientResponse: Sendable {
    /// The status line and fields.
    public let head: ResponseHead
    /// What the exchange has spent its time on so far.
    public let timing: ExchangeTiming
    private let connection: UpstreamConnection
    private let exchange: Int
    /// Nothing is left to give up: asking the connection costs two allocations.
    private let isOver = Atomic<Bool>(false)

    init(head: ResponseHead, connection: UpstreamConnection, exchange: Int, timing: ExchangeTiming) {
        self.head = head
        self.connection = connection
        self.exchange = exchange
        self.timing = timing
    }

    deinit { cancel() }

    /// The same response without the fields of its head, which a body of minutes need not keep; this one is of no more use. On the
    /// connection's loop.
    public func withoutFields() -> ClientResponse {
        isOver.store(true, ordering: .relaxed)
        let bare = ResponseHead(withoutFieldsOf: head)
        connection.assumeIsolated { $0.replaceHead(of: exchange, by: bare) }
        return ClientResponse(head: bare, connection: connection, exchange: exchange, timing: timing)
    }

    /// The next body bytes, as many as are there; nil at the proper end.
    ///
    /// - Parameters:
    ///   - limit: when to stop waiting.
    ///   - phase: the error's code when `limit` passes.
    ///   - receiver: gets first sight of what comes while this waits, see ``PartReceiver``. After its last part the bytes returned may be
    ///     none.
    /// - Throws: ``HTTPClientError``; the connection is closed then.
    public func next(
        before limit: MonotonicTime,
        phase: HTTPClientError.Code,
        receiver: LoopBound<PartReceiver>? = nil
    ) async throws(HTTPClientError) -> [UInt8]? {
        let part = try await connection.nextPart(of: exchange, before: limit, phase: phase, receiver)
        if part == nil { isOver.store(true, ordering: .relaxed) }
        return part
    }

    /// The whole rest of the body, with ``EventLoop/EventLoop/readBufferPadding`` bytes of capacity to spare.
    ///
    /// - Parameter maximum: in bytes; a longer body is `.tooLarge`.
    public func collect(
        maximum: Int,
        before limit: MonotonicTime,
        phase: HTTPClientError.Code
    ) async throws(HTTPClientError) -> [UInt8] {
        let body = try await connection.wholeBody(of: exchange, maximum: maximum, before: limit, phase: phase)
        isOver.store(true, ordering: .relaxed)
        return body
    }

    /// The whole rest of the body as ``collect(maximum:before:phase:)``, if it is there already; nil when it has to be waited for: short
    /// answers come with their head. On the connection's loop.
    public func collected(maximum: Int) throws(HTTPClientError) -> [UInt8]? {
        let body = try connection.assumeIsolated { $0.wholeBodyIfThere(of: exchange, maximum: maximum) }.get()
        if body != nil { isOver.store(true, ordering: .relaxed) }
        return body
    }

    /// Says that the rest of the body is of no interest, and lets the connection be used again if that rest is short: it is
    /// closed when more than `maximum` bytes follow or the end is not there `within` the limit. Does not wait. Any thread.
    public func discardRest(maximum: Int = 64 << 10, within limit: Duration = .seconds(2)) {
        isOver.store(true, ordering: .relaxed)
        connection.discardRest(of: exchange, maximum: maximum, within: limit)
    }

    /// Gives the response up and closes its connection, unless it has ended already. Any thread.
    public func cancel() {
        if !isOver.exchange(true, ordering: .relaxed) { connection.abandon(exchange) }
    }
}
