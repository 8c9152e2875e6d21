/// Which model of which backend a call goes to: one object for each model a loop serves, shared by all its calls.
public final class CallTarget: Sendable {
    /// The backend's name in the configuration.
    public let backend: String
    /// What the backend speaks: `openai`, `mock`, ...
    public let dialect: String
    /// The model's name upstream.
    public let model: String
    /// The host that is connected to; nil where there is no network.
    public let host: String?
    /// Its port; 0 where there is no network.
    public let port: UInt16
    /// What it is told about the request that a call is made for.
    public let carried: CarriedFields

    /// Whoever counts calls knows it by this number. Default none.
    public let number: Int?

    /// Names a target.
    public init(
        backend: String,
        dialect: String,
        model: String,
        number: Int? = nil,
        host: String? = nil,
        port: UInt16 = 0,
        carried: CarriedFields = []
    ) {
        self.backend = backend
        self.dialect = dialect
        self.model = model
        self.number = number
        self.host = host
        self.port = port
        self.carried = carried
    }
}

/// What upstreams are told about the request that a call is made for.
public struct CarriedFields: OptionSet, Sendable {
    /// One bit for each.
    public let rawValue: UInt8

    /// Any of them.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The request's id, as `X-Request-Id`.
    public static let requestID = CarriedFields(rawValue: 1)
    /// Its trace, as `traceparent` and `tracestate`.
    public static let trace = CarriedFields(rawValue: 2)
}
