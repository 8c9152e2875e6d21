/// What the deterministic mock answers. The same request always gets the same answer.
public struct MockSettings: Sendable, Equatable {
    /// Where the answer's text comes from.
    public enum Reply: Sendable, Equatable {
        /// The last message's text, one token a word.
        case echo
        /// A fixed run of words, ``MockSettings/tokens`` of them.
        case words
        /// This text, one token a word.
        case text(String)
    }

    /// One step of the status script.
    public struct Status: Sendable, Equatable {
        /// 200 answers; anything from 400 to 599 fails with that status.
        public var status: Int
        /// For how many requests in a row.
        public var count: Int

        /// Trusts the numbers.
        public init(status: Int, count: Int = 1) {
            self.status = status
            self.count = count
        }
    }

    /// Tokens of an answer made of `words`. Default 16.
    public var tokens = 16
    /// Before the response head. Default zero.
    public var latency: Duration = .zero
    /// Between the head and the first token. Default zero.
    public var timeToFirstToken: Duration = .zero
    /// Between two tokens. Default zero: as fast as they are taken.
    public var interval: Duration = .zero
    /// Default `words`.
    public var reply: Reply = .words
    /// Statuses of the first requests, in order; after the last step every request is answered. Default empty.
    public var status: [Status] = []
    /// `Retry-After` of failing statuses, in whole seconds; nil sends none. Default nil.
    public var retryAfter: Duration?
    /// Breaks every answer off after this many tokens, without its terminal mark; nil never does. Default nil.
    public var failAfter: Int?

    /// Every default.
    public init() {}
}
