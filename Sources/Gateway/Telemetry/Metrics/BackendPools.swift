import HTTP
import WorkerPool

/// One loop's clients of backends by name, those that a reload retired and that still serve included.
///
/// Clients are added where a configuration is loaded; ``readings()`` on the loop.
final class BackendPools: Sendable {
    private struct Pool {
        let traffic = Traffic()
        var clients: [Member] = []
    }

    private struct Member {
        weak var client: HTTPClient?
    }

    /// What a backend's connections of this loop are doing.
    struct Reading: Sendable {
        let backend: String
        var busy = 0
        var idle = 0
        var queued = 0
        var received = 0
        var sent = 0

        mutating func add(_ other: Reading) {
            busy += other.busy
            idle += other.idle
            queued += other.queued
            received &+= other.received
            sent &+= other.sent
        }
    }

    private let pools = Locked<[String: Pool]>([:])
    /// Backends with counters of their own; more of them, after many reloads, share one.
    private static let most = 1000

    /// What counts a backend's bytes, whatever clients it has had.
    func traffic(of backend: String) -> Traffic { pools.withLock { Self.pool(backend, &$0).traffic } }

    /// From now on there is this client.
    func add(_ client: HTTPClient, of backend: String) {
        pools.withLock { pools in
            let name = Self.name(backend, pools)
            pools[name, default: Pool()].clients.append(Member(client: client))
        }
    }

    private static func pool(_ backend: String, _ pools: inout [String: Pool]) -> Pool {
        let name = name(backend, pools)
        if let known = pools[name] { return known }
        let made = Pool()
        pools[name] = made
        return made
    }

    private static func name(_ backend: String, _ pools: [String: Pool]) -> String {
        pools[backend] != nil || pools.count < most ? backend : MetricNames.other
    }

    /// All of them, in no order. On the loop.
    func readings() -> [Reading] {
        let all = pools.withLock { pools in
            for name in pools.keys { pools[name]?.clients.removeAll { $0.client == nil } }
            return pools.map {
                (name: $0.key, traffic: $0.value.traffic, clients: $0.value.clients.compactMap(\.client))
            }
        }
        return all.map { pool in
            var reading = Reading(backend: pool.name)
            reading.received = pool.traffic.received
            reading.sent = pool.traffic.sent
            for client in pool.clients {
                let load = client.assumeIsolated { $0.load }
                reading.busy += load.busy
                reading.idle += load.idle
                reading.queued += load.queued
            }
            return reading
        }
    }
}
