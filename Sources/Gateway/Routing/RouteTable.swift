import Runnable

/// Finds what serves a path. Made once per configuration and loop; a look-up is one hash.
struct RouteTable: Sendable {
    /// What a path leads to.
    enum Endpoint: Sendable {
        case run(RouteDoor, RunMethod)
        case about(RouteDoor, AboutPage)
        case feedback(RouteDoor, FeedbackKind)
        case health
        case ready
        case index
        case openAPI
        case docs
        case metrics
    }

    /// What a route does for its callers, by POST.
    enum RunMethod: Sendable, CaseIterable {
        case invoke
        case batch
        case stream
        case streamLog
        case streamEvents

        /// The path's last segment.
        var name: StaticString { label.name }

        var label: EndpointLabel {
            switch self {
            case .invoke: .invoke
            case .batch: .batch
            case .stream: .stream
            case .streamLog: .streamLog
            case .streamEvents: .streamEvents
            }
        }

        var endpoint: RouteSettings.EndpointName {
            switch self {
            case .invoke: .invoke
            case .batch: .batch
            case .stream: .stream
            case .streamLog: .streamLog
            case .streamEvents: .streamEvents
            }
        }
    }

    /// What a route says about itself, by GET.
    enum AboutPage: Sendable, CaseIterable {
        case inputSchema
        case outputSchema
        case configSchema
        case playground

        /// The path below the route's.
        var name: StaticString { label.name }

        var label: EndpointLabel {
            switch self {
            case .inputSchema: .inputSchema
            case .outputSchema: .outputSchema
            case .configSchema: .configSchema
            case .playground: .playground
            }
        }

        var endpoint: RouteSettings.EndpointName {
            switch self {
            case .inputSchema: .inputSchema
            case .outputSchema: .outputSchema
            case .configSchema: .configSchema
            case .playground: .playground
            }
        }
    }

    private var endpoints: [String: Endpoint] = [
        "/health": .health, "/ready": .ready, "/": .index, "/openapi.json": .openAPI, "/docs": .docs,
    ]
    /// The mounted routes in the configuration's order.
    let routes: [RouteService]

    /// - Parameter metrics: the path of the metrics, where clients may ask for them.
    init(_ doors: [RouteDoor], metrics: String? = nil) {
        routes = doors.map(\.route)
        if let metrics { endpoints[metrics] = .metrics }
        for door in doors {
            let settings = door.route.settings
            let prefix = settings.path == "/" ? "" : settings.path
            for method in RunMethod.allCases where settings.endpoints.contains(method.endpoint) {
                endpoints["\(prefix)/\(method.name)"] = .run(door, method)
            }
            for page in AboutPage.allCases where settings.endpoints.contains(page.endpoint) {
                endpoints["\(prefix)/\(page.name)"] = .about(door, page)
            }
            for kind in FeedbackKind.allCases where settings.endpoints.contains(kind.endpoint) {
                endpoints["\(prefix)/\(kind.endpoint.rawValue)"] = .feedback(door, kind)
            }
        }
    }

    /// What serves `path`, which is matched as it stands: nothing is decoded or normalised.
    subscript(path: String) -> Endpoint? { endpoints[path] }

    /// What serves a path with a config hash in it, `PREFIX/c/HASH/ENDPOINT`; nil for any other path. The feedback family has no such
    /// variants.
    func hashed(_ path: String) -> (endpoint: Endpoint, hash: String)? {
        // Both a route's path and a hash may be a `c`, so the first place from the end that leads somewhere counts. Behind it are the
        // hash and the endpoint, `playground/` with the most slashes.
        var end = path.endIndex
        for _ in 0..<4 {
            guard let slash = path[..<end].lastIndex(of: "/") else { return nil }
            end = slash
            guard path[slash...].hasPrefix("/c/") else { continue }
            let rest = path[slash...].dropFirst(3)
            guard let next = rest.firstIndex(of: "/"), next > rest.startIndex else { continue }
            switch endpoints[String(path[..<slash] + rest[next...])] {
            case .run(let door, let method)?: return (.run(door, method), String(rest[..<next]))
            case .about(let door, let page)?: return (.about(door, page), String(rest[..<next]))
            case .feedback, .health, .ready, .index, .openAPI, .docs, .metrics, nil: continue
            }
        }
        return nil
    }
}

extension RouteTable.Endpoint {
    /// The route's door; nil for what belongs to the daemon itself.
    var door: RouteDoor? {
        switch self {
        case .run(let door, _), .about(let door, _), .feedback(let door, _): door
        case .health, .ready, .index, .openAPI, .docs, .metrics: nil
        }
    }

    /// What logs and metrics call it.
    var label: EndpointLabel {
        switch self {
        case .run(_, let method): method.label
        case .about(_, let page): page.label
        case .feedback(_, let kind): kind.label
        case .health: .health
        case .ready: .ready
        case .index: .index
        case .openAPI: .openAPI
        case .docs: .docs
        case .metrics: .metrics
        }
    }
}
