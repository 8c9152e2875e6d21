import Glibc
import WorkerPool

/// A TCP server for tests that says exactly the bytes it was told to, whatever it is asked.
///
/// The n-th request it reads, on whichever connection, gets the n-th script; when there is none left it closes the
/// connection. It has threads of its own and blocks them, so nothing of what it is used to test can hide a fault of itself.
public final class ScriptedUpstream: Sendable {
    /// A request as it came.
    public struct Request: Sendable {
        /// The request line and the fields.
        public let head: String
        /// The body.
        public let body: String
        /// Counts connections from 0.
        public let connection: Int
    }

    private struct State {
        var scripts: [UpstreamScript]
        var requests: [Request] = []
        var disconnects = 0
        var connections = 0
        var descriptors: Set<Int32> = []
        var waiters: [Waiter] = []
        var isStopped = false
    }

    private struct Waiter {
        let isDone: @Sendable (borrowing State) -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private let state: Locked<State>
    private let listener: Int32
    /// Where it listens, on 127.0.0.1.
    public let port: UInt16

    /// Starts to listen on a free port. Traps when there is none.
    public init(_ scripts: [UpstreamScript]) {
        state = Locked(State(scripts: scripts))
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Bool in
                var length = size
                return bind(descriptor, address, size) == 0 && getsockname(descriptor, address, &length) == 0
            }
        }
        precondition(bound && listen(descriptor, 128) == 0, "cannot listen")
        port = UInt16(bigEndian: address.sin_port)
        spawn { $0.accept() }
    }

    /// Not before the accepting thread has ended, which holds a reference: the number would be another test's socket, and
    /// that thread, or a second ``stop()``, would meddle with it.
    deinit { close(listener) }

    /// Ends every connection and stops to listen. Stopping twice does nothing more.
    public func stop() {
        state.withLock { state in
            state.isStopped = true
            // With the lock held: a thread that ends takes its descriptor out before it closes it, and the number may be
            // another test's a moment later.
            for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    // MARK: What was seen

    /// The requests so far.
    public var requests: [Request] { state.withLock { $0.requests } }

    /// Connections accepted so far.
    public var connectionCount: Int { state.withLock { $0.connections } }

    /// Waits until `count` requests have come.
    public func received(_ count: Int) async { await until { $0.requests.count >= count } }

    /// Waits until the peer has ended `count` connections in the middle of a script, or between requests.
    public func disconnected(_ count: Int) async { await until { $0.disconnects >= count } }

    private func until(_ isDone: @escaping @Sendable (borrowing State) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isDoneNow = state.withLock { state in
                if isDone(state) { return true }
                state.waiters.append(Waiter(isDone: isDone, continuation: continuation))
                return false
            }
            if isDoneNow { continuation.resume() }
        }
    }

    private func change<R: Sendable>(_ body: (inout State) -> R) -> R {
        let (result, ready) = state.withLock { state in
            let result = body(&state)
            var ready: [CheckedContinuation<Void, Never>] = []
            var waiting: [Waiter] = []
            for waiter in state.waiters {
                if waiter.isDone(state) { ready.append(waiter.continuation) } else { waiting.append(waiter) }
            }
            state.waiters = waiting
            return (result, ready)
        }
        for continuation in ready { continuation.resume() }
        return result
    }

    // MARK: Threads

    private func spawn(_ work: @escaping @Sendable (ScriptedUpstream) -> Void) {
        let context = Unmanaged.passRetained(Work { work(self) }).toOpaque()
        var thread = pthread_t()
        let result = pthread_create(
            &thread,
            nil,
            { context in
                if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            },
            context
        )
        precondition(result == 0, "no thread")
        pthread_detach(thread)
    }

    private func accept() {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            let number: Int? = change { state in
                guard !state.isStopped else { return nil }
                state.descriptors.insert(descriptor)
                state.connections += 1
                return state.connections - 1
            }
            guard let number else {
                close(descriptor)
                return
            }
            spawn { $0.serve(Wire(descriptor), number) }
        }
    }

    private func serve(_ wire: Wire, _ connection: Int) {
        var isEnded = false
        while !isEnded, let (head, body) = wire.readRequest() {
            let script: UpstreamScript? = change { state in
                state.requests.append(Request(head: head, body: body, connection: connection))
                return state.requests.count <= state.scripts.count ? state.scripts[state.requests.count - 1] : nil
            }
            guard let script else { break }
            for step in script where !isEnded { isEnded = !perform(step, wire) }
        }
        change { state in
            if wire.peerEnded { state.disconnects += 1 }
            state.descriptors.remove(wire.descriptor)
        }
        wire.close()
    }

    /// False when the connection is over.
    private func perform(_ step: UpstreamStep, _ wire: Wire) -> Bool {
        switch step {
        case .bytes(let bytes): return wire.write(bytes)
        case .gate(let gate):
            gate.block()
            return true
        case .repeated(let bytes):
            while wire.write(bytes) { usleep(1000) }
            return false
        case .untilDisconnect:
            wire.readToEnd()
            return false
        case .close: return false
        case .reset:
            wire.isReset = true
            return false
        }
    }
}

private final class Work: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
