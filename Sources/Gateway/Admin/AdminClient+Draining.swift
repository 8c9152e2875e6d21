import Glibc
public import Runnable

/// A process that has handed over, or been told to stop, and finishes what it has begun beside the one that serves: at an admin socket
/// of its own, whose name is that of the other's and its process id.
public struct DrainingProcess: Sendable {
    /// Speaks to it.
    public let client: AdminClient
    /// What it says of itself.
    public let status: Value
    /// Its process id, as it says.
    public var pid: Int { status["pid"]?.integer ?? 0 }
}

extension AdminClient {
    /// How long one of these processes is waited for: it may be ending.
    private static let drainingPatience = Duration.seconds(2)

    /// The processes that drain beside the one at this path.
    ///
    /// - Parameter pid: that one's, which may be draining itself.
    public func draining(beside pid: Int?) -> [DrainingProcess] {
        AdminSocket.besides(path).compactMap { path in
            let client = AdminClient(path: path)
            guard let reply = try? client.get("/status", patience: AdminClient.drainingPatience), reply.status == 200,
                reply.value["state"]?.string == "draining", reply.value["pid"]?.integer != pid
            else { return nil }
            return DrainingProcess(client: client, status: reply.value)
        }
    }

    /// The status of the process at this path, with those that drain beside it as `draining`.
    public func statusOfAll(patience: Duration = .seconds(5)) throws(Failure) -> (reply: Reply, value: Value) {
        let reply = try get("/status", patience: patience)
        let draining = draining(beside: reply.value["pid"]?.integer)
        guard !draining.isEmpty, var object = reply.value.object else { return (reply, reply.value) }
        object["draining"] = .array(draining.map(\.status))
        return (reply, .object(object))
    }

    /// The first requests in an order, of the process at this path and of those that drain beside it.
    ///
    /// - Returns: its reply, and an object as it sends it, to which the others' requests were added with their process as
    ///   `draining_pid`.
    public func requestsOfAll(
        _ limit: Int,
        _ order: RequestOrder,
        patience: Duration = .seconds(5)
    ) throws(Failure) -> (reply: Reply, value: Value) {
        let target = AdminClient.target("/requests", [("limit", "\(limit)"), ("sort", order.rawValue)])
        let reply = try get(target, patience: patience)
        guard reply.status == 200, var object = reply.value.object else { return (reply, reply.value) }
        let paths = AdminSocket.besides(path)
        guard !paths.isEmpty else { return (reply, reply.value) }
        var rows = reply.rows
        for process in draining(beside: (try? get("/status", patience: patience))?.value["pid"]?.integer) {
            guard let other = try? process.client.get(target, patience: AdminClient.drainingPatience) else { continue }
            rows += other.rows.map { row in
                var row = row
                row.draining = process.pid
                return row
            }
            for key in ["total", "streams"] {
                object[key] = .integer((object[key]?.integer ?? 0) + (other.value[key]?.integer ?? 0))
            }
        }
        rows.sort { $0.rank(by: order) > $1.rank(by: order) }
        object["requests"] = .array(rows.prefix(limit).map(\.json))
        return (reply, .object(object))
    }

    /// The client of the process that has the one request whose id, or whose run's, begins with `prefix`: this one, unless only one that
    /// drains has it.
    ///
    /// - Throws: ``Failure`` when this process and a draining one have such requests, and none has the whole id.
    public func client(forRequest prefix: String) throws(Failure) -> AdminClient {
        var found: [(client: AdminClient, rows: [RequestRow])] = []
        let draining = draining(beside: nil)
        guard !draining.isEmpty else { return self }
        for client in [self] + draining.map(\.client) {
            let rows = try client.get("/requests?limit=1000").rows
            found.append((client, rows.filter { $0.id.hasPrefix(prefix) || $0.runID.hasPrefix(prefix) }))
        }
        found.removeAll(where: \.rows.isEmpty)
        if let whole = found.first(where: { $0.rows.contains { $0.id == prefix || $0.runID == prefix } }) {
            return whole.client
        }
        guard found.count < 2 else {
            throw .refused("several processes have requests with ids that begin with \(prefix): give the whole id")
        }
        return found.first?.client ?? self
    }
}

extension AdminClient.Reply {
    fileprivate var rows: [RequestRow] { (value["requests"]?.array ?? []).compactMap { RequestRow($0) } }
}
