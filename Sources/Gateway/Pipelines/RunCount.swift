/// How many steps of a route can run for one input: parallels of routes that are parallels multiply. Lists' elements count once, as `max_batch`
/// and `max_concurrency` bound them.
struct RunCount {
    /// More are refused when the configuration is read: one request would be a flood.
    static let most = 1000

    private let index: ConfigurationIndex
    private var known: [String: Int] = [:]
    private var open: Set<String> = []

    init(_ configuration: Configuration) { index = ConfigurationIndex(configuration) }

    /// The count of a route; numbers beyond ``most`` are only that.
    mutating func of(_ route: RouteSettings) -> Int {
        if let count = known[route.path] { return count }
        guard let steps = route.pipeline else { return 1 }
        // A cycle is reported elsewhere.
        guard open.insert(route.path).inserted else { return 1 }
        let count = of(steps)
        open.remove(route.path)
        known[route.path] = count
        return count
    }

    private mutating func of(_ steps: [StepSettings]) -> Int {
        var sum = 0
        for step in steps { sum = min(sum + of(step), Self.most + 1) }
        return sum
    }

    private mutating func of(_ step: StepSettings) -> Int {
        var count = 1
        for named in (step.parallel ?? []) + (step.assign ?? []) { count += of(named.steps) }
        count += step.branch?.map { arm in of(arm.steps) }.max() ?? 0
        if let map = step.map { count += of(map) }
        if let path = step.route, let route = index.route(path) { count += of(route) }
        for other in step.others { count = max(count, of(other)) }
        return min(count, Self.most + 1)
    }
}
