/// Is told where an exchange stands. Called on the client's loop.
public protocol ExchangeObserver: AnyObject, Sendable {
    /// The request has begun, or has stopped, to wait for a connection.
    func isQueued(_ isQueued: Bool)
}
