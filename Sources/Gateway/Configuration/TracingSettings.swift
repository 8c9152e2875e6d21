/// Which requests are traced, and who collects their spans.
public struct TracingSettings: Sendable, Equatable {
    /// Who decides about requests that belong to a trace already.
    public enum Sampling: String, Sendable, CaseIterable {
        /// The caller, by the flag of its `traceparent`.
        case parent
        /// The ratio, for all alike.
        case ratio
    }

    /// One attribute of the resource.
    public struct Attribute: Sendable, Equatable {
        /// Such as `deployment.environment.name`.
        public let name: String
        /// A text on one line.
        public let value: String
    }

    /// Base URL of a collector that takes OTLP over HTTP; nil makes no spans.
    public var endpoint: UpstreamURL?
    /// The part of requests that is traced. Default 0.01.
    public var sample = 0.01
    /// Default `parent`.
    public var sampling = Sampling.parent
    /// Sent as `Authorization: Bearer`. From `api_key`, or from the file `api_key_file`; nil sends none.
    public var apiKey: Secret?
    /// The absolute path the key was read from; kept so that the dump can say so.
    public var apiKeyFile: String?
    /// Fields added to every request to the collector.
    public var headers: [HeaderSetting] = []
    /// PEM file of the authorities to trust instead of the system's.
    public var caFile: String?
    /// Of one request to the collector. Default 10 seconds.
    public var timeout = Duration.seconds(10)
    /// How long spans are collected before they are sent. Default 1 second.
    public var interval = Duration.seconds(1)
    /// Spans that may wait for the collector; more are dropped. Default 8192.
    public var maxQueue = 8192
    /// Bytes of them. Default 16 MiB.
    public var maxQueueBytes = 16 << 20
    /// The resource's `service.name`; nil leaves it to `OTEL_SERVICE_NAME`, else `headgate`.
    public var serviceName: String?
    /// Further attributes of the resource.
    public var attributes: [Attribute] = []

    /// Every default: no spans.
    public init() {}

    /// Everything here that must never be printed.
    var secrets: [Secret] { [apiKey].compactMap { $0 } + headers.filter(\.isSecret).map(\.value) }
}
