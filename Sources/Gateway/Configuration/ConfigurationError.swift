/// One mistake in a configuration. Its text names file, line and key, and never a secret or the value of a variable.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file as it was named to the loader, or `--listen`.
    public let file: String
    /// From 1; nil when the file as a whole is meant.
    public let line: Int?
    /// The path of the key, such as `backends.local.url` or `listen[1].key`; empty at the top.
    public let key: String
    /// What was expected, what was found, what may help.
    public let message: String

    /// `headgate.yaml:41: backends.local.url: expected …, found …`
    public var description: String {
        var text = file
        if let line { text += ":\(line)" }
        if !key.isEmpty { text += ": \(key)" }
        return "\(text): \(message)"
    }
}

/// Every mistake of a configuration, in the order of the file; at least one.
public struct ConfigurationErrors: Error, Sendable, Equatable, CustomStringConvertible {
    /// Sorted by line.
    public let errors: [ConfigurationError]

    /// One line for each mistake.
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}

/// Something that is allowed but probably not meant. Worded like an error, and as careful with secrets.
public struct ConfigurationWarning: Sendable, Equatable, CustomStringConvertible {
    /// The file as it was named to the loader, or `--listen`.
    public let file: String
    /// From 1; nil when the file as a whole is meant.
    public let line: Int?
    /// The path of the key; empty when the file as a whole is meant.
    public let key: String
    /// What is risky, and what would be better.
    public let message: String

    /// `headgate.yaml:3: listen: …`
    public var description: String {
        ConfigurationError(file: file, line: line, key: key, message: message).description
    }
}
