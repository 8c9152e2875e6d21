import Runnable

/// One configured route as one loop serves it: its settings, and the model behind it with this loop's connections.
final class RouteService: Sendable {
    let settings: RouteSettings
    let model: any ChatModel
    /// The backend's name, for logs.
    let backend: String
    let timeouts: TimeoutSettings
    /// Whether a run ends when its client goes.
    let abortsOnDisconnect: Bool

    init(
        settings: RouteSettings,
        model: any ChatModel,
        backend: String,
        timeouts: TimeoutSettings,
        abortsOnDisconnect: Bool = true
    ) {
        self.settings = settings
        self.model = model
        self.backend = backend
        self.timeouts = timeouts
        self.abortsOnDisconnect = abortsOnDisconnect
    }
}
