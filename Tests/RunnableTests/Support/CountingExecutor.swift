import Glibc
import Synchronization
import WorkerPool

/// An executor with one thread of its own that counts the jobs it is given.
final class CountingExecutor: SerialExecutor, TaskExecutor {
    private let pool = WorkerPool(name: "counting", maximumThreads: 1)
    private let enqueued = Atomic(0)
    private let thread = Atomic<UInt>(0)  // set by every job; there is only one thread

    private let isPreferred: Bool

    /// - Parameter isPreferred: whether the tasks it is used with prefer it as their task executor. The runtime compares both
    ///   identities and queues a job for every switch when the jobs were run with other ones.
    init(isPreferred: Bool = false) {
        self.isPreferred = isPreferred
    }

    var enqueueCount: Int { enqueued.load(ordering: .relaxed) }

    /// Whether the calling code runs on this executor's thread.
    var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    func enqueue(_ job: consuming ExecutorJob) {
        enqueued.add(1, ordering: .relaxed)
        let job = UnownedJob(job)
        do {
            try pool.submit {
                self.thread.store(UInt(pthread_self()), ordering: .relaxed)
                let serial = self.asUnownedSerialExecutor()
                if self.isPreferred {
                    job.runSynchronously(isolatedTo: serial, taskExecutor: self.asUnownedTaskExecutor())
                } else {
                    job.runSynchronously(on: serial)
                }
            }
        } catch {
            preconditionFailure("no thread for a test's executor: \(error)")
        }
    }
}
