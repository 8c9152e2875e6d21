import EventLoop
import Providers

/// How one loop counts what one configuration has: gives its routes and models their numbers.
struct MetricCounting: Sendable {
    private let settings: MetricsSettings
    private let names: MetricNames
    private let telemetry: LoopBound<LoopTelemetry>
    /// Counts permits of pipelines; nil where nothing is counted.
    let permits: PermitCounts?

    init(_ settings: MetricsSettings, _ metrics: GatewayMetrics, _ telemetry: LoopBound<LoopTelemetry>) {
        self.settings = settings
        self.telemetry = telemetry
        names = metrics.names
        permits = settings.enabled ? metrics.permits : nil
    }

    /// A route's number; nil where nothing is counted.
    func number(of route: RouteSettings) -> Int? {
        guard settings.enabled else { return nil }
        let isPipeline = route.pipeline != nil
        let labels = RouteLabels(
            path: route.path,
            operation: isPipeline ? "invoke_workflow" : "chat",
            model: isPipeline ? nil : route.model
        )
        return names.number(of: labels, limit: settings.maxNames)
    }

    /// The number of a backend's model; nil where nothing is counted.
    func number(of model: ModelSettings, _ backend: BackendSettings) -> Int? {
        guard settings.enabled else { return nil }
        let labels = CallLabels(backend: backend.name, provider: backend.dialect.rawValue, model: model.model)
        return names.number(of: labels, limit: settings.maxNames)
    }

    /// What a step of a route calls for each further call of its `retry`.
    func retry(of route: RouteSettings) -> (@Sendable () -> Void)? { counter(of: route) { $0.countRetry($1) } }

    /// What a step of a route calls for each call of its `fallbacks`.
    func fallback(of route: RouteSettings) -> (@Sendable () -> Void)? { counter(of: route) { $0.countFallback($1) } }

    private func counter(
        of route: RouteSettings,
        _ count: @escaping @Sendable (LoopMetrics, Int) -> Void
    ) -> (@Sendable () -> Void)? {
        guard let number = number(of: route) else { return nil }
        let telemetry = telemetry
        return {
            if telemetry.loop.isCurrent {
                count(telemetry.value.metrics, number)
            } else {
                telemetry.loop.execute { count(telemetry.value.metrics, number) }
            }
        }
    }
}
