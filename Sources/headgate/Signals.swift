import EventLoop
import Glibc

/// Signals caught on a loop of their own, so that a busy service still hears them.
enum Signals {
    /// Catches `signals` from now on; the stream tells which came. The loop turns until the stream has ended.
    ///
    /// - Throws: `LoopError` when they cannot be caught.
    static func caught(_ signals: [Int32]) async throws -> (stream: AsyncStream<Int32>, loop: EventLoop) {
        let loop = try EventLoop(name: "signals")
        try loop.start()
        let (stream, arrived) = AsyncStream.makeStream(of: Int32.self)
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            loop.execute {
                var watchers: [SignalWatcher] = []
                do {
                    for signal in signals {
                        watchers.append(try SignalWatcher(on: loop, signal: signal) { arrived.yield(signal) })
                    }
                } catch {
                    for watcher in watchers { watcher.cancel() }
                    return continuation.resume(throwing: error)
                }
                let bound = LoopBound(watchers, loop: loop)
                arrived.onTermination = { _ in
                    loop.execute {
                        for watcher in bound.value { watcher.cancel() }
                        loop.stop()
                    }
                }
                continuation.resume()
            }
        }
        return (stream, loop)
    }
}
