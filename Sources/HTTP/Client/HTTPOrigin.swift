/// Where a client connects to: scheme, host and port.
public struct HTTPOrigin: Sendable, Hashable, CustomStringConvertible {
    /// Whether connections are secured with TLS.
    public let isSecure: Bool
    /// The host name or IP literal, without brackets; also the name that certificates are checked against.
    public let host: String
    /// The TCP port.
    public let port: UInt16

    /// Makes an origin; `port` defaults to 443 or 80.
    public init(isSecure: Bool, host: String, port: UInt16? = nil) {
        self.isSecure = isSecure
        self.host = host
        self.port = port ?? (isSecure ? 443 : 80)
    }

    /// The value of the Host field: brackets around IPv6 literals, the port only where it is not the scheme's own.
    public var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// As a URL.
    public var description: String { "\(isSecure ? "https" : "http")://\(authority)" }
}
