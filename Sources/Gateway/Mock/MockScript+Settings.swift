import Providers

extension MockScript {
    /// What a `mock` backend of the configuration is to do.
    init(_ settings: MockSettings) {
        self.init()
        switch settings.reply {
        case .echo: reply = .echo
        case .words: reply = .words
        case .text(let text): reply = .text(text)
        }
        tokens = settings.tokens
        latency = settings.latency
        timeToFirstToken = settings.timeToFirstToken
        interval = settings.interval
        statuses = settings.status.map { Status(status: $0.status, count: $0.count) }
        retryAfter = settings.retryAfter.map { Int($0.components.seconds) }
        cut = settings.failAfter.map { Cut(at: .token($0), ending: .close) }
    }
}
