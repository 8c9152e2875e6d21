/// A text that no log, error or dump shows: every way of printing it gives `<redacted>`.
///
/// `reveal()` is the only way out, so a text search finds every use.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What is shown in place of a secret.
    public static let redacted = "<redacted>"

    private let text: String

    /// Takes the text as it is.
    public init(_ text: String) { self.text = text }

    /// The text itself, for the wire.
    public func reveal() -> String { text }

    /// `<redacted>`
    public var description: String { Self.redacted }
    /// `<redacted>`
    public var debugDescription: String { Self.redacted }
    /// Shows no children, so that `dump` and test failures print nothing either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
