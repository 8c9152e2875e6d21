import CLibevent
import Glibc
import Synchronization
import WorkerPool

/// One thread with one libevent base: the executor of every actor and task that lives on it.
///
/// A turn of the loop runs the queued jobs, then the work registered with ``beforePoll(_:)`` (connections flush there, so
/// that everything one turn produced leaves in one write), then waits for descriptors, timers and wake-ups. Jobs queued
/// by the loop's own thread take no lock and cause no wake-up.
///
/// Isolation: members marked *on the loop* trap or misbehave elsewhere; the rest may be called from any thread.
public final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    // @unchecked: everything mutable is either touched by the loop's thread alone or lives in `inbox` or an atomic.

    /// Names the thread (the first 15 bytes) and the loop in logs.
    public let name: String

    /// Bytes a single read may bring, on the loop.
    public static let readBufferSize = 64 * 1024
    /// Readable bytes behind the end of ``readBuffer``: vector parsers may look, but not care, beyond what was read.
    public static let readBufferPadding = 64

    /// Scratch space for one read, shared by all of the loop's connections: what is read must be used up or copied before
    /// the callback returns. On the loop.
    public let readBuffer: UnsafeMutableRawBufferPointer

    /// A second scratch space with the same size, padding and rules, for what is made out of ``readBuffer`` (decrypted
    /// bytes); allocated when first used. On the loop.
    public var scratchBuffer: UnsafeMutableRawBufferPointer {
        if let scratch { return scratch }
        let made = EventLoop.makeBuffer()
        scratch = made
        return made
    }

    private var scratch: UnsafeMutableRawBufferPointer?
    let base: OpaquePointer  // struct event_base *, owned
    private let wakeDescriptor: Int32
    /// The persistent event on `wakeDescriptor`, as bits of a pointer; freed with the base.
    private let wakeEvent = Mutex<UInt>(0)
    private let threadBits = Atomic<UInt>(0)
    private let isStopping = Atomic<Bool>(false)
    private let heartbeat = Atomic<UInt64>(0)
    private let inbox = Monitor<Inbox>(Inbox())  // pthread's mutex: the thread sanitizer knows it
    private let hasInbox = Atomic<Bool>(false)  // written with the lock held; spares most turns the lock
    private let finished = Gate()

    private var localJobs: [UnownedJob] = []
    private var runningJobs: [UnownedJob] = []
    private var flushWork: [any BeforePoll] = []
    private var runningFlushWork: [any BeforePoll] = []
    private var stepTime: MonotonicTime?
    private var turnWaiters: [UnsafeContinuation<Void, Never>] = []
    private var spares: [[UInt8]] = []

    /// The number of the turn under way. On the loop.
    public private(set) var turn: UInt64 = 0

    private struct Inbox {
        var jobs: [UnownedJob] = []
        var work: [@Sendable () -> Void] = []
        var isEmpty: Bool { jobs.isEmpty && work.isEmpty }
    }

    /// Makes a loop; nothing runs until ``start()``.
    ///
    /// - Throws: ``LoopError`` when the system gives no epoll descriptor, eventfd or memory.
    public init(name: String) throws(LoopError) {
        self.name = name
        EventMemory.install
        guard let base = clev_base_new() else { throw LoopError("create event base") }
        let descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard descriptor >= 0 else {
            event_base_free(base)
            throw LoopError("create eventfd")
        }
        self.base = base
        wakeDescriptor = descriptor
        readBuffer = EventLoop.makeBuffer()
        let event = event_new(base, descriptor, Int16(EV_READ | EV_PERSIST), drainWakeUps, nil)
        guard let event, event_add(event, nil) == 0 else {
            event_base_free(base)
            close(descriptor)
            readBuffer.deallocate()
            throw LoopError("watch eventfd")
        }
        wakeEvent.withLock { $0 = UInt(bitPattern: event) }
    }

    deinit {
        wakeEvent.withLock { bits in
            if let event = OpaquePointer(bitPattern: bits) { event_free(event) }
        }
        event_base_free(base)
        close(wakeDescriptor)
        readBuffer.deallocate()
        scratch?.deallocate()
    }

    /// The buffer's `count` leaves the padding out.
    private static func makeBuffer() -> UnsafeMutableRawBufferPointer {
        let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: readBufferSize + readBufferPadding, alignment: 64)
        whole.initializeMemory(as: UInt8.self, repeating: 0)
        return UnsafeMutableRawBufferPointer(rebasing: whole[..<readBufferSize])
    }

    // MARK: Room

    /// Spare arrays that are kept.
    private static let mostSpares = 32

    /// An empty array, with room if one was given back: for bytes that are there for a moment, at thousands of places of which few have
    /// some at once. On the loop.
    public func takeSpare() -> [UInt8] { spares.popLast() ?? [] }

    /// Keeps the room of an empty array for ``takeSpare()``; some are kept, others freed. On the loop.
    public func giveBack(_ spare: consuming [UInt8]) {
        if spares.count < EventLoop.mostSpares { spares.append(spare) }
    }

    // MARK: Life

    /// Starts the loop's thread. Call once.
    ///
    /// - Throws: ``LoopError`` when no thread can be had.
    public func start() throws(LoopError) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        let result = pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue().run()
                return nil
            },
            context
        )
        guard result == 0 else {
            Unmanaged<EventLoop>.fromOpaque(context).release()
            throw LoopError("start thread \(name)", number: result)
        }
        pthread_detach(thread)
    }

    /// Asks the loop to end after its current turn; queued jobs still run.
    public func stop() {
        isStopping.store(true, ordering: .releasing)
        wake()
    }

    /// Whether ``stop()`` was called: what is given to the loop from now on may never run. Any thread.
    public var isEnding: Bool { isStopping.load(ordering: .acquiring) }

    /// Blocks the calling thread (never the loop's own) until the loop's thread has ended.
    public func join() {
        precondition(!isCurrent, "a loop cannot wait for itself")
        finished.wait()
    }

    private func run() {
        threadBits.store(UInt(pthread_self()), ordering: .releasing)
        pthread_setname_np(pthread_self(), String(name.prefix(15)))
        ProcessMemory.prepareThreadHeap()
        while true {
            heartbeat.store(MonotonicTime.now.nanoseconds, ordering: .relaxed)
            turn += 1
            let hasMore = runTurn() || !turnWaiters.isEmpty
            if isStopping.load(ordering: .acquiring) && !hasMore { break }
            event_base_loop(base, EVLOOP_ONCE | (hasMore ? EVLOOP_NONBLOCK : 0))
            if !turnWaiters.isEmpty { resumeTurnWaiters() }
        }
        threadBits.store(0, ordering: .releasing)
        finished.open()
    }

    /// Rounds of jobs one turn may run before descriptors get their chance again.
    private static let roundsPerTurn = 16

    /// Runs what is queued; true when something is left for the next turn.
    private func runTurn() -> Bool {
        for _ in 0..<EventLoop.roundsPerTurn {
            takeInbox()
            if localJobs.isEmpty {
                if flushWork.isEmpty { return false }
                runFlushWork()
            } else {
                runJobs()
            }
        }
        // Jobs that always queue further ones must not keep connections from flushing.
        runFlushWork()
        return true
    }

    private func runJobs() {
        swap(&localJobs, &runningJobs)
        let serial = asUnownedSerialExecutor()
        let task = asUnownedTaskExecutor()
        for job in runningJobs {
            stepTime = nil
            job.runSynchronously(isolatedTo: serial, taskExecutor: task)
        }
        runningJobs.removeAll(keepingCapacity: true)
    }

    private func runFlushWork() {
        swap(&flushWork, &runningFlushWork)
        stepTime = nil
        for work in runningFlushWork { work.beforePoll() }
        runningFlushWork.removeAll(keepingCapacity: true)
    }

    private func takeInbox() {
        guard hasInbox.load(ordering: .acquiring) else { return }
        let taken = inbox.withLock { inbox in
            var taken = Inbox()
            swap(&taken, &inbox)
            hasInbox.store(false, ordering: .relaxed)
            return taken
        }
        let (jobs, work) = (taken.jobs, taken.work)
        if !jobs.isEmpty { localJobs.append(contentsOf: jobs) }
        stepTime = nil
        for item in work { item() }
    }

    /// Lets everything else on the loop have its turn: returns when descriptors and timers were looked at once more, which takes no
    /// time when nothing happens there. For work that could go on without ever waiting. Any executor; is not cut short by
    /// cancellation.
    public func nextTurn(isolation: isolated (any Actor)? = #isolation) async {
        await withUnsafeContinuation { (waiter: UnsafeContinuation<Void, Never>) in
            if isCurrent {
                turnWaiters.append(waiter)
            } else {
                execute { self.turnWaiters.append(waiter) }
            }
        }
    }

    private func resumeTurnWaiters() {
        let waiters = turnWaiters
        turnWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    // MARK: Executor

    /// True on the loop's own thread.
    public var isCurrent: Bool { threadBits.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Takes a job; without a lock on the loop, with a wake-up elsewhere.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            localJobs.append(job)
            return
        }
        let wasEmpty = inbox.withLock { inbox in
            let wasEmpty = inbox.isEmpty
            inbox.jobs.append(job)
            hasInbox.store(true, ordering: .releasing)
            return wasEmpty
        }
        if wasEmpty { wake() }
    }

    /// Runs `work` on the loop: in the current turn when called there, else as soon as the loop wakes. Any thread.
    public func execute(_ work: @escaping @Sendable () -> Void) {
        let wasEmpty = inbox.withLock { inbox in
            let wasEmpty = inbox.isEmpty
            inbox.work.append(work)
            hasInbox.store(true, ordering: .releasing)
            return wasEmpty
        }
        if wasEmpty && !isCurrent { wake() }  // the loop looks into its inbox before it waits
    }

    /// Calls `work` once, after the jobs of this turn and before the loop waits again. On the loop.
    public func beforePoll(_ work: any BeforePoll) {
        assert(isCurrent, "beforePoll off the loop")
        flushWork.append(work)
    }

    /// Traps off the loop.
    public func checkIsolated() { precondition(isCurrent, "not on event loop \(name)") }

    /// As ``isCurrent``.
    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    /// The executor of actors on this loop.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    /// Whether `other` is this loop.
    public func isSameExclusiveExecutionContext(other: EventLoop) -> Bool { self === other }

    // MARK: Time

    /// The time of the step under way (a callback, a job), read from the clock when it is first asked for: what one step does
    /// happens at one time, and a clock reading costs some 30 ns. On the loop.
    public var now: MonotonicTime {
        if let stepTime { return stepTime }
        let time = MonotonicTime.now
        stepTime = time
        return time
    }

    /// A callback begins.
    func beginStep() { stepTime = nil }

    /// When the loop last began a turn that had something to wake it; a watchdog compares it with the clock after
    /// asking the loop to turn. Any thread.
    public var lastTurn: MonotonicTime { MonotonicTime(nanoseconds: heartbeat.load(ordering: .relaxed)) }

    private func wake() {
        eventfd_write(wakeDescriptor, 1)
    }
}

/// Work that a loop does before it waits: connections write what a turn has made.
public protocol BeforePoll: AnyObject {
    /// Called once for each ``EventLoop/beforePoll(_:)``. On the loop.
    func beforePoll()
}

private func drainWakeUps(_ descriptor: Int32, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    var count: UInt64 = 0
    eventfd_read(descriptor, &count)
}

/// Opens once; threads may wait for it.
private final class Gate: @unchecked Sendable {  // @unchecked: the semaphore is the synchronisation
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func open() { sem_post(semaphore) }

    func wait() {
        while sem_wait(semaphore) != 0 {}
        sem_post(semaphore)
    }
}
