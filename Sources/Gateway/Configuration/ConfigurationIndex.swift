/// What a configuration has by name, for those who look up many names: one by one each would search all of them.
struct ConfigurationIndex: Sendable {
    private let routes: [String: RouteSettings]
    private let names: [Kind: Set<String>]

    /// What has names that others refer to.
    enum Kind: String, Sendable {
        case backend, model, route
    }

    init(_ configuration: Configuration) {
        // A name given twice is reported elsewhere.
        routes = Dictionary(configuration.routes.map { ($0.path, $0) }) { first, _ in first }
        names = [
            .backend: Set(configuration.backends.map(\.name)), .model: Set(configuration.models.map(\.name)),
            .route: Set(routes.keys),
        ]
    }

    /// The route mounted at exactly that path.
    func route(_ path: String) -> RouteSettings? { routes[path] }

    /// Whether there is one of that name.
    func has(_ kind: Kind, _ name: String) -> Bool { names[kind]?.contains(name) == true }

    /// The routes below which `path` is: those that could have it as an endpoint.
    func routes(above path: String) -> [RouteSettings] {
        path.indices.compactMap { place in
            guard path[place] == "/" else { return nil }
            return routes[place == path.startIndex ? "/" : String(path[..<place])]
        }
    }
}

extension Configuration {
    /// The names of a kind, in the configuration's order.
    func names(_ kind: ConfigurationIndex.Kind) -> [String] {
        switch kind {
        case .backend: backends.map(\.name)
        case .model: models.map(\.name)
        case .route: routes.map(\.path)
        }
    }
}
