import EventLoop
import Glibc
import HTTP
public import Runnable

/// Speaks to a daemon's admin socket. Blocks, for commands; each call is a connection of its own, and none waits for ever.
public struct AdminClient: Sendable {
    /// Why there is no answer.
    public enum Failure: Error, CustomStringConvertible {
        /// Nobody listens, or nobody may be asked.
        case unreachable(path: String, number: Int32, reason: String)
        /// Somebody listens, and is not whom we want: does not answer in time, or makes no sense, or serves something else.
        case noAnswer(String)
        /// What was asked for is not given, and why.
        case refused(String)

        /// For operators.
        public var description: String {
            switch self {
            case .unreachable(let path, let number, let reason):
                switch number {
                case EACCES, EPERM:
                    "\(path): permission denied: be root, the daemon's user, or a member of the socket's group"
                case ENOENT, ECONNREFUSED: "\(path): no daemon listens there (\(reason))"
                default: "\(path): \(reason)"
                }
            case .noAnswer(let reason), .refused(let reason): reason
            }
        }
    }

    /// What the daemon said.
    public struct Reply: Sendable {
        /// HTTP's status.
        public let status: Int
        /// As it came.
        public let body: [UInt8]
        /// The body as JSON; null when it is none.
        public let value: Value
        /// The daemon's process, in our own namespace.
        public let pid: Int32

        /// What it says about a failure.
        public var error: String { value["error"]?.string ?? "the daemon answered with status \(status)" }
    }

    /// The socket's path.
    public let path: String

    /// A client of the daemon at that path; connects with each call.
    public init(path: String) { self.path = path }

    /// A path with a query.
    public static func target(_ path: String, _ query: [(name: String, value: String)]) -> String {
        let pairs = query.map { "\($0.name)=\(AdminQuery.encoded($0.value))" }
        return pairs.isEmpty ? path : "\(path)?\(pairs.joined(separator: "&"))"
    }

    /// Asks for something.
    ///
    /// - Parameter patience: for all of it; default 5 s: a daemon with a stuck loop needs one of them.
    public func get(_ target: String, patience: Duration = .seconds(5)) throws(Failure) -> Reply {
        try exchange(.get, target, [], .now + patience)
    }

    /// Has something done.
    public func post(_ target: String, _ body: Value? = nil, patience: Duration = .seconds(5)) throws(Failure) -> Reply
    {
        var bytes: [UInt8] = []
        body?.appendJSON(to: &bytes)
        return try exchange(.post, target, bytes, .now + patience)
    }

    /// Makes sure that the daemon serves this configuration file. One that does not answer has not said otherwise.
    ///
    /// - Throws: ``Failure`` when it says that it serves another.
    public func expect(configuration file: String) throws(Failure) {
        guard let reply = try? get("/status"), let served = reply.value["configuration"]?["file"]?.string,
            !ServiceSockets.isSame(file, served, of: reply.pid)
        else { return }
        throw .noAnswer("\(path): the daemon there serves \(served), not \(file)")
    }

    private func exchange(
        _ method: HTTPMethod,
        _ target: String,
        _ body: [UInt8],
        _ deadline: MonotonicTime
    ) throws(Failure) -> Reply {
        let connection = try AdminConnection(path)
        try connection.send(method, target, body, deadline)
        var answer: [UInt8] = []
        let status = try connection.receive(responseTo: method, until: deadline) { _, part in
            answer.append(contentsOf: part)
            return true
        }
        return connection.reply(status, answer)
    }
}
