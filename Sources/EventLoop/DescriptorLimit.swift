import Glibc
import Synchronization

/// The number of descriptors the process may have, and how far connections may use it up.
///
/// A process without any descriptor left cannot open a file, and parts of the system that do not expect that end it: libdispatch's
/// thread pool traps. So connections never take the last ones, and clients leave some for the upstream calls they cause.
/// The kernel hands out the lowest free number, so a number tells how many are taken.
public enum DescriptorLimit {
    /// Numbers from here on are not for clients, and from here on not for upstreams. No limits until ``raise()``.
    private static let clientEnd = Atomic<Int32>(.max)
    private static let upstreamEnd = Atomic<Int32>(.max)

    /// What ``raise()`` keeps back at most, for files, name look-ups and libraries.
    private static let largestReserve: Int32 = 32

    /// Raises the soft limit to the hard one (a server needs a descriptor for each connection, and the usual 1,024 are soon used
    /// up), and keeps the last descriptors back from then on.
    ///
    /// - Returns: how many descriptors are left for connections.
    @discardableResult
    public static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        if limit.rlim_cur < limit.rlim_max {
            let soft = limit.rlim_cur
            limit.rlim_cur = limit.rlim_max
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 { limit.rlim_cur = soft }
        }
        let count = Int32(clamping: limit.rlim_cur)
        let (clients, upstreams) = ends(count)
        clientEnd.store(clients, ordering: .relaxed)
        upstreamEnd.store(upstreams, ordering: .relaxed)
        return Int(upstreams)
    }

    /// The first numbers that clients and that upstream connections may not have. Small limits keep back less.
    ///
    /// A client takes its number before the upstream call it causes does: a sixteenth is for calls under way to new upstreams. More
    /// would keep out clients there is room for, as each needs two numbers: with 20,000, 9,000 streams.
    static func ends(_ limit: Int32) -> (clients: Int32, upstreams: Int32) {
        let upstreams = limit - min(largestReserve, limit / 8)
        return (upstreams - upstreams / 16, upstreams)
    }

    /// The first number that no client may have.
    public static var endOfClients: Int32 { clientEnd.load(ordering: .relaxed) }

    /// Whether somebody got a number that is not for clients since ``hasRoom(below:copying:)`` last looked: listeners then look
    /// before they accept, or each of them would take one too many.
    static var isShort: Bool { short.load(ordering: .relaxed) }
    private static let short = Atomic<Bool>(false)

    /// Remembers that a number like this one was given out.
    static func note(_ descriptor: Int32) {
        if descriptor >= endOfClients { short.store(true, ordering: .relaxed) }
    }

    /// Whether an upstream connection may not have this number.
    static func isKeptBack(_ descriptor: Int32) -> Bool {
        note(descriptor)
        return descriptor >= upstreamEnd.load(ordering: .relaxed)
    }

    /// Whether a number below `end` is free; found out by copying `descriptor` for a moment.
    static func hasRoom(below end: Int32, copying descriptor: Int32) -> Bool {
        let lowest = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard lowest >= 0 else { return false }
        close(lowest)
        if lowest < endOfClients { short.store(false, ordering: .relaxed) }
        return lowest < end
    }
}
