import EventLoop
import Providers
import Runnable

/// Counts what happens on one loop: plain integers in arrays, by numbers that were given out when the configuration was loaded. On the
/// loop, without locks.
///
/// Outlives configurations, and never begins again.
final class LoopMetrics {
    private let loop: EventLoop
    /// Whether requests that begin now are counted.
    private(set) var isEnabled = false
    private var requests: [RequestCell?] = []
    private var calls: [CallCell?] = []
    private var steps: [StepCounts] = []
    private var lag = LoopLag()
    private var timer: LoopTimer?
    /// Connections to backends.
    let pools: BackendPools

    // In boxes of their own: a snapshot shares their arrays, and only those that change afterwards are copied.
    private final class RequestCell {
        var counts = RequestCounts()
    }

    private final class CallCell {
        var counts = CallCounts()
    }

    /// Counts nothing until it is enabled. On the loop, or before the loop runs.
    init(loop: EventLoop) {
        self.loop = loop
        pools = BackendPools()
        timer = LoopTimer(on: loop) { [unowned self] in measureLag() }
    }

    /// Counts from now on, or no longer. What began while it was counted is counted to its end.
    func enable(_ enabled: Bool) {
        guard enabled != isEnabled else { return }
        isEnabled = enabled
        if enabled { armLag() } else { timer?.disarm() }
    }

    /// For the last time; safe to call twice.
    func close() {
        timer?.cancel()
        timer = nil
    }

    // MARK: Requests

    /// A request begins to run.
    /// - Parameter route: the route's number; nil counts nothing.
    func began(_ route: Int?, _ endpoint: EndpointLabel) {
        guard let route else { return }
        cell(route, endpoint).counts.active &+= 1
    }

    /// A request has ended.
    func ended(_ report: RunReport, _ record: borrowing AccessRecord) {
        if let run = report.run, let route = run.route.number { cell(route, run.method.label).counts.active &-= 1 }
        guard let route = report.route == nil ? unnamed : report.route?.number else { return }
        cell(route, report.endpoint).counts.add(record, report.endpoint, report.exemplar(record), at: loop.now)
    }

    /// What was sent was no request, or not all of one.
    /// - Parameter route: what it was for, where that is known.
    func rejected(_ record: borrowing AccessRecord, _ route: RouteService?, _ endpoint: EndpointLabel) {
        guard let number = route == nil ? unnamed : route?.number else { return }
        cell(number, endpoint).counts.add(record, endpoint, .request(record.requestID), at: loop.now)
    }

    private var unnamed: Int? { isEnabled ? MetricNames.noRoute : nil }

    private func cell(_ route: Int, _ endpoint: EndpointLabel) -> RequestCell {
        let place = route * EndpointLabel.count + endpoint.rawValue
        if place < requests.count, let cell = requests[place] { return cell }
        while requests.count <= place { requests.append(nil) }
        let cell = RequestCell()
        requests[place] = cell
        return cell
    }

    // MARK: Calls of models

    /// A call begins.
    func began(_ call: ModelCall) {
        guard let number = call.target.number else { return }
        cell(number).counts.active &+= 1
    }

    /// A call is over.
    func ended(_ call: ModelCall) {
        guard let number = call.target.number else { return }
        let cell = cell(number)
        cell.counts.active &-= 1
        cell.counts.add(call)
    }

    private func cell(_ number: Int) -> CallCell {
        if number < calls.count, let cell = calls[number] { return cell }
        while calls.count <= number { calls.append(nil) }
        let cell = CallCell()
        calls[number] = cell
        return cell
    }

    // MARK: Steps

    /// A step of a route calls once more what failed.
    func countRetry(_ route: Int) {
        growSteps(to: route)
        steps[route].retries &+= 1
    }

    /// A step of a route calls something else instead of what failed.
    func countFallback(_ route: Int) {
        growSteps(to: route)
        steps[route].fallbacks &+= 1
    }

    private func growSteps(to route: Int) {
        while steps.count <= route { steps.append(StepCounts()) }
    }

    // MARK: The loop itself

    /// Between two looks at how late the loop is: the only thing that wakes an idle loop for metrics.
    static let lagInterval = Duration.seconds(1)
    private var lagDue = MonotonicTime.distantFuture

    private func armLag() {
        lagDue = .now + Self.lagInterval
        timer?.arm(at: lagDue)
    }

    private func measureLag() {
        guard isEnabled else { return }
        lag.observe(MonotonicTime.now - lagDue)
        armLag()
    }

    // MARK: Reading

    /// Everything as it is now. Cheap: arrays are shared, and copied when they next change.
    func snapshot() -> LoopSnapshot {
        var snapshot = LoopSnapshot()
        for (place, cell) in requests.enumerated() {
            guard let cell, let endpoint = EndpointLabel(rawValue: place % EndpointLabel.count) else { continue }
            snapshot.requests.append((place / EndpointLabel.count, endpoint, cell.counts))
        }
        for (number, cell) in calls.enumerated() {
            guard let cell else { continue }
            snapshot.calls.append((number, cell.counts))
        }
        snapshot.steps = steps
        snapshot.lag = lag
        snapshot.pools = pools.readings()
        return snapshot
    }
}

/// How late a loop comes to what is due.
struct LoopLag: Sendable {
    private(set) var histogram = Histogram(.waits)
    private var latest = 0
    private var before = 0
    private var looks = 0

    /// Looks that share a maximum.
    private static let window = 30

    mutating func observe(_ late: Duration) {
        let late = max(0, Int(late.wholeNanoseconds))
        histogram.observe(late, .waits)
        latest = max(latest, late)
        looks += 1
        guard looks == Self.window else { return }
        (before, latest, looks) = (latest, 0, 0)
    }

    /// The most in the last 30 to 60 looks, in nanoseconds.
    var worst: Int { max(before, latest) }
}

/// One loop's counters at one moment.
struct LoopSnapshot: Sendable {
    /// By number of the route and endpoint.
    var requests: [(route: Int, endpoint: EndpointLabel, counts: RequestCounts)] = []
    /// By number of the backend's model.
    var calls: [(number: Int, counts: CallCounts)] = []
    /// By number of the route.
    var steps: [StepCounts] = []
    var lag = LoopLag()
    var pools: [BackendPools.Reading] = []
    /// Client connections: open now, and accepted so far.
    var connections = 0
    var accepted = 0
    /// Bytes of clients' connections.
    var received = 0
    var sent = 0
}

extension EndpointLabel {
    /// How many there are.
    static let count = allCases.count
}
