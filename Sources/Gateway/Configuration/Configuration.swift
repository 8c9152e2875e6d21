/// Everything an operator can decide, as one immutable value.
///
/// Made by ``ConfigurationLoader`` from a file, or by hand in tests. A reload makes a new value and swaps it in whole;
/// each component is given only the struct that concerns it. Values are checked when loaded, so that a component may
/// trust them: names resolve, sizes and durations are in range, addresses and URLs are well formed.
public struct Configuration: Sendable, Equatable {
    /// Where clients connect, in the order of the file. Default 127.0.0.1:8080. Never empty.
    public var listen: [ListenerSettings] = [ListenerSettings(address: .ipv4(host: "127.0.0.1", port: 8080))]
    /// How many event loops, each on its own thread. Default `auto`: one per usable core.
    public var loops: LoopCount = .auto
    /// Limits and timeouts towards clients.
    public var server = ServerSettings()
    /// How the process is replaced.
    public var handover = HandoverSettings()
    /// What is logged, and how.
    public var log = LogSettings()
    /// Live control.
    public var admin = AdminSettings()
    /// What is counted, and who may ask for it.
    public var metrics = MetricsSettings()
    /// Which requests are traced, and who collects their spans.
    public var tracing = TracingSettings()
    /// Upstream servers, in the order of the file; names are unique.
    public var backends: [BackendSettings] = []
    /// Names callers and routes use for a backend with a model and its parameters; names are unique.
    public var models: [ModelSettings] = []
    /// What is mounted where; paths are unique and do not overlap each other's endpoints.
    public var routes: [RouteSettings] = []
    /// What is allowed but probably not meant, such as a key sent over plain HTTP. Never contains a secret.
    public var warnings: [ConfigurationWarning] = []
    /// Where the keys stand that only a start can change, for messages.
    var lines = KeyLines()

    /// A configuration with every default and nothing mounted.
    public init() {}

    /// The backend of that name.
    public func backend(_ name: String) -> BackendSettings? { backends.first { $0.name == name } }

    /// The model of that name.
    public func model(_ name: String) -> ModelSettings? { models.first { $0.name == name } }

    /// The route mounted at exactly that path.
    public func route(_ path: String) -> RouteSettings? { routes.first { $0.path == path } }

    /// The timeouts of a request on this route: what the route says, else its model, else its backend, else the default.
    ///
    /// - Parameter model: the model that is asked; default is the route's own. A pipeline has none, and each of its models its own timeouts.
    public func effectiveTimeouts(route: RouteSettings, model name: String? = nil) -> TimeoutSettings {
        let model = model(name ?? route.model)
        let backend = model.flatMap { self.backend($0.backend) }
        var timeouts = backend?.timeouts ?? TimeoutSettings()
        if let model { timeouts.apply(model.timeouts) }
        timeouts.apply(route.timeouts)
        return timeouts
    }
}

/// Lines of a file by key. Two files that say the same are equal, wherever they say it.
struct KeyLines: Sendable, Equatable {
    private var lines: [String: Int] = [:]

    subscript(key: String) -> Int? {
        get { lines[key] }
        set { lines[key] = newValue }
    }

    static func == (_: KeyLines, _: KeyLines) -> Bool { true }
}

/// How many event loops to run.
public enum LoopCount: Sendable, Equatable {
    /// One per core this process may use.
    case auto
    /// Exactly this many, 1 to 64.
    case fixed(Int)
}
