import EventLoop
import Glibc
public import Logging

/// Listening sockets that a start finds open already: the service manager's (`sd_listen_fds(3)`), and those of the process that runs.
///
/// A value with descriptors in it: whoever has it last uses them up or closes them.
public struct GivenSockets: Sendable {
    /// Sockets of one address.
    struct Group: Sendable, Equatable {
        /// As a `listen` entry says it.
        var address: String
        /// One for each socket.
        var descriptors: [Int32]
        /// Whether the service manager keeps them: their paths are not ours to remove.
        var areManaged: Bool
    }

    private(set) var groups: [Group] = []

    /// None.
    public init() {}

    /// The first descriptor that a service manager passes.
    static let firstPassed: Int32 = 3

    /// Takes what `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES` say, and removes the variables. What cannot be listened on is logged
    /// and closed.
    ///
    /// - Parameter supervisor: the process id of a supervisor that the sockets may have been passed to instead.
    public mutating func takeFromServiceManager(supervisor: Int32?, logger: Logger) {
        let variable = { (name: String) in getenv(name).map { String(cString: $0) } }
        let count = variable("LISTEN_FDS").flatMap { Int32($0) } ?? 0
        let owner = variable("LISTEN_PID").flatMap { pid_t($0) }
        let names = variable("LISTEN_FDNAMES")?.split(separator: ":", omittingEmptySubsequences: false) ?? []
        for name in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"] { unsetenv(name) }
        guard (1...1024).contains(count), let owner, owner == getpid() || owner == supervisor else { return }
        // Numbers beyond those that are open belong to whatever this process opens itself.
        for place in 0..<GivenSockets.open(among: count) {
            let descriptor = GivenSockets.firstPassed + place
            let name = Int(place) < names.count ? String(names[Int(place)]) : "unknown"
            guard let address = GivenSocket.address(descriptor) else {
                logger.error(
                    "socket not used",
                    metadata: ["name": "\(name)", "reason": "descriptor \(descriptor) is no listening stream socket"]
                )
                close(descriptor)
                continue
            }
            add([descriptor], at: address.description, areManaged: true)
        }
    }

    /// How many of the first `count` passed descriptors are there; the first one that is not ends them. One that is closed at an exec
    /// did not come through one: the number is one of our own.
    public static func open(among count: Int32) -> Int32 {
        (0..<max(0, count)).first { fcntl(firstPassed + $0, F_GETFD) != 0 } ?? max(0, count)
    }

    /// Adds sockets; a second descriptor of a socket that is here already is closed.
    mutating func add(_ descriptors: [Int32], at address: String, areManaged: Bool) {
        let known = Set(groups.flatMap(\.descriptors).map(GivenSocket.identity))
        var fresh: [Int32] = []
        for descriptor in descriptors {
            if known.contains(GivenSocket.identity(descriptor)) {
                close(descriptor)
            } else {
                GivenSocket.adopt(descriptor)
                fresh.append(descriptor)
            }
        }
        guard !fresh.isEmpty else { return }
        groups.append(Group(address: address, descriptors: fresh, areManaged: areManaged))
    }

    /// The sockets of one `listen` entry, which are then the caller's; nil when there are none.
    mutating func take(_ address: ListenAddress) -> (descriptors: [Int32], areManaged: Bool)? {
        guard let own = SocketAddress(parsing: address.description) else { return nil }
        // Those of a predecessor with port 0 come one group for each entry.
        let isAny = own.port == 0
        let matching = groups.indices.filter { groups[$0].address == own.description }
        let taken = isAny ? Array(matching.prefix(1)) : matching
        guard !taken.isEmpty else { return nil }
        let result = (taken.flatMap { groups[$0].descriptors }, taken.contains { groups[$0].areManaged })
        for index in taken.reversed() { groups.remove(at: index) }
        return result
    }

    /// Closes all.
    mutating func drop() {
        for descriptor in groups.flatMap(\.descriptors) { close(descriptor) }
        groups = []
    }

    /// Adds another's.
    public mutating func add(_ others: GivenSockets) {
        for group in others.groups { add(group.descriptors, at: group.address, areManaged: group.areManaged) }
    }

    /// Closes what no `listen` entry wanted, and says so of the service manager's.
    ///
    /// - Returns: the addresses of a predecessor's, which serves them as long as this process has not taken over.
    mutating func closeRest(logger: Logger) -> [String] {
        defer { drop() }
        for group in groups where group.areManaged {
            logger.error(
                "socket not used",
                metadata: [
                    "address": "\(group.address)",
                    "reason": "the service manager passed it, but no listen entry has it",
                ]
            )
        }
        return groups.filter { !$0.areManaged }.map(\.address)
    }
}

/// The sockets of one listener, as they are handed over.
public struct ListeningSockets: Sendable {
    /// The address as configured, so that port 0 finds itself again.
    public let address: String
    /// One descriptor for each socket.
    public let descriptors: [Int32]

    /// Leaves out copies: several loops may share a socket.
    init(address: ListenAddress, descriptors: [Int32]) {
        self.address = address.description
        var known: Set<UInt64> = []
        self.descriptors = descriptors.filter { known.insert(GivenSocket.identity($0)).inserted }
    }
}
