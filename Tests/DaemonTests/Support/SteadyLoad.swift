import Glibc
import Synchronization

/// Clients that go on asking until they are told to stop, and count what went wrong: kept connections, new ones, and streams.
final class SteadyLoad: Sendable {
    private let port: Int
    private let events: Int
    private let isOver = Atomic<Bool>(false)
    private let running = Counter()
    private let ended = Counter()
    /// Everything a client did not expect.
    let failures = Failures()
    /// Answers as they should be.
    let answers = Counter()
    /// Streams that came to their end.
    let streams = Counter()

    /// Starts clients of each kind.
    ///
    /// - Parameter events: how many a whole stream has.
    init(port: Int, kept: Int, fresh: Int, streams: Int, events: Int) {
        self.port = port
        self.events = events
        for _ in 0..<kept { start { try self.askOn(&$0) } }
        for _ in 0..<fresh {
            start { connection in
                connection = nil
                try self.askOn(&connection)
            }
        }
        for _ in 0..<streams { start { try self.stream(&$0) } }
    }

    private func start(_ turn: @escaping @Sendable (inout RawConnection?) throws -> Void) {
        running.increment()
        onThread { [self] in
            var connection: RawConnection?
            while !isOver.load(ordering: .relaxed) {
                do {
                    try turn(&connection)
                } catch {
                    failures.add("\(error)")
                    connection = nil
                    usleep(10_000)
                }
            }
            ended.increment()
        }
    }

    /// One answer. A client that is told to go does; one that is not may expect its connection to be good.
    private func askOn(_ connection: inout RawConnection?) throws {
        let used = try connection ?? RawConnection(port: port)
        connection = used
        try used.post("/invoke", #"{"input":"Hello"}"#)
        let reply = try used.reply()
        guard reply.status == 200, reply.ending == .complete else { throw NotYet(description: "\(reply)") }
        if reply["connection"] == "close" { connection = nil }
        answers.increment()
        usleep(1000)
    }

    private func stream(_ connection: inout RawConnection?) throws {
        let used = try connection ?? RawConnection(port: port)
        connection = used
        try used.post("/stream", #"{"input":"Hello"}"#)
        let reply = try used.reply()
        guard reply.status == 200, reply.ending == .complete, reply.events.count == events else {
            throw NotYet(description: "\(reply.events.count) events, \(reply)")
        }
        if reply["connection"] == "close" { connection = nil }
        streams.increment()
    }

    /// Waits until every client had `count` more answers, roughly: so many for all.
    func wait(for count: Int, _ counter: KeyPath<SteadyLoad, Counter>) throws {
        let goal = self[keyPath: counter].value + count
        try eventually("not \(goal): \(self[keyPath: counter].value) \(failures.all.prefix(3))") {
            self[keyPath: counter].value >= goal
        }
    }

    /// Lets every client finish what it does.
    func stop() throws {
        isOver.store(true, ordering: .relaxed)
        try eventually("clients do not end") { ended.value == running.value }
    }
}
