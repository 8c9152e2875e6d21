import Glibc
import Synchronization
import Testing
import WorkerPool

@Suite(.timeLimit(.minutes(1)))
struct WorkerPoolTests {
    /// Blocks threads until it is opened; tasks can wait until some have arrived.
    private final class Blocker: Sendable {
        private struct State {
            var arrived = 0
            var isOpen = false
            var waiting: (count: Int, continuation: UnsafeContinuation<Void, Never>)?
        }

        private let monitor = Monitor(State())

        func pass() {
            let waiting = monitor.withLock { state in
                state.arrived += 1
                return state.waiting.map(\.count) == state.arrived ? state.waiting.take() : nil
            }
            waiting?.continuation.resume()
            monitor.wait { $0.isOpen ? () : nil }
        }

        func open() {
            monitor.withLock { $0.isOpen = true }
            monitor.broadcast()
        }

        func arrivals(_ count: Int) async {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let isThere = monitor.withLock { state in
                    if state.arrived >= count { return true }
                    state.waiting = (count, continuation)
                    return false
                }
                if isThere { continuation.resume() }
            }
        }
    }

    private final class Count: Sendable {
        private let count = Atomic(0)
        var value: Int { count.load(ordering: .relaxed) }
        func increment() { count.add(1, ordering: .relaxed) }
    }

    private struct Failure: Error {}

    @Test("results and errors come back")
    func results() async throws {
        let pool = WorkerPool(name: "results", maximumThreads: 2)
        #expect(try await pool.run { 42 } == 42)
        await #expect(throws: Failure.self) { try await pool.run { throw Failure() } }
    }

    @Test("threads grow with the work, up to the maximum, and are reused")
    func growth() async throws {
        let pool = WorkerPool(name: "growth", maximumThreads: 3)
        #expect(pool.threadCount == 0)
        let blocker = Blocker()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 { group.addTask { try await pool.run { blocker.pass() } } }
            await blocker.arrivals(3)
            #expect(pool.threadCount == 3)
            blocker.open()
            try await group.waitForAll()
        }
        #expect(pool.threadCount == 3 && pool.acceptedCount == 6)
        for _ in 0..<10 { _ = try await pool.run {} }
        #expect(pool.threadCount == 3)
    }

    @Test("work begins in the order it came")
    func order() async throws {
        let pool = WorkerPool(name: "order", maximumThreads: 1)
        let seen = Locked<[Int]>([])
        for number in 0..<100 { try pool.submit { seen.withLock { $0.append(number) } } }
        try await pool.run {}
        #expect(seen.withLock { $0 } == Array(0..<100))
    }

    @Test("the queue is bounded")
    func bounded() async throws {
        let pool = WorkerPool(name: "bounded", maximumThreads: 1, maximumQueued: 1)
        let blocker = Blocker()
        try pool.submit { blocker.pass() }
        await blocker.arrivals(1)
        try pool.submit {}
        #expect(throws: WorkerPoolError.queueFull) { try pool.submit {} }
        await #expect(throws: WorkerPoolError.queueFull) { try await pool.run {} }
        blocker.open()
    }

    @Test("cancelled work leaves the queue without running, and leaves its place to others")
    func cancelQueued() async throws {
        let pool = WorkerPool(name: "cancel", maximumThreads: 1, maximumQueued: 1)
        let blocker = Blocker()
        try pool.submit { blocker.pass() }
        await blocker.arrivals(1)
        let task = Task { try await pool.run { () -> Void in Issue.record("ran") } }
        while pool.acceptedCount < 2 { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let next = Blocker()
        next.open()
        try pool.submit { next.pass() }
        blocker.open()
        await next.arrivals(1)
    }

    @Test("cancelled work that has begun is awaited, and sees the cancellation")
    func cancelRunning() async throws {
        let pool = WorkerPool(name: "running", maximumThreads: 1)
        let blocker = Blocker()
        let task = Task {
            try await pool.run {
                #expect(!WorkerPool.isCurrentWorkCancelled)
                blocker.pass()
                return WorkerPool.isCurrentWorkCancelled
            }
        }
        await blocker.arrivals(1)
        task.cancel()
        blocker.open()
        #expect(try await task.value)
        #expect(!WorkerPool.isCurrentWorkCancelled)
    }

    @Test("a task that was cancelled before gets nothing done")
    func cancelledBefore() async {
        let pool = WorkerPool(name: "before", maximumThreads: 1)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await pool.run { () -> Void in Issue.record("ran") }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(pool.acceptedCount == 0)
    }

    @Test("many submitters and cancellations lose nothing")
    func stress() async throws {
        let pool = WorkerPool(name: "stress", maximumThreads: 4)
        let ran = Count()
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<2000 {
                group.addTask {
                    if number % 3 == 0 { withUnsafeCurrentTask { $0?.cancel() } }
                    return (try? await pool.run { ran.increment() }) != nil
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(outcomes == ran.value && ran.value == 1333)
    }

    @Test("a dropped pool finishes its work")
    func dropped() async throws {
        let blocker = Blocker()
        let finished = Blocker()
        finished.open()
        do {
            let pool = WorkerPool(name: "dropped", maximumThreads: 1)
            try pool.submit { blocker.pass() }
            for _ in 0..<5 { try pool.submit { finished.pass() } }
        }
        blocker.open()
        await finished.arrivals(5)
    }

    @Test("threads carry the pool's name and let no signal in")
    func threadSetUp() async throws {
        let pool = WorkerPool(name: "a name longer than fifteen bytes", maximumThreads: 1)
        let (name, isBlocked) = try await pool.run {
            var set = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &set)
            var bytes = [UInt8](repeating: 0, count: 64)
            let file = open("/proc/thread-self/comm", O_RDONLY)
            let count = read(file, &bytes, bytes.count)
            close(file)
            return (String(decoding: bytes.prefix(max(0, count - 1)), as: UTF8.self), sigismember(&set, SIGTERM) == 1)
        }
        #expect(name == "a name longer t")
        #expect(isBlocked)
    }

    @Test("cancelling a part's whole cancels the part, and calls handlers at once or later")
    func cancellationTree() {
        let whole = WorkCancellation()
        let part = WorkCancellation(parent: whole)
        let calls = Locked(0)
        part.withHandler({ calls.withLock { $0 += 1 } }) {
            whole.cancel()
            #expect(calls.withLock { $0 } == 1)
        }
        #expect(part.isCancelled)
        whole.withHandler({ calls.withLock { $0 += 1 } }) {}
        #expect(calls.withLock { $0 } == 2)
        whole.cancel()
        #expect(calls.withLock { $0 } == 2)
    }
}
