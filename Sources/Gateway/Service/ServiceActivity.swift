/// What a service is doing at a moment.
public struct ServiceActivity: Sendable, Equatable, CustomStringConvertible {
    /// Requests being answered.
    public var requests = 0
    /// How many of them are streams that have begun.
    public var streams = 0

    /// Nothing.
    public init() {}

    /// `12 requests, 3 streams`
    public var description: String {
        "\(requests) request\(requests == 1 ? "" : "s"), \(streams) stream\(streams == 1 ? "" : "s")"
    }
}
