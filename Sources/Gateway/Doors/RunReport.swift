import EventLoop
import Runnable

/// What one request came to, filled in as it goes on; the access line is made from it.
struct RunReport {
    /// The run's id, which is also the request's id unless the caller named one.
    var runID: RunID
    /// When the request arrived.
    let received: MonotonicTime
    /// The first failure, if any.
    var error: RunError?
    /// The caller's mistake was found before anything ran.
    var isRejected = false
    /// Tokens of prompts and answers, as upstreams report them.
    var inputTokens: Int?
    var outputTokens: Int?
    /// From the request's arrival to its first content.
    var firstToken: Duration?
    /// Items of a batch.
    var items: Int?

    init(runID: RunID, received: MonotonicTime) {
        self.runID = runID
        self.received = received
    }

    /// Notes that content was made; the first time counts.
    mutating func producedContent() {
        if firstToken == nil { firstToken = .now - received }
    }

    /// Adds what an answer took.
    mutating func count(_ usage: UsageMetadata?) {
        guard let usage else { return }
        inputTokens = (inputTokens ?? 0) + usage.inputTokens
        outputTokens = (outputTokens ?? 0) + usage.outputTokens
    }
}
