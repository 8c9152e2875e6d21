extension Configuration {
    /// What to warn of when `server.max_connections` promises more than the process's descriptors allow; nil when it fits.
    ///
    /// Each client may have an upstream call under way, as far as the backends' pools let it.
    ///
    /// - Parameter available: descriptors for connections.
    public func warning(descriptors available: Int) -> String? {
        let clients = server.maxConnections
        let pools = backends.filter { $0.dialect != .mock }.reduce(0) { $0 + $1.maxConnections * loopCount }
        let upstreams = min(clients, pools)
        let needed = clients + upstreams
        guard needed > available else { return nil }
        return "server.max_connections: \(clients) clients and \(upstreams) upstream connections need \(needed) "
            + "descriptors, but there are \(available) for them; clients beyond that wait in the kernel's queue. "
            + "Raise the limit (LimitNOFILE of systemd, ulimit -n) or lower server.max_connections"
    }
}
