/// Why a pool did not take some work.
public enum WorkerPoolError: Error, Sendable, Hashable {
    /// As much work waits as the pool allows.
    case queueFull
    /// There is no thread to run it, and none could be started (the value is `errno`).
    case noThread(Int32)
}
