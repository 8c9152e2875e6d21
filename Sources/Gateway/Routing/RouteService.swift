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

    init(
        settings: RouteSettings,
        backend: String,
        timeouts: TimeoutSettings,
        abortsOnDisconnect: Bool = true,
        shape: RouteShape,
        specs: [ConfigurableSpec] = []
    ) {
        self.settings = settings
        self.backend = backend
        self.timeouts = timeouts
        self.abortsOnDisconnect = abortsOnDisconnect
        self.shape = shape
        self.specs = specs
    }
}
