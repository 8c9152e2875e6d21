/// Where operators look in and take hold: a Unix socket of this machine.
public struct AdminSettings: Sendable, Equatable {
    /// Where the socket is.
    public enum Place: Sendable, Equatable {
        /// `admin.sock` in the directory that systemd made for the service (`RUNTIME_DIRECTORY`); nowhere without one.
        case automatic
        /// Nowhere: no live control.
        case nowhere
        /// An absolute path of at most 96 bytes.
        case path(String)
    }

    /// Default ``Place/automatic``.
    public var socket = Place.automatic
    /// Permission bits of the socket. Default 0660: its owner and group.
    public var mode: UInt32 = 0o660
    /// The socket's group, by name or number, whose members are let in. Default the daemon's own.
    public var group: String?

    /// Every default.
    public init() {}

    /// The socket's path; nil for none.
    ///
    /// - Parameter runtimeDirectory: systemd's `RUNTIME_DIRECTORY`; of several, separated by colons, the first counts.
    public func path(runtimeDirectory: String?) -> String? {
        switch socket {
        case .path(let path): path
        case .nowhere: nil
        case .automatic: runtimeDirectory?.split(separator: ":").first.map { "\($0)/admin.sock" }
        }
    }

    static let fields: [Field<AdminSettings>] = [
        .value(
            "socket",
            \.socket,
            .adminPlace,
            "Where `headgate status`, `top`, `tail`, `kill`, `drain` and `reload` connect; `auto` is `admin.sock` in the runtime directory that systemd made, and none elsewhere."
        ),
        .value("mode", \.mode, .permissions, "Permissions of the socket."),
        .optional(
            "group",
            \.group,
            .token("the name or number of a group"),
            "The socket's group. Root, the daemon's own user and this group's members are let in.",
            defaultNote: "the daemon's own"
        ),
    ]
}

extension ValueType where Value == AdminSettings.Place {
    static var adminPlace: ValueType {
        let expected = "auto, none, or an absolute path of at most \(longestSocketPath) bytes"
        return ValueType("auto, none or a path") { scalar, _ in
            switch scalar.text {
            case "auto": return .success(.automatic)
            case "none": return .success(.nowhere)
            case let path where path.hasPrefix("/") && !path.hasSuffix("/") && path.utf8.count <= longestSocketPath:
                guard !path.utf8.contains(where: { $0 < 0x20 }) else { return .failure(Mismatch(expected: expected)) }
                return .success(.path(path))
            default: return .failure(Mismatch(expected: expected))
            }
        } format: {
            switch $0 {
            case .automatic: .text("auto")
            case .nowhere: .text("none")
            case .path(let path): .text(path)
            }
        }
    }

    /// What `sockaddr_un` holds, less the closing zero and the few bytes that a name for the moment of a takeover needs.
    private static var longestSocketPath: Int { 96 }
}
