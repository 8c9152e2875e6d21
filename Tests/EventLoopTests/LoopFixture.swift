import EventLoop
import Glibc
import Synchronization
import Testing

/// A running loop for one test, with an actor that lives on it.
///
/// Things that may not leave the loop are made in ``on(_:)`` and kept there.
final class LoopFixture: Sendable {
    let loop: EventLoop
    private let home: Home

    init(_ name: String = "test") throws {
        loop = try EventLoop(name: name)
        home = Home(loop)
        try loop.start()
    }

    deinit {
        loop.execute { [home] in home.assumeIsolated { $0.close() } }
        loop.stop()
        if !loop.isCurrent { loop.join() }
    }

    /// Runs `body` on the loop.
    func on<T: Sendable>(_ body: @Sendable (isolated Home) throws -> T) async rethrows -> T { try await body(home) }

    /// Runs something on the loop and comes back: whatever the loop had to do before is done.
    func turn() async { await home.nothing() }
}

/// The actor of a ``LoopFixture``.
actor Home {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private var endings: [() -> Void] = []

    init(_ loop: EventLoop) { self.loop = loop }

    func nothing() {}

    /// Keeps what needs an orderly end until the fixture goes.
    func keep(_ ending: @escaping () -> Void) { endings.append(ending) }

    func close() {
        for ending in endings { ending() }
        endings = []
    }

    /// Calls `work` before the loop waits.
    func beforePoll(_ work: @escaping () -> Void) {
        loop.beforePoll(FlushWork(work))
    }
}

/// A closure as work for ``EventLoop/beforePoll(_:)``.
final class FlushWork: BeforePoll {
    private let work: () -> Void

    init(_ work: @escaping () -> Void) { self.work = work }

    func beforePoll() { work() }
}

/// What happened, in order, for a test to wait for. Any thread.
final class Events<Element: Sendable & Equatable>: Sendable {
    private let stream: AsyncStream<Element>
    private let continuation: AsyncStream<Element>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func add(_ element: Element) { continuation.yield(element) }

    /// The next events; fewer when the test's time is up.
    func next(_ count: Int) async -> [Element] {
        var result: [Element] = []
        guard count > 0 else { return result }
        for await element in stream {
            result.append(element)
            if result.count == count { break }
        }
        return result
    }
}

/// Two connected sockets that do not block.
struct SocketPair {
    let ours: Int32
    let theirs: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        let result = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        precondition(result == 0, "no socket pair")
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        ours = ends[0]
        theirs = ends[1]
    }

    func close() {
        Glibc.close(ours)
        Glibc.close(theirs)
    }
}

extension Socket {
    static func write(_ descriptor: Int32, text: String) {
        let bytes = Array(text.utf8)
        bytes.withUnsafeBytes { _ = write(descriptor, $0) }
    }

    /// Reads at most `limit` bytes.
    static func readText(_ descriptor: Int32, limit: Int = 100) -> String? {
        var buffer = [UInt8](repeating: 0, count: limit)
        let outcome = buffer.withUnsafeMutableBytes { read(descriptor, into: $0) }
        guard case .bytes(let count) = outcome else { return nil }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// Writes until the kernel takes no more; returns how much it took.
    static func fill(_ descriptor: Int32) -> Int {
        let bytes = [UInt8](repeating: 0, count: 65536)
        var total = 0
        while case .bytes(let count) = bytes.withUnsafeBytes({ write(descriptor, $0) }) { total += count }
        return total
    }
}
