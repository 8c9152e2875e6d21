/// How a process of the service is replaced by the next one without a gap.
public struct HandoverSettings: Sendable, Equatable {
    /// Where a running process gives its listening sockets to the next one; absolute. Nil: see ``socketPath(runtimeDirectory:)``.
    public var socket: String?

    /// Every default.
    public init() {}

    /// The name of the socket in a runtime directory.
    public static let socketName = "handover.sock"

    /// The socket in force: as configured, else in the first runtime directory that systemd made; nil for none.
    public func socketPath(runtimeDirectory: String?) -> String? {
        if let socket { return socket }
        guard let directory = runtimeDirectory?.split(separator: ":").first else { return nil }
        return "\(directory)/\(HandoverSettings.socketName)"
    }
}

extension HandoverSettings {
    static let fields: [Field<HandoverSettings>] = [
        .optional(
            "socket",
            \.socket,
            .socketPath,
            "Unix socket over which the next process takes the listeners over; for this user and root only.",
            defaultNote: "`handover.sock` in `RUNTIME_DIRECTORY` under systemd, else none"
        )
    ]
}

extension ValueType where Value == String {
    /// The path of a Unix socket of our own, relative to the file's folder or absolute.
    static var socketPath: ValueType {
        // sockaddr_un holds 107 bytes, and the socket appears under a longer name first.
        let longest = 103
        return ValueType("path of a socket") { scalar, context in
            guard let path = absolute(scalar, in: context), !path.hasSuffix("/"), path.utf8.count <= longest else {
                return .failure(Mismatch(expected: "the path of a socket, of at most \(longest) bytes"))
            }
            return .success(path)
        } format: {
            .text($0)
        }
    }
}
