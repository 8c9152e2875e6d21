/// Finds what serves a path. Made once per configuration and loop; a look-up is one hash.
struct RouteTable: Sendable {
    /// What a path leads to.
    enum Endpoint: Sendable {
        case run(LangServeDoor, RunMethod)
        case health
        case ready
        case index
    }

    /// The methods of a route.
    enum RunMethod: Sendable, CaseIterable {
        case invoke
        case batch
        case stream

        /// The path's last segment, and the endpoint's name in logs.
        var name: StaticString {
            switch self {
            case .invoke: "invoke"
            case .batch: "batch"
            case .stream: "stream"
            }
        }
    }

    private var endpoints: [String: Endpoint] = ["/health": .health, "/ready": .ready, "/": .index]
    /// The mounted routes in the configuration's order, for the index.
    let routes: [RouteService]

    init(_ doors: [LangServeDoor]) {
        routes = doors.map(\.route)
        for door in doors {
            let prefix = door.route.settings.path == "/" ? "" : door.route.settings.path
            for method in RunMethod.allCases { endpoints["\(prefix)/\(method.name)"] = .run(door, method) }
        }
    }

    /// What serves `path`, which is matched as it stands: nothing is decoded or normalised.
    subscript(path: String) -> Endpoint? { endpoints[path] }
}
