/// Which model of which backend a call goes to: one object for each model a loop serves, shared by all its calls.
public final class CallTarget: Sendable {
    /// The backend's name in the configuration.
    public let backend: String
    /// What the backend speaks: `openai`, `mock`, ...
    public let dialect: String
    /// The model's name upstream.
    public let model: String

    /// Whoever counts calls knows it by this number. Default none.
    public let number: Int?

    /// Names a target.
    public init(backend: String, dialect: String, model: String, number: Int? = nil) {
        self.backend = backend
        self.dialect = dialect
        self.model = model
        self.number = number
    }
}
