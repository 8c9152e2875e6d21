/// Reads requests from bytes as they come.
///
/// Strict: it refuses what RFC 9112 lets a recipient refuse, and never repairs. The outcome depends on the bytes only,
/// not on how they were split. Heads that arrive in pieces are kept here, bodies never. A value without isolation: use
/// one per connection. After an error every further call throws it again.
public struct RequestDecoder: Sendable {
    /// What `next` found.
    public enum Event {
        /// A request begins.
        case head(RequestHead)
        /// Some of its body, never empty; lent from the input.
        case body(UnsafeRawBufferPointer)
        /// The request is complete; trailers when there were any that may be used.
        case end(trailers: HTTPFields?)
    }

    private enum Phase {
        case head, fixedBody, chunkedBody, complete
    }

    private let limits: HTTPLimits
    private var phase = Phase.head
    private var head = HeadReader<RequestLine>()
    private var chunks = ChunkedDecoder()
    /// How much of a body of known length is still to come.
    private var remaining = 0
    private var failure: HTTPParseError?

    /// A decoder at the start of a connection.
    public init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// Consumes a prefix of `input` and returns what it found.
    ///
    /// Call it until it returns nil, which means that it needs more bytes and that `input` is used up. It can have an
    /// event without input (the end of a request without a body). After `.end` the next request may follow in the same
    /// input. Up to two empty lines before a request line are skipped (RFC 9112 section 2.2).
    public mutating func next(_ input: inout UnsafeRawBufferPointer) throws(HTTPParseError) -> Event? {
        if let failure { throw failure }
        do throws(HTTPParseError) {
            switch phase {
            case .head: return try nextHead(&input)
            case .fixedBody:
                guard !input.isEmpty else { return nil }
                let body = input.takeFirst(min(remaining, input.count))
                remaining -= body.count
                if remaining == 0 { phase = .complete }
                return .body(body)
            case .chunkedBody:
                switch try chunks.next(&input, limits) {
                case .data(let body): return .body(body)
                case .end(let trailers):
                    phase = .head
                    return .end(trailers: trailers)
                case nil: return nil
                }
            case .complete:
                phase = .head
                return .end(trailers: nil)
            }
        } catch {
            failure = error
            throw error
        }
    }

    /// Whether the last request is complete and not a byte of the next has come (empty lines aside).
    public var isBetweenMessages: Bool { phase == .head && !head.hasPartialHead && failure == nil }

    /// Whether a head has begun and is not complete.
    public var hasPartialHead: Bool { phase == .head && head.hasPartialHead }

    /// Bytes of the body that are announced and have not come: those of a known length, or of the present chunk.
    public var announcedBytes: Int {
        switch phase {
        case .fixedBody: remaining
        case .chunkedBody: chunks.announced
        case .head, .complete: 0
        }
    }

    private mutating func nextHead(_ input: inout UnsafeRawBufferPointer) throws(HTTPParseError) -> Event? {
        let bounds = HeadBounds(
            startLine: limits.requestLine,
            block: limits.headerBlock,
            fields: limits.fieldCount,
            tooLarge: .headerBlockTooLarge,
            emptyLines: 2
        )
        guard let parsed = try head.next(&input, bounds) else { return nil }
        let request = try RequestHead(parsed)
        switch request.framing {
        case .chunked:
            chunks = ChunkedDecoder()
            phase = .chunkedBody
        case .length(let count) where count > 0:
            remaining = count
            phase = .fixedBody
        default: phase = .complete
        }
        return .head(request)
    }
}

extension RequestHead {
    /// Judges what the fields say.
    fileprivate convenience init(_ parsed: ParsedHead<RequestLine>) throws(HTTPParseError) {
        let line = parsed.start
        let (rules, isHostValid) = try parsed.bytes.lend { (bytes) throws(HTTPParseError) in
            let rules = try MessageRules(parsed.entries, in: bytes, known: parsed.known, version: line.version)
            // An empty one says that the target has no authority (RFC 9112 section 3.2), over a Unix socket for one.
            return (rules, rules.host.map { $0.isEmpty || Authority.isValid($0) } ?? true)
        }
        guard rules.hostCount <= 1 else { throw HTTPParseError(.repeatedHost) }
        guard rules.hostCount == 1 || line.version == .http10 else { throw HTTPParseError(.missingHost) }
        guard isHostValid else { throw HTTPParseError(.malformedHost) }
        // HTTP/1.0 does not know expectations (RFC 9110 section 10.1.1).
        let mindsExpectation = line.version == .http11
        guard !mindsExpectation || !rules.hasUnknownExpectation else { throw HTTPParseError(.unsupportedExpectation) }
        let framing: BodyFraming = rules.isChunked ? .chunked : rules.contentLength.map { .length($0) } ?? .none
        let (method, target) = parsed.bytes.lend { bytes in
            let method = HTTPMethod(unchecked: line.method.bytes(of: bytes))
            let (target, path) = line.targetAndPath(in: bytes, method: method)
            return (method, (target, path, line.query?.text(of: bytes), line.authority?.text(of: bytes)))
        }
        self.init(
            method: method,
            target: target,
            version: line.version,
            fields: parsed.fields,
            framing: framing,
            keepAlive: rules.keepsConnection(line.version),
            expectsContinue: mindsExpectation && rules.expectsContinue && framing != .none && framing != .length(0)
        )
    }
}
