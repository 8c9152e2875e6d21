import EventLoop
import Glibc
import WorkerPool

/// Takes whole lines from any thread and writes them to an output from a thread of its own.
///
/// A reader that stalls stops that thread and nobody else: what does not fit into the queue is dropped, counted, and
/// reported in a line once the reader goes on. Everything that waits leaves in one `write`.
final class LogSink: Sendable {
    /// Bytes that may wait. Default 1 MiB: thousands of lines, for a reader that pauses.
    static let defaultLimit = 1 << 20
    /// Buffers that grew beyond this are given back when they are empty.
    private static let keptCapacity = 128 << 10
    /// The thread only copies; the default of 8 MiB would count against memory limits on address space.
    private static let stackSize = 256 << 10

    private struct Queue {
        var bytes: [UInt8] = []
        var lines = 0
        var dropped = 0
        var unreported = 0
        var isWriting = false
        var isClosed = false
        var hasEnded = false
        var isIdle: Bool { bytes.isEmpty && unreported == 0 && !isWriting }
    }

    private let queue = Monitor(Queue())
    private let limit: Int

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - output: where lines go; belongs to the thread from now on.
    ///   - limit: bytes that may wait.
    ///   - notice: makes the line that says how many were dropped; called on the thread.
    /// - Throws: ``LoopError`` when no thread can be had.
    init(
        output: any LogOutput,
        limit: Int = LogSink.defaultLimit,
        notice: @escaping @Sendable (Int) -> [UInt8]
    ) throws(LoopError) {
        self.limit = limit
        let writer = Writer(queue: queue, output: output, notice: notice)
        let result = writer.start(stackSize: LogSink.stackSize)
        guard result == 0 else { throw LoopError("start the log's thread", number: result) }
    }

    deinit { close() }

    /// Hands over `lines` whole lines, each with its line end; never waits for the reader.
    ///
    /// Either all of them are taken or, when they do not fit, none.
    func write(_ bytes: UnsafeRawBufferPointer, lines: Int) {
        let wakes = queue.withLock { queue in
            guard !queue.isClosed else {
                queue.dropped += lines
                return false
            }
            let wasIdle = queue.isIdle
            if queue.bytes.count + bytes.count <= limit {
                queue.bytes.append(contentsOf: bytes)
                queue.lines += lines
            } else {
                queue.dropped += lines
                queue.unreported += lines
            }
            return wasIdle
        }
        if wakes { queue.broadcast() }
    }

    /// Lines lost so far, because the reader stalled or the output failed.
    var droppedLines: Int { queue.withLock { $0.dropped } }

    /// Waits until all that was handed over is written, at most `seconds`: a stalled reader must not keep a process alive.
    ///
    /// - Returns: whether everything is written.
    @discardableResult
    func flush(seconds: Int) -> Bool {
        queue.wait(seconds: seconds) { $0.isIdle ? true : nil } ?? false
    }

    /// Ends the thread once everything is written. Does not wait; what is handed over later is dropped.
    func close() {
        queue.withLock { $0.isClosed = true }
        queue.broadcast()
    }

    /// Waits until the thread has ended after ``close()``, at most `seconds`.
    @discardableResult
    func join(seconds: Int) -> Bool {
        queue.wait(seconds: seconds) { $0.hasEnded ? true : nil } ?? false
    }

    /// The thread's side. It knows the queue but not the sink, so that the sink can go.
    private final class Writer: Sendable {
        private let queue: Monitor<Queue>
        private let output: any LogOutput
        private let notice: @Sendable (Int) -> [UInt8]

        init(queue: Monitor<Queue>, output: any LogOutput, notice: @escaping @Sendable (Int) -> [UInt8]) {
            self.queue = queue
            self.output = output
            self.notice = notice
        }

        /// Returns 0 or an `errno`.
        func start(stackSize: Int) -> Int32 {
            // Not `pthread_attr_t()`: which module its initializer is said to come from depends on the order of compilation.
            withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { room in
                guard let attributes = room.baseAddress else { return ENOMEM }
                pthread_attr_init(attributes)
                defer { pthread_attr_destroy(attributes) }
                pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
                pthread_attr_setstacksize(attributes, stackSize)
                return start(attributes)
            }
        }

        private func start(_ attributes: UnsafePointer<pthread_attr_t>) -> Int32 {
            // Inherited by the thread: no signal is handled there, and a reader that is gone is an error, not SIGPIPE.
            var all = sigset_t()
            var before = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_SETMASK, &all, &before)
            defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
            let context = Unmanaged.passRetained(self)  // given back by the thread, or below
            var thread = pthread_t()
            let result = pthread_create(
                &thread,
                attributes,
                { context in
                    guard let context else { return nil }
                    Unmanaged<Writer>.fromOpaque(context).takeRetainedValue().run()
                    return nil
                },
                context.toOpaque()
            )
            if result != 0 { context.release() }
            return result
        }

        private struct Batch {
            var bytes: [UInt8] = []
            var lines = 0
            var dropped = 0
        }

        private func run() {
            var batch = Batch()
            var output = output
            while take(&batch) {
                if batch.dropped > 0 { batch.bytes.append(contentsOf: notice(batch.dropped)) }
                let lost = batch.bytes.withUnsafeBytes { output.write($0) }
                if lost > 0 { queue.withLock { $0.dropped += min(lost, batch.lines) } }
            }
            queue.withLock { $0.hasEnded = true }
            queue.broadcast()
        }

        /// Waits for lines and takes them all; false at the end.
        private func take(_ batch: inout Batch) -> Bool {
            if batch.bytes.capacity > LogSink.keptCapacity {
                batch.bytes = []
            } else {
                batch.bytes.removeAll(keepingCapacity: true)
            }
            // Whoever waits for the queue to be idle must hear of it, before this thread sleeps.
            let isIdle = queue.withLock { queue in
                queue.isWriting = false
                return queue.isIdle
            }
            if isIdle { queue.broadcast() }
            return queue.wait { queue in
                if queue.isIdle { return queue.isClosed ? false : nil }
                swap(&queue.bytes, &batch.bytes)
                batch.lines = queue.lines
                batch.dropped = queue.unreported
                queue.lines = 0
                queue.unreported = 0
                queue.isWriting = true
                return true
            }
        }
    }
}
