/// A name for a backend's model with its parameters.
public struct ModelSettings: Sendable, Equatable {
    /// The name routes and callers use.
    public var name: String
    /// The name of its backend; resolves in a loaded configuration.
    public var backend: String
    /// The model's name upstream. Default: ``name``.
    public var model: String
    /// Fields added to every request, in the order of the file.
    public var params: [ModelParameter] = []
    /// Overrides the backend's.
    public var timeouts = TimeoutOverrides()

    /// A model with no parameters; `model` defaults to `name`.
    public init(name: String, backend: String, model: String? = nil) {
        self.name = name
        self.backend = backend
        self.model = model ?? name
    }
}

/// One field of the upstream request, as JSON text.
public struct ModelParameter: Sendable, Equatable, CustomStringConvertible {
    /// The member's name, without quotes.
    public let name: String
    /// Valid compact JSON; numbers are exactly as written in the file.
    public let json: String
    /// Whether the name looks like a credential, or part of the value came from the environment.
    public let isSecret: Bool

    /// Trusts `json` to be valid.
    public init(name: String, json: String, isSecret: Bool = false) {
        self.name = name
        self.json = json
        self.isSecret = isSecret
    }

    /// `name: json`, redacted when it is secret.
    public var description: String { "\(name): \(isSecret ? Secret.redacted : json)" }
}
