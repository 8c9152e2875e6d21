/// The base URL of an upstream: scheme, host, port and path; never user information, query or fragment.
public struct UpstreamURL: Sendable, Hashable, CustomStringConvertible {
    /// How the upstream is reached.
    public enum Scheme: String, Sendable {
        case http, https
    }

    /// `http` or `https`.
    public let scheme: Scheme
    /// Lower-case name or address, an IPv6 address without its brackets.
    public let host: String
    /// As written, else 80 or 443.
    public let port: UInt16
    /// Empty, or `/` and segments without a slash at the end.
    public let path: String

    /// Trusts the parts.
    public init(scheme: Scheme, host: String, port: UInt16? = nil, path: String = "") {
        self.scheme = scheme
        self.host = host
        self.port = port ?? (scheme == .https ? 443 : 80)
        self.path = path
    }

    /// Whether the port is the scheme's own and so need not be written.
    public var hasDefaultPort: Bool { port == (scheme == .https ? 443 : 80) }

    /// Host and port as in a `Host` field: brackets around IPv6, no default port.
    public var authority: String {
        let bracketed = host.contains(":") ? "[\(host)]" : host
        return hasDefaultPort ? bracketed : "\(bracketed):\(port)"
    }

    /// The whole URL, without a default port.
    public var description: String { "\(scheme.rawValue)://\(authority)\(path)" }

    /// Whether the host is this machine: `localhost`, 127.0.0.0/8 or ::1.
    public var isLoopback: Bool {
        host == "localhost" || host.hasSuffix(".localhost") || IPv6.isLoopback(host)
            || (host.hasPrefix("127.") && IPv4.isValid(host))
    }
}
