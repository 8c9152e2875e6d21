/// An upstream server and the dialect it speaks.
public struct BackendSettings: Sendable, Equatable {
    /// The wire protocol of an upstream.
    public enum Dialect: String, Sendable, CaseIterable {
        /// OpenAI chat completions, and everything that imitates them.
        case openai
        /// The deterministic model inside this process.
        case mock
    }

    /// The name models use.
    public var name: String
    /// What it speaks.
    public var dialect: Dialect
    /// Base URL, such as `https://api.openai.com/v1`. Set for every dialect but `mock`, where it is nil.
    public var url: UpstreamURL?
    /// Sent as `Authorization: Bearer`. From `api_key`, or from the file `api_key_file`; nil sends none.
    public var apiKey: Secret?
    /// The absolute path the key was read from; kept so that the dump can say so.
    public var apiKeyFile: String?
    /// Fields added to every request, in the order of the file.
    public var headers: [HeaderSetting] = []
    /// Sent as `OpenAI-Organization`.
    public var organization: String?
    /// Sent as `OpenAI-Project`.
    public var project: String?
    /// PEM file of the authorities to trust instead of the system's.
    public var caFile: String?
    /// The name to expect in the certificate and to send as SNI, instead of the URL's host.
    public var serverName: String?
    /// Certificate and key to show to the upstream.
    public var clientCertificate: CertificateFiles?
    /// Connections of one loop. Default 1024.
    public var maxConnections = 1024
    /// Idle connections of one loop kept for reuse. Default 256.
    public var maxIdleConnections = 256
    /// Closes a pooled connection after this long without a request. Default 50 seconds: less than common servers wait,
    /// so that we close first. Zero keeps none.
    public var idleTimeout: Duration = .seconds(50)
    /// Requests of one loop that may wait for a connection; more are refused at once. Default 1024.
    public var maxPending = 1024
    /// How long a request may wait for a connection. Default 10 seconds.
    public var queueTimeout: Duration = .seconds(10)
    /// Timeouts of one call; models and routes may override some.
    public var timeouts = TimeoutSettings()
    /// Bytes of a response that is not streamed; more fail the call. Default 32 MiB.
    public var maxResponse = 32 << 20
    /// Whether streams ask for usage with `stream_options`. Default true; false for servers that refuse the field (Mistral).
    public var streamOptions = true
    /// Whether a run ends when its client leaves. Default true; false for engines that crash on aborted calls: the run then
    /// comes to its end, and its answer is dropped.
    public var abortOnDisconnect = true
    /// Whether the upstream is told the request's trace (`traceparent`, `tracestate`). Default true.
    public var propagateTrace = true
    /// Whether the upstream is told the request's id (`X-Request-Id`). Default true.
    public var propagateRequestID = true
    /// What the `mock` dialect answers.
    public var mock = MockSettings()

    /// A backend with every other default.
    public init(name: String, dialect: Dialect, url: UpstreamURL? = nil) {
        self.name = name
        self.dialect = dialect
        self.url = url
    }
}

/// A field sent to an upstream. Printing it shows no value that may be a secret.
public struct HeaderSetting: Sendable, Equatable, CustomStringConvertible {
    /// A valid field name, as written in the file.
    public let name: String
    /// The value: visible ASCII and inner blanks.
    public let value: Secret
    /// Whether the name looks like a credential, or the value came from the environment.
    public let isSecret: Bool

    /// Trusts both to be valid for HTTP.
    public init(name: String, value: String, isSecret: Bool) {
        self.name = name
        self.value = Secret(value)
        self.isSecret = isSecret
    }

    /// `name: value`, with the value redacted when it is secret.
    public var description: String { "\(name): \(isSecret ? value.description : value.reveal())" }
}
