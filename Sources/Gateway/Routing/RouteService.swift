import Runnable

/// One configured route as one loop serves it, apart from what it runs.
final class RouteService: Sendable {
    let settings: RouteSettings
    /// The backends' names, for logs: those of all models it may ask, each once.
    let backend: String
    let timeouts: TimeoutSettings
    /// Whether a run ends when its client goes.
    let abortsOnDisconnect: Bool
    /// What it takes and gives.
    let shape: RouteShape
    /// What callers may choose.
    let specs: [ConfigurableSpec]
    /// Its number in ``MetricNames``; nil where nothing is counted.
    let number: Int?

    init(
        settings: RouteSettings,
        backend: String,
        timeouts: TimeoutSettings,
        abortsOnDisconnect: Bool = true,
        shape: RouteShape,
        specs: [ConfigurableSpec] = [],
        number: Int? = nil
    ) {
        self.settings = settings
        self.backend = backend
        self.timeouts = timeouts
        self.abortsOnDisconnect = abortsOnDisconnect
        self.shape = shape
        self.specs = specs
        self.number = number
    }
}
