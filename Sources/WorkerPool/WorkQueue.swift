import Glibc

/// One piece of work in a queue. Its fields belong to the queue's lock once it was added.
final class WorkItem: @unchecked Sendable {  // prepared by one task, then touched under the queue's lock only
    enum Place { case outside, queued, begun, abandoned }

    fileprivate var place = Place.outside
    fileprivate var run: (@Sendable () -> Void)?
    fileprivate var abandon: (@Sendable (any Error) -> Void)?
    fileprivate var previous: WorkItem?
    fileprivate var next: WorkItem?

    /// Sets what to call: exactly one of the two, once. Must come before the item is added.
    func prepare(run: @escaping @Sendable () -> Void, abandon: (@Sendable (any Error) -> Void)?) {
        self.run = run
        self.abandon = abandon
    }
}

/// The queue and the threads of a pool. The threads keep it alive, and not the pool, so that a dropped pool can end.
final class WorkQueue: Sendable {
    private struct State {
        var first: WorkItem?
        var last: WorkItem?
        var queued = 0
        var threads = 0
        var idle = 0
        var accepted = 0
        var isClosed = false
    }

    private enum Decision {
        case taken
        case startThread
        case refused(WorkerPoolError)
        case cancelled
    }

    static let idleSeconds = 10

    let name: String
    let maximumThreads: Int
    private let maximumQueued: Int
    private let monitor = Monitor(State())

    var acceptedCount: Int { monitor.withLock { $0.accepted } }
    var threadCount: Int { monitor.withLock { $0.threads } }

    init(name: String, maximumThreads: Int, maximumQueued: Int) {
        self.name = name
        self.maximumThreads = maximumThreads
        self.maximumQueued = maximumQueued
    }

    /// Adds an item, or abandons it with the reason.
    func add(_ item: WorkItem) {
        if let error = tryAdd(item) { item.abandon?(error) }
    }

    /// Adds an item, or returns why not. An item that was removed before it was added is abandoned here.
    func tryAdd(_ item: WorkItem) -> WorkerPoolError? {
        let decision = monitor.withLock { state in decide(item, &state) }
        switch decision {
        case .taken: monitor.signal()
        case .cancelled: item.abandon?(CancellationError())
        case .refused(let error): return error
        case .startThread:
            let failure = startThread()
            guard failure != 0 else { break }
            let isLost = monitor.withLock { state in
                state.threads -= 1
                // Other threads will come to it; without any, nobody would.
                guard state.threads == 0, item.place == .queued else { return false }
                Self.unlink(item, &state)
                item.place = .abandoned
                return true
            }
            if isLost { return .noThread(failure) }
        }
        return nil
    }

    private func decide(_ item: WorkItem, _ state: inout State) -> Decision {
        if item.place == .abandoned { return .cancelled }
        let mayStart = state.threads < maximumThreads
        guard state.queued < maximumQueued || state.queued < state.idle || mayStart else { return .refused(.queueFull) }
        item.place = .queued
        item.previous = state.last
        if let last = state.last { last.next = item } else { state.first = item }
        state.last = item
        state.queued += 1
        state.accepted += 1
        guard state.queued > state.idle, mayStart else { return .taken }
        state.threads += 1
        return .startThread
    }

    /// Takes an item out and abandons it with a `CancellationError`, unless it has begun.
    func remove(_ item: WorkItem) {
        let isRemoved = monitor.withLock { state in
            switch item.place {
            case .queued:
                Self.unlink(item, &state)
                item.place = .abandoned
                return true
            case .outside:
                item.place = .abandoned
                return false
            case .begun, .abandoned: return false
            }
        }
        if isRemoved { item.abandon?(CancellationError()) }
    }

    func finish() {
        monitor.withLock { $0.isClosed = true }
        monitor.broadcast()
    }

    private static func unlink(_ item: WorkItem, _ state: inout State) {
        if let previous = item.previous { previous.next = item.next } else { state.first = item.next }
        if let next = item.next { next.previous = item.previous } else { state.last = item.previous }
        item.previous = nil
        item.next = nil
        state.queued -= 1
    }

    private func startThread() -> Int32 {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        // The thread inherits the mask, so no signal can reach it before it could block them itself.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let context = Unmanaged.passRetained(self)  // given back by the thread, or below
        var thread = pthread_t()
        let result = pthread_create(&thread, &attributes, workerThread, context.toOpaque())
        if result != 0 { context.release() }
        return result
    }

    /// A thread's life: work until there was none for a while.
    fileprivate func serve() {
        setThreadName()
        while let run = nextWork() { run() }
    }

    /// Names the thread for tools such as `top`. The C function for it is hidden behind `_GNU_SOURCE`, the file is not.
    private func setThreadName() {
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = name.withCString { write(file, $0, min(strlen($0), 15)) }
        close(file)
    }

    private func nextWork() -> (@Sendable () -> Void)? {
        var isIdle = false
        let taken: (@Sendable () -> Void)?? = monitor.wait(seconds: Self.idleSeconds) { state in
            if let item = state.first {
                if isIdle { state.idle -= 1 }
                Self.unlink(item, &state)
                item.place = .begun
                defer { item.run = nil }
                return .some(item.run)
            }
            if state.isClosed {
                if isIdle { state.idle -= 1 }
                state.threads -= 1
                return .some(nil)
            }
            if !isIdle {
                isIdle = true
                state.idle += 1
            }
            return nil
        }
        if let taken { return taken }
        return leave()
    }

    /// The time without work is up: leave, unless work came in this moment.
    private func leave() -> (@Sendable () -> Void)? {
        monitor.withLock { state in
            state.idle -= 1
            guard let item = state.first else {
                state.threads -= 1
                return nil
            }
            Self.unlink(item, &state)
            item.place = .begun
            defer { item.run = nil }
            return item.run
        }
    }
}

private func workerThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let queue = Unmanaged<WorkQueue>.fromOpaque(context).takeRetainedValue()
    queue.serve()
    return nil
}
