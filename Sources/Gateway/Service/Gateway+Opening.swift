import EventLoop
import Glibc
import HTTP
import TLS

// What a start and a reload open: sockets that are listened on, and certificates.

extension Gateway {
    /// Sockets of one `listen` entry.
    struct OpenListener {
        /// As the configuration has it.
        var configured: ListenAddress
        /// With its real port.
        var address: ListenAddress
        var byLoop: [[Int32]]
        /// Whether it was open already.
        var isGiven = false
        var isManaged = false
        /// Of a Unix socket.
        var file: SocketFile?

        /// What this process has put into the file system.
        var openedFile: SocketFile? { isGiven ? nil : file }
    }

    /// Takes or opens the sockets of an entry.
    static func open(
        _ settings: ListenerSettings,
        count: Int,
        given: inout GivenSockets
    ) throws(LoopError) -> OpenListener {
        if let taken = given.take(settings.address) {
            let port = Socket.localAddress(taken.descriptors[0])?.port
            return OpenListener(
                configured: settings.address,
                address: settings.address.withPort(port),
                byLoop: try GivenSocket.spread(taken.descriptors, over: count),
                isGiven: true,
                isManaged: taken.areManaged,
                file: file(of: settings.address)
            )
        }
        let opened = try open(settings, count: count)
        return OpenListener(
            configured: settings.address,
            address: settings.address.withPort(opened.address.port),
            byLoop: opened.descriptors.map { [$0] },
            file: file(of: settings.address)
        )
    }

    static func file(of address: ListenAddress) -> SocketFile? {
        if case .unix(let path) = address { SocketFile(path) } else { nil }
    }

    /// Opens the sockets of an entry, with the permissions it says.
    static func open(
        _ settings: ListenerSettings,
        count: Int
    ) throws(LoopError) -> (descriptors: [Int32], address: SocketAddress) {
        guard let address = SocketAddress(parsing: settings.address.description) else {
            throw LoopError("listen on \(settings.address)", number: EINVAL)
        }
        guard let mode = settings.mode else { return try Listener.open(address, count: count) }
        // The socket gets its permissions as it appears: a chmod afterwards would leave a moment with the wrong ones.
        let before = umask(0o777 & ~mode_t(mode))
        defer { umask(before) }
        return try Listener.open(address, count: count)
    }

    /// Accepts connections from now on.
    static func serve(
        _ listeners: [OpenListener],
        _ certificates: [Int: TLSContext],
        on runtimes: [LoopRuntime]
    ) async throws {
        for (number, runtime) in runtimes.enumerated() {
            // A listener's number tells its certificate: every loop has as many of each.
            for (place, listener) in listeners.enumerated() {
                for descriptor in listener.byLoop[number] {
                    try await runtime.server.listen(descriptor: descriptor, tls: certificates[place], group: place)
                }
            }
        }
    }

    static func listenerCertificates(
        _ listeners: [ListenerSettings],
        file: String
    ) throws(ConfigurationErrors) -> [Int: TLSContext] {
        var contexts: [Int: TLSContext] = [:]
        var errors: [ConfigurationError] = []
        for (number, listener) in listeners.enumerated() {
            guard let files = listener.tls else { continue }
            do throws(TLSError) {
                contexts[number] = try TLSContext.server(
                    certificateChainFile: files.certificate,
                    privateKeyFile: files.key,
                    alpn: ["http/1.1"]
                )
            } catch {
                errors.append(
                    ConfigurationError(file: file, line: nil, key: "listen[\(number)]", message: error.description)
                )
            }
        }
        guard errors.isEmpty else { throw ConfigurationErrors(errors: errors) }
        return contexts
    }
}

extension ListenAddress {
    fileprivate func withPort(_ port: UInt16?) -> ListenAddress {
        guard let port else { return self }
        switch self {
        case .ipv4(let host, _): return .ipv4(host: host, port: port)
        case .ipv6(let host, _): return .ipv6(host: host, port: port)
        case .unix: return self
        }
    }
}
