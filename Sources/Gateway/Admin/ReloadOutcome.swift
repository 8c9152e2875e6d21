import Runnable

/// What came of a reload.
public struct ReloadOutcome: Sendable, Equatable {
    /// Whether the new configuration is in force; if not, the old one still is.
    public let succeeded: Bool
    /// What has changed, or every mistake with file, line and key. For a person, without secrets.
    public let lines: [String]

    /// An outcome from its words, one line each.
    public init(succeeded: Bool, text: String) {
        self.succeeded = succeeded
        lines = text.split(separator: "\n").map(String.init)
    }

    /// On the admin socket's wire.
    var json: Value {
        [
            "reloaded": .bool(succeeded),
            (succeeded ? "changes" : "errors"): .array(lines.map { .string($0) }),
        ]
    }
}
