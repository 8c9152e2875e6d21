import Runnable

/// One configured route as one loop serves it: its settings, and the model behind it with this loop's connections.
struct RouteService: Sendable {
    let settings: RouteSettings
    let model: any ChatModel
    /// The backend's name, for logs.
    let backend: String
    let timeouts: TimeoutSettings
}
