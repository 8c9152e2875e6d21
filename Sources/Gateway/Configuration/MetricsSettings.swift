/// What is counted, and who may ask for it.
public struct MetricsSettings: Sendable, Equatable {
    /// Whether requests and calls are counted and served. Default true.
    public var enabled = true
    /// Where they are served. Default `/metrics`.
    public var path = "/metrics"
    /// An address of their own, which is open as long as the service runs; nil serves them where clients connect. Default nil.
    public var listen: ListenAddress?
    /// Routes, and models of backends, with numbers of their own; what comes later is counted under `_other`. Default 256.
    public var maxNames = 256

    /// Every default.
    public init() {}

    /// The path where clients may ask for them too; nil where they may not.
    var sharedPath: String? { enabled && listen == nil ? path : nil }

    /// The path at the address of their own; nil where nothing is served.
    var ownPath: String? { enabled && listen != nil ? path : nil }
}

extension MetricsSettings {
    static let fields: [Field<MetricsSettings>] = [
        .value("enabled", \.enabled, .boolean, "Counts requests and calls of models, and serves the counts."),
        .value("path", \.path, .text("a path"), "Where they are served."),
        .optional(
            "listen",
            \.listen,
            .address,
            "An address of their own, for `path` alone; `127.0.0.1:9464` is usual.",
            defaultNote: "where clients connect"
        ),
        .value(
            "max_names",
            \.maxNames,
            .integer(1...100_000),
            "Routes, and models of backends, that are counted by name; those that come later are counted as `_other`."
        ),
    ]
}

extension Configuration {
    /// What is risky about where metrics are; nil when nothing is.
    var metricsWarning: String? {
        guard let shared = metrics.sharedPath, let other = listen.first(where: { !$0.address.isLoopback }) else {
            return nil
        }
        return "\(shared) can be asked for by whoever can connect to \(other.address); set metrics.listen"
    }
}

extension ConfigurationChecks {
    /// Metrics must not stand where something else is, and should not stand where strangers can ask for them.
    func checkMetrics() {
        let settings = configuration.metrics
        let place = SettingPath.root.child("metrics")
        let path = place.child("path")
        if let problem = RouteSettings.problem(withPath: settings.path) {
            return context.report(path, problem)
        }
        if settings.path == "/" { return context.report(path, "the list of routes is at /") }
        checkAddress(of: settings, at: place.child("listen"))
        guard let shared = settings.sharedPath else { return }
        for route in configuration.routes {
            let hint = "set metrics.path to another path, or metrics.listen"
            if route.path == shared {
                context.report(collision(path, with: route), "\(shared) is both a route and where metrics are; \(hint)")
            } else if let endpoint = route.endpoint(colliding: shared) {
                let message =
                    "\(shared) is both where metrics are and the endpoint \(endpoint) of the route \(route.path); \(hint)"
                context.report(collision(path, with: route), message)
            }
        }
        if let warning = configuration.metricsWarning { context.warn(place, warning) }
    }

    /// Where the two collide: at the key that the file has.
    private func collision(_ path: SettingPath, with route: RouteSettings) -> SettingPath {
        context.isSet(path) ? path : SettingPath.root.child("routes").child(route.path)
    }

    private func checkAddress(of settings: MetricsSettings, at place: SettingPath) {
        guard let address = settings.listen else { return }
        if !address.isAnyPort, let index = configuration.listen.firstIndex(where: { $0.address == address }) {
            context.report(place, "the same address as listen[\(index)]")
        }
        if settings.enabled, !address.isLoopback {
            context.warn(place, "metrics can be read at \(address) from other machines, without TLS or a key")
        }
    }
}
