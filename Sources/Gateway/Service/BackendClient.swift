import EventLoop
import HTTP
import JSON
import Providers
import Runnable
import TLS

/// One loop's connections to a backend, and the settings they were made from.
struct BackendClient: Sendable {
    let settings: BackendSettings
    let client: HTTPClient

    /// - Parameter traffic: counts the bytes of its connections.
    init(_ settings: BackendSettings, loop: EventLoop, tls: TLSContext?, traffic: Traffic) {
        guard let url = settings.url else { preconditionFailure("the loader requires a url") }
        self.settings = settings
        var options = HTTPClientOptions()
        options.maximumConnections = settings.maxConnections
        options.maximumIdle = settings.maxIdleConnections
        options.idleTimeout = settings.idleTimeout
        options.maximumQueued = settings.maxPending
        client = HTTPClient(
            loop: loop,
            origin: HTTPOrigin(isSecure: url.scheme == .https, host: url.host, port: url.port),
            tls: tls,
            serverName: settings.serverName,
            options: options,
            traffic: traffic
        )
    }

    /// A model of this backend in OpenAI's dialect.
    /// - Parameter number: the model's in ``MetricNames``; nil where nothing is counted.
    func openAIModel(
        _ model: ModelSettings,
        _ timeouts: TimeoutSettings,
        reader: LoopBound<JSONReader>,
        number: Int?
    ) -> OpenAIModel {
        var options = OpenAIModelOptions(model: model.model)
        options.backend = settings.name
        options.number = number
        options.parameters = model.params.map { .init(name: $0.name, json: $0.json) }
        options.includesUsage = settings.streamOptions
        options.maximumResponse = settings.maxResponse
        options.timeouts = UpstreamTimeouts(timeouts, queue: settings.queueTimeout)
        options.secrets = settings.secrets.map { $0.reveal() }
        let path = (settings.url?.path ?? "") + "/chat/completions"
        guard let target = RequestTarget(checking: path) else { preconditionFailure("the loader checks the url") }
        return OpenAIModel(client: client, target: target, fields: fields, options: options, reader: reader)
    }

    /// What every request to the backend carries: credentials and configured fields, which the loader has checked.
    private var fields: HTTPFields {
        var fields = HTTPFields()
        fields.append("user-agent", "headgate")
        if let key = settings.apiKey { _ = fields.append("authorization", checking: "Bearer \(key.reveal())") }
        if let organization = settings.organization { _ = fields.append("openai-organization", checking: organization) }
        if let project = settings.project { _ = fields.append("openai-project", checking: project) }
        for header in settings.headers {
            guard let name = HTTPToken(checking: header.name) else { continue }
            _ = fields.append(name, checking: header.value.reveal())
        }
        return fields
    }
}

extension BackendSettings {
    /// Everything of this backend that must never be printed.
    var secrets: [Secret] { [apiKey].compactMap { $0 } + headers.filter(\.isSecret).map(\.value) }
}

extension UpstreamTimeouts {
    fileprivate init(_ settings: TimeoutSettings, queue: Duration) {
        self.init()
        self.queue = queue
        connect = settings.connect
        tls = settings.tls
        head = settings.head
        firstToken = settings.firstToken
        idle = settings.idle
        total = settings.total
    }
}
