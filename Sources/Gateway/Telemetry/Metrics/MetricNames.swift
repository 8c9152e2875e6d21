import WorkerPool

/// What a route is called in metrics.
struct RouteLabels: Sendable, Hashable {
    /// Its path.
    var path: String
    /// `gen_ai.operation.name`: `chat` for a model, `invoke_workflow` for a pipeline.
    var operation: String
    /// The name of its model in the configuration; nil for a pipeline.
    var model: String?
}

/// What a backend's model is called in metrics.
struct CallLabels: Sendable, Hashable {
    /// The backend's name in the configuration.
    var backend: String
    /// `gen_ai.provider.name`: the dialect.
    var provider: String
    /// `gen_ai.request.model`: the model's name upstream.
    var model: String
}

/// Gives numbers to what the configurations of this process name: counters lie in arrays by these numbers, the same on all loops.
///
/// Numbers stay until the process ends, so that counters never begin again. Any thread; used where a configuration is loaded and where
/// metrics are written, never for a request.
final class MetricNames: Sendable {
    /// Requests to no route.
    static let noRoute = 0
    /// Routes, and models of backends, that there was no number left for.
    static let other = "_other"
    private static let otherRoute = 1
    private static let otherCall = 0

    private struct State {
        var routes: [RouteLabels] = [
            RouteLabels(path: "-", operation: "-"), RouteLabels(path: other, operation: other),
        ]
        var routeNumbers: [RouteLabels: Int] = [:]
        var calls: [CallLabels] = [CallLabels(backend: other, provider: other, model: other)]
        var callNumbers: [CallLabels: Int] = [:]
        var overflowed: Set<String> = []
    }

    private let state = Locked(State())

    /// What is counted under ``other`` is noted so often at most.
    private static let mostNoted = 10_000

    /// The number of a route.
    /// - Parameter limit: how many may have numbers of their own.
    func number(of route: RouteLabels, limit: Int) -> Int {
        state.withLock { state in
            if let known = state.routeNumbers[route] { return known }
            guard state.routeNumbers.count < limit else {
                Self.note("route \(route.path)", &state)
                return Self.otherRoute
            }
            state.routes.append(route)
            state.routeNumbers[route] = state.routes.count - 1
            return state.routes.count - 1
        }
    }

    /// The number of a backend's model.
    /// - Parameter limit: how many may have numbers of their own.
    func number(of call: CallLabels, limit: Int) -> Int {
        state.withLock { state in
            if let known = state.callNumbers[call] { return known }
            guard state.callNumbers.count < limit else {
                Self.note("model \(call.backend) \(call.model)", &state)
                return Self.otherCall
            }
            state.calls.append(call)
            state.callNumbers[call] = state.calls.count - 1
            return state.calls.count - 1
        }
    }

    private static func note(_ name: String, _ state: inout State) {
        if state.overflowed.count < mostNoted { state.overflowed.insert(name) }
    }

    /// All of them by number, and how many have none of their own.
    var all: (routes: [RouteLabels], calls: [CallLabels], overflowed: Int) {
        state.withLock { ($0.routes, $0.calls, $0.overflowed.count) }
    }
}
