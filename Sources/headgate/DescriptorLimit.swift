import Glibc

/// The number of files and sockets the process may have open.
enum DescriptorLimit {
    /// Raises the soft limit to the hard one: a server needs a descriptor for each connection, and the usual 1,024 are soon used up.
    static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max
        else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
