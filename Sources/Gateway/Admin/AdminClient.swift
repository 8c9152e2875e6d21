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
            case .noAnswer(let reason): reason
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

    /// Silence after which a follower counts as forgotten: the daemon sends something every 15 s.
    private static let longestSilence = Duration.seconds(60)

    /// Follows a stream of lines to its end, or until `take` returns false.
    ///
    /// - Parameter take: gets each line without its end; blank ones are left out.
    /// - Returns: the reply without a body when there were lines to follow; else the refusal.
    public func follow(_ target: String, _ take: (String) -> Bool) throws(Failure) -> Reply {
        let connection = try Connection(path)
        try connection.send(.get, target, [], .now + .seconds(5))
        var rest: [UInt8] = []
        var goesOn = true
        let head = try connection.receive(responseTo: .get, silence: AdminClient.longestSilence) { status, part in
            rest.append(contentsOf: part)
            guard status == 200 else { return true }
            while goesOn, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: rest[..<end], as: UTF8.self)
                rest.removeFirst(end + 1)
                if !line.isEmpty { goesOn = take(line) }
            }
            return goesOn
        }
        return connection.reply(head, head == 200 ? [] : rest)
    }

    private func exchange(
        _ method: HTTPMethod,
        _ target: String,
        _ body: [UInt8],
        _ deadline: MonotonicTime
    ) throws(Failure) -> Reply {
        let connection = try Connection(path)
        try connection.send(method, target, body, deadline)
        var answer: [UInt8] = []
        let status = try connection.receive(responseTo: method, until: deadline) { _, part in
            answer.append(contentsOf: part)
            return true
        }
        return connection.reply(status, answer)
    }
}

/// One connection to a daemon, closed with its last reference.
private final class Connection {
    private let descriptor: Int32
    private let path: String

    init(_ path: String) throws(AdminClient.Failure) {
        self.path = path
        do throws(LoopError) {
            descriptor = try Socket.connect(toUnix: path)
        } catch {
            throw .unreachable(path: path, number: error.number, reason: String(cString: strerror(error.number)))
        }
    }

    deinit { Socket.close(descriptor) }

    func reply(_ status: Int, _ body: [UInt8]) -> AdminClient.Reply {
        AdminClient.Reply(
            status: status,
            body: body,
            value: (try? Value(parsing: String(decoding: body, as: UTF8.self))) ?? .null,
            pid: Socket.peerCredentials(descriptor)?.pid ?? 0
        )
    }

    func send(
        _ method: HTTPMethod,
        _ target: String,
        _ body: [UInt8],
        _ deadline: MonotonicTime
    ) throws(AdminClient.Failure) {
        guard let target = RequestTarget(checking: target) else { throw .noAnswer("\(target) is no target") }
        var bytes: [UInt8] = []
        HTTPEncoder.appendRequestHead(
            method: method,
            target: target,
            fields: ["host": "headgate", "content-type": "application/json"],
            framing: method == .post ? .length(body.count) : .none,
            to: &bytes
        )
        bytes += body
        var sent = 0
        while sent < bytes.count {
            let outcome = bytes.withUnsafeBytes {
                Socket.write(descriptor, UnsafeRawBufferPointer(rebasing: $0[sent...]))
            }
            switch outcome {
            case .bytes(let count): sent += count
            case .wouldBlock: try wait(POLLOUT, until: deadline)
            case .endOfFile, .failed: throw .noAnswer("\(path): the daemon closed the connection")
            }
        }
    }

    /// Reads one response.
    ///
    /// - Parameters:
    ///   - deadline: for all of it.
    ///   - silence: between two pieces.
    ///   - take: gets the status and each part of the body; false ends it here.
    /// - Returns: the status.
    func receive(
        responseTo method: HTTPMethod,
        until deadline: MonotonicTime = .distantFuture,
        silence: Duration = .seconds(3600),
        _ take: (Int, UnsafeRawBufferPointer) -> Bool
    ) throws(AdminClient.Failure) -> Int {
        var decoder = ResponseDecoder()
        decoder.expect(responseTo: method)
        var status = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            switch Socket.read(descriptor, into: buffer) {
            case .bytes(let count):
                var input = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                do {
                    while let event = try decoder.next(&input) {
                        switch event {
                        case .informational: continue
                        case .head(let head): status = head.status
                        case .body(let part): if !take(status, part) { return status }
                        case .end: return status
                        }
                    }
                } catch {
                    throw .noAnswer("\(path): this is no daemon of ours: \(error)")
                }
            case .wouldBlock: try wait(POLLIN, until: min(deadline, .now + silence))
            case .endOfFile, .failed: throw .noAnswer("\(path): the daemon closed the connection")
            }
        }
    }

    private func wait(_ events: Int32, until deadline: MonotonicTime) throws(AdminClient.Failure) {
        while true {
            let left = (deadline - .now).wholeMilliseconds
            guard left > 0 else { throw .noAnswer("\(path): the daemon does not answer") }
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            if poll(&entry, 1, Int32(clamping: left + 1)) > 0 { return }
        }
    }
}
