/// What a mock does with a request: what it answers, when, and how it misbehaves. Everything is deterministic.
///
/// Written as text, `tokens=5,interval=20ms,truncate=120`; see ``MockScript/init(_:)`` for the keys.
public struct MockScript: Sendable, Equatable {
    /// Where the answer's text comes from.
    public enum Reply: Sendable, Equatable {
        /// The text of the last user message, or of the last message when no user speaks.
        case echo
        /// ``MockScript/tokens`` words of ``MockTokens/words``.
        case words
        /// This text.
        case text(String)
    }

    /// One step of the status script.
    public struct Status: Sendable, Hashable {
        /// 200 answers, 400 to 599 fails.
        public var status: Int
        /// For how many requests in a row; nil for all that follow.
        public var count: Int?

        /// Trusts the numbers.
        public init(status: Int, count: Int? = nil) {
            self.status = status
            self.count = count
        }
    }

    /// A place in a response.
    public enum Position: Sendable, Equatable {
        /// Before the first byte of the head.
        case head
        /// Behind so many bytes of the body, transfer coding not counted.
        case byte(Int)
        /// Behind so many tokens; in an answer that is not streamed, before the body.
        case token(Int)
    }

    /// An end before its time.
    public struct Cut: Sendable, Equatable {
        /// How the response ends.
        public enum Ending: Sendable, Equatable {
            /// An orderly close of the connection, in the middle of the body.
            case close
            /// A reset of the connection.
            case reset
            /// A proper end of the HTTP body: only the dialect's own end mark is missing.
            case end
        }

        /// Where.
        public var position: Position
        /// How.
        public var ending: Ending

        /// A cut.
        public init(at position: Position, ending: Ending) {
            self.position = position
            self.ending = ending
        }
    }

    /// A silence.
    public struct Stall: Sendable, Equatable {
        /// Where.
        public var position: Position
        /// For how long; nil for ever.
        public var duration: Duration?
        /// Between the comments sent meanwhile; nil sends none.
        public var pings: Duration?

        /// A silence.
        public init(at position: Position, for duration: Duration? = nil, pings: Duration? = nil) {
            self.position = position
            self.duration = duration
            self.pings = pings
        }
    }

    /// How the body is framed.
    public enum Framing: String, Sendable, CaseIterable {
        /// As HTTP wants it: streams chunked, other answers with their length.
        case proper
        /// Valid: the body lasts until the connection closes.
        case close
        /// Valid: streams with their length too.
        case length
        /// A length 10 bytes beyond the body's, then a close.
        case longLength = "long-length"
        /// A length 10 bytes short of the body's.
        case shortLength = "short-length"
        /// Both `Content-Length` and `Transfer-Encoding: chunked`.
        case both
        /// The second chunk (the first one, of a body in one piece) has a size that is no number.
        case badChunk = "bad-chunk"
        /// A head that is not HTTP.
        case garbage
    }

    /// Where token counts are told.
    public enum Usage: String, Sendable, CaseIterable {
        /// As OpenAI: in a chunk of its own when asked for, always in answers that are not streamed.
        case auto
        /// In a chunk of its own, asked for or not.
        case chunk
        /// In the chunk with the finish reason, as several imitators do.
        case finish
        /// Nowhere.
        case none
    }

    /// A tool call instead of text.
    public struct Tool: Sendable, Equatable {
        /// The function's name.
        public var name: String
        /// The arguments, as JSON text; not checked, so it may be broken on purpose.
        public var arguments: String

        /// A tool call.
        public init(name: String, arguments: String = #"{"city":"Paris"}"#) {
            self.name = name
            self.arguments = arguments
        }
    }

    /// Default `words`.
    public var reply = Reply.words
    /// How many tokens an answer of `words` has. Default 16.
    public var tokens = 16
    /// Before the head. Default zero.
    public var latency = Duration.zero
    /// Between head and first token. Default zero.
    public var timeToFirstToken = Duration.zero
    /// Between two tokens. Default zero: as fast as they are taken.
    public var interval = Duration.zero
    /// Statuses of the first requests, in order; 200 after them. Default empty.
    public var statuses: [Status] = []
    /// `Retry-After` of failures, in seconds; nil sends none. Default nil.
    public var retryAfter: Int?
    /// Requests with equal statuses and keys count together through their statuses. Default empty.
    public var key = ""
    /// Ends the response early. Default nil.
    public var cut: Cut?
    /// Bytes on the wire that leave in one write, head and framing included; nil leaves that to the server. Default nil.
    public var split: Int?
    /// Between two writes of a split response. Default zero.
    public var splitPause = Duration.zero
    /// Falls silent. Default nil.
    public var stall: Stall?
    /// Default `proper`.
    public var framing = Framing.proper
    /// Sends an error event behind so many tokens, and ends the stream there. Default nil.
    public var errorAfter: Int?
    /// Whether streams end with `[DONE]`. Default true.
    public var sendsDone = true
    /// The finish reason; empty sends none. Nil, the default, is `stop`, `length` or `tool_calls`, whichever is true.
    public var finish: String?
    /// Default `auto`.
    public var usage = Usage.auto
    /// Default nil.
    public var tool: Tool?

    /// Every default.
    public init() {}

    /// Whether the response needs bytes that a correct server would not send, or not so.
    public var hasWireFault: Bool {
        if cut != nil || split != nil || framing != .proper { return true }
        if case .byte = stall?.position { return true }
        return false
    }

    /// The status of the request with this number, counted from 0.
    public func status(ofRequest number: Int) -> Int {
        var end = 0
        for step in statuses {
            guard let count = step.count else { return step.status }
            end += count
            if number < end { return step.status }
        }
        return 200
    }

    /// From the head to the moment token `index` is due.
    public func delay(ofToken index: Int) -> Duration { timeToFirstToken + interval * index }

    /// How long an answer of `count` tokens takes from head to last token.
    public func duration(ofTokens count: Int) -> Duration { count > 0 ? delay(ofToken: count - 1) : timeToFirstToken }
}
