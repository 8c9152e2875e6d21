public import Runnable

/// One request under way, as operators see it. Holds nothing of prompts and answers.
public struct RequestRow: Sendable, Equatable {
    /// What a request is doing.
    public enum State: String, Sendable, CaseIterable {
        /// Waits for one of the backend's connections.
        case queued
        /// Connects, or waits for the upstream's response head.
        case waitingForHead = "waiting for head"
        /// The upstream has answered, and sent no content yet.
        case waitingForFirstToken = "waiting for first token"
        /// Content comes.
        case streaming
        /// Waits for the client to take what was written.
        case blockedOnClient = "blocked on client"
        /// Anything else: steps of a pipeline, the turn of a limit, the end.
        case running
    }

    /// What the request is called in logs and answers: the caller's `X-Request-Id`, else the run's id.
    public var id: String
    /// The run's id.
    public var runID: String
    /// The route's path in the configuration.
    public var route: String
    /// `invoke`, `stream`, ...
    public var endpoint: String
    /// Where its latest call goes, as `backend/model`; nil before there is one.
    public var upstream: String?
    /// What it does now.
    public var state: State
    /// Milliseconds since it arrived.
    public var age: Int
    /// Milliseconds from its arrival to its first content; nil before that.
    public var firstToken: Int?
    /// Tokens that models have made for it: as upstreams count them where they have, else parts with content.
    public var tokens: Int
    /// Calls of models begun.
    public var calls: Int
    /// Calls under way.
    public var activeCalls: Int
    /// Inputs of a batch; nil elsewhere.
    public var items: Int?
    /// Bytes that the client has still to take.
    public var pendingBytes: Int
    /// The client's address; `unix` for a Unix socket.
    public var client: String
    /// The process it is in, where that drains beside the one that serves; nil elsewhere.
    public var draining: Int?

    /// Tokens a second since the first one, which itself does not count; nil before there are two.
    ///
    /// An average over all of that time: it falls while nothing comes, whether for the upstream, or because the client blocks.
    public var tokensPerSecond: Double? {
        guard let firstToken, tokens > 1, age > firstToken else { return nil }
        return Double(tokens - 1) * 1000 / Double(age - firstToken)
    }
}

extension RequestRow {
    /// On the admin socket's wire.
    public var json: Value {
        var members: [(String, Value)] = [
            ("id", .string(id)), ("run_id", .string(runID)), ("route", .string(route)), ("endpoint", .string(endpoint)),
            ("state", .string(state.rawValue)), ("upstream", upstream.map { .string($0) } ?? .null),
            ("age_ms", .integer(age)), ("first_token_ms", firstToken.map { .integer($0) } ?? .null),
            ("tokens", .integer(tokens)),
            ("tokens_per_second", tokensPerSecond.map { .double(($0 * 10).rounded() / 10) } ?? .null),
            ("calls", .integer(calls)), ("active_calls", .integer(activeCalls)),
        ]
        if let items { members.append(("items", .integer(items))) }
        members += [("pending_bytes", .integer(pendingBytes)), ("client", .string(client))]
        if let draining { members.append(("draining_pid", .integer(draining))) }
        return .object(Value.Object(members))
    }

    /// Reads what ``json`` writes; nil when something is missing. What a newer daemon adds is ignored.
    public init?(_ value: Value) {
        guard let id = value["id"]?.string, let runID = value["run_id"]?.string, let route = value["route"]?.string,
            let endpoint = value["endpoint"]?.string, let age = value["age_ms"]?.integer,
            let tokens = value["tokens"]?.integer, let pending = value["pending_bytes"]?.integer,
            let client = value["client"]?.string
        else { return nil }
        self.id = id
        self.runID = runID
        self.route = route
        self.endpoint = endpoint
        self.age = age
        self.tokens = tokens
        self.client = client
        pendingBytes = pending
        state = value["state"]?.string.flatMap { State(rawValue: $0) } ?? .running
        upstream = value["upstream"]?.string
        firstToken = value["first_token_ms"]?.integer
        calls = value["calls"]?.integer ?? 0
        activeCalls = value["active_calls"]?.integer ?? 0
        items = value["items"]?.integer
        draining = value["draining_pid"]?.integer
    }
}

/// What `top` sorts by; the largest come first.
public enum RequestOrder: String, Sendable, CaseIterable {
    case age
    case tokens
    /// Bytes that wait for the client.
    case waiting
}

extension RequestRow {
    /// The larger the earlier it comes.
    func rank(by order: RequestOrder) -> Int {
        switch order {
        case .age: age
        case .tokens: tokens
        case .waiting: pendingBytes
        }
    }
}
