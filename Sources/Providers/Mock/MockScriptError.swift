/// What is wrong with the text of a mock script.
public struct MockScriptError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The key at fault.
    public let key: String
    /// What was expected and what was found, in words for whoever wrote it.
    public let reason: String

    /// Makes an error.
    public init(key: String, reason: String) {
        self.key = key
        self.reason = reason
    }

    /// Key and reason on one line.
    public var description: String { "mock script: \(key): \(reason)" }
}
