/// One place where clients connect.
public struct ListenerSettings: Sendable, Equatable {
    /// The socket to bind.
    public var address: ListenAddress
    /// Certificate and key; nil serves plain HTTP.
    public var tls: CertificateFiles?
    /// Permission bits of a Unix socket. Default 0660: its owner and group. Nil for TCP.
    public var mode: UInt32?

    /// A listener without TLS; a Unix socket gets the default permissions.
    public init(address: ListenAddress, tls: CertificateFiles? = nil, mode: UInt32? = nil) {
        self.address = address
        self.tls = tls
        if case .unix = address { self.mode = mode ?? 0o660 } else { self.mode = nil }
    }
}

/// An address to listen on. `description` is the spelling of the file: `127.0.0.1:8080`, `[::1]:8080`, `unix:/path`.
public enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// Dotted address; port 0 takes any free port.
    case ipv4(host: String, port: UInt16)
    /// Address without brackets; port 0 takes any free port.
    case ipv6(host: String, port: UInt16)
    /// Absolute path of at most 107 bytes.
    case unix(path: String)

    /// The spelling of the configuration file.
    public var description: String {
        switch self {
        case .ipv4(let host, let port): "\(host):\(port)"
        case .ipv6(let host, let port): "[\(host)]:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// Whether only this machine can connect: 127.0.0.0/8, ::1 and Unix sockets.
    public var isLoopback: Bool {
        switch self {
        case .ipv4(let host, _): host.hasPrefix("127.")
        case .ipv6(let host, _): IPv6.isLoopback(host)
        case .unix: true
        }
    }
}

/// A certificate chain and its private key, as absolute paths of PEM files. Re-read on reload.
public struct CertificateFiles: Sendable, Equatable {
    /// PEM file: the certificate, then its intermediates.
    public var certificate: String
    /// PEM file with the private key.
    public var key: String

    /// Paths as given; nothing is read.
    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}
