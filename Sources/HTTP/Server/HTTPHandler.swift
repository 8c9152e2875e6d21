public import EventLoop

/// One complete request. An object, as it is handed through many calls. Belongs to the handler's task.
public final class ServerRequest {
    /// The request line and fields.
    public private(set) var head: RequestHead
    /// The whole body, with ``EventLoop/EventLoop/readBufferPadding`` bytes of capacity to spare.
    public private(set) var body: [UInt8]
    /// The client's address.
    public let peer: SocketAddress
    /// The process at the other end of a Unix socket; nil elsewhere, and without ``HTTPServerOptions/identifiesPeers``.
    public let credentials: PeerCredentials?
    /// Whether it came over TLS.
    public let isSecure: Bool
    /// When its first byte was handled.
    public let received: MonotonicTime
    /// When its last byte was.
    public let arrived: MonotonicTime

    init(
        head: RequestHead,
        body: [UInt8],
        peer: SocketAddress,
        credentials: PeerCredentials? = nil,
        isSecure: Bool,
        received: MonotonicTime,
        arrived: MonotonicTime
    ) {
        self.head = head
        self.body = body
        self.peer = peer
        self.credentials = credentials
        self.isSecure = isSecure
        self.received = received
        self.arrived = arrived
    }

    /// The body, which the request keeps no longer: an answer may take minutes, and needs it only at the start.
    public func takeBody() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &body)
        return taken
    }

    /// Keeps the request line only: as ``takeBody()``, for answers that may take minutes.
    public func forgetFields() { head = RequestHead(withoutFieldsOf: head) }
}

/// Answers requests. One instance serves all connections of a loop.
public protocol HTTPHandler: Sendable {
    /// Answers `request` through `response`, before returning.
    ///
    /// Runs on the connection's executor, in a task that is cancelled when the client goes, at the deadline and at the end of a
    /// drain (``ResponseWriter/interruption`` says which). A response that is not ended by then is cut.
    func handle(_ request: ServerRequest, _ response: ResponseWriter) async

    /// The answer to a request that never became one: malformed, too large, too slow.
    func rejection(status: Int, message: String) -> (fields: HTTPFields, body: [UInt8])

    /// Adds what names a request, and what it took, to the fields of such an answer; adds nothing by default.
    ///
    /// - Parameters:
    ///   - head: the request's head, where it was there and in order.
    ///   - received: when its first byte was handled.
    func identify(_ head: RequestHead?, received: MonotonicTime, in fields: inout HTTPFields)

    /// Told of every such answer, and of every request whose client left, or that was given up, before it was whole: for a log. Does
    /// nothing by default.
    func rejected(_ rejection: RejectedRequest)
}

extension HTTPHandler {
    /// Adds nothing.
    public func identify(_ head: RequestHead?, received: MonotonicTime, in fields: inout HTTPFields) {}

    /// Does nothing.
    public func rejected(_ rejection: RejectedRequest) {}
}

/// What is known of a request that never became one.
public struct RejectedRequest: Sendable {
    /// Why it is none.
    public enum Cause: Sendable, Equatable {
        /// It is malformed, too large or too slow, and was answered so.
        case refused
        /// The client left behind its head, before its body was whole. There was nobody to answer.
        case clientGone
        /// The server stopped before its body was whole, and closed the connection.
        case shuttingDown
    }

    /// Why it is none.
    public let cause: Cause
    /// The status it was answered with; 0 for none.
    public let status: Int
    /// What is wrong with it.
    public let message: String
    /// Fields of the answer, or those that identify it.
    public let fields: HTTPFields
    /// Bytes of the answer's body.
    public let bytes: Int
    /// The request's head, where it was there and in order.
    public let head: RequestHead?
    /// The client's address.
    public let peer: SocketAddress
    /// When its first byte was handled.
    public let received: MonotonicTime
}
