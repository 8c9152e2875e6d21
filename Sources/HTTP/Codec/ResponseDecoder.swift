/// Reads responses from bytes as they come; as strict about framing as `RequestDecoder`, and as indifferent to splits.
///
/// Reads one response per `expect(responseTo:)`. A value without isolation: use one per connection. After an error
/// every further call throws it again.
public struct ResponseDecoder: Sendable {
    /// What `next` found.
    public enum Event {
        /// An interim response (1xx but 101); the final one is still to come.
        case informational(ResponseHead)
        /// The final response begins. 101 comes as a response without a body.
        case head(ResponseHead)
        /// Some of its body, never empty; lent from the input.
        case body(UnsafeRawBufferPointer)
        /// The response is complete; trailers when there were any that may be used.
        case end(trailers: HTTPFields?)
    }

    private enum Phase {
        case idle, head, fixedBody, chunkedBody, bodyUntilClose, complete
    }

    private let limits: HTTPLimits
    private var phase = Phase.idle
    private var head = HeadReader<StatusLine>()
    private var chunks = ChunkedDecoder()
    /// How much of a body of known length is still to come.
    private var remaining = 0
    private var interimCount = 0
    private var method = HTTPMethod.get
    private var failure: HTTPParseError?

    /// A decoder at the start of a connection, expecting nothing yet.
    public init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// Says which request the next response answers; its method decides whether there is a body.
    ///
    /// Traps while a response is being read: requests are not pipelined upstream.
    public mutating func expect(responseTo method: HTTPMethod) {
        precondition(phase == .idle, "the last response is not complete")
        self.method = method
        interimCount = 0
        phase = .head
    }

    /// Consumes a prefix of `input` and returns what it found; call it until it returns nil.
    ///
    /// Nil with `input` used up means that more bytes are needed. Nil with bytes left means that no response is
    /// expected: the peer said more than it was asked, and the connection must not be used again.
    public mutating func next(_ input: inout UnsafeRawBufferPointer) throws(HTTPParseError) -> Event? {
        if let failure { throw failure }
        do throws(HTTPParseError) {
            switch phase {
            case .idle: return nil
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
                    phase = .idle
                    return .end(trailers: trailers)
                case nil: return nil
                }
            case .bodyUntilClose:
                return input.isEmpty ? nil : .body(input.takeFirst(input.count))
            case .complete:
                phase = .idle
                return .end(trailers: nil)
            }
        } catch {
            failure = error
            throw error
        }
    }

    /// Says that the peer closed its side, after `next` has taken all bytes.
    ///
    /// Returns `.end` when the close ends the body, nil when no response was outstanding. Throws `.closedBeforeHead`
    /// when not a byte of an expected response came, `.truncated` when it is incomplete.
    public mutating func finish() throws(HTTPParseError) -> Event? {
        if let failure { throw failure }
        switch phase {
        case .idle: return nil
        case .bodyUntilClose, .complete:
            phase = .idle
            return .end(trailers: nil)
        case .head where !head.hasPartialHead && interimCount == 0: failure = HTTPParseError(.closedBeforeHead)
        case .head, .fixedBody, .chunkedBody: failure = HTTPParseError(.truncated)
        }
        throw failure ?? HTTPParseError(.truncated)
    }

    /// Whether no response is outstanding.
    public var isBetweenMessages: Bool { phase == .idle && failure == nil }

    /// Whether a head has begun and is not complete.
    public var hasPartialHead: Bool { phase == .head && head.hasPartialHead }

    private mutating func nextHead(_ input: inout UnsafeRawBufferPointer) throws(HTTPParseError) -> Event? {
        let bounds = HeadBounds(
            startLine: limits.requestLine,
            block: limits.headerBlock,
            fields: limits.fieldCount,
            tooLarge: .headerBlockTooLarge,
            emptyLines: 0
        )
        guard let parsed = try head.next(&input, bounds) else { return nil }
        let response = try ResponseHead(parsed, method: method)
        if response.status < 200, response.status != 101 {
            interimCount += 1
            guard interimCount <= limits.interimResponses else { throw HTTPParseError(.tooManyInterimResponses) }
            return .informational(response)
        }
        switch response.framing {
        case .chunked:
            chunks = ChunkedDecoder()
            phase = .chunkedBody
        case .length(let count) where count > 0:
            remaining = count
            phase = .fixedBody
        case .untilClose: phase = .bodyUntilClose
        case .none, .length: phase = .complete
        }
        return .head(response)
    }
}

extension ResponseHead {
    /// Judges what the fields say; RFC 9112 section 6.3 for the body's length.
    fileprivate convenience init(_ parsed: ParsedHead<StatusLine>, method: HTTPMethod) throws(HTTPParseError) {
        let line = parsed.start
        let rules = try parsed.bytes.lend { (bytes) throws(HTTPParseError) in
            try MessageRules(parsed.entries, in: bytes, known: parsed.known, version: line.version)
        }
        let framing: BodyFraming
        let isTunnel = method == .connect && (200..<300).contains(line.status)
        if method == .head || line.status < 200 || line.status == 204 || line.status == 304 || isTunnel {
            framing = .none
        } else if rules.isChunked {
            framing = .chunked
        } else {
            framing = rules.contentLength.map { .length($0) } ?? .untilClose
        }
        // After a switch of protocols or in a tunnel, what follows is not HTTP.
        let isHTTPAfterwards = line.status != 101 && !isTunnel && framing != .untilClose
        self.init(
            version: line.version,
            status: line.status,
            reason: parsed.bytes.lend { line.reason.text(of: $0) },
            fields: parsed.fields,
            framing: framing,
            keepAlive: isHTTPAfterwards && rules.keepsConnection(line.version)
        )
    }
}
