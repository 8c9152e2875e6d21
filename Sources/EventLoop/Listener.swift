import CLibevent
import Glibc

/// Accepts connections on one loop.
///
/// Lives and dies on the loop; ``close()`` before the last reference goes.
public final class Listener {
    private let loop: EventLoop
    private let descriptor: Int32
    private let endOfDescriptors: Int32
    private let onAccept: (Int32, SocketAddress) -> Void
    private var watcher: Watcher?
    private var retry: LoopTimer?
    private var isPaused = false
    /// The system call, for tests that want it to fail.
    var acceptCall: (Int32, inout sockaddr_storage, inout socklen_t) -> Int32 = { clev_accept($0, &$1, &$2) }

    /// Connections taken in one go before other descriptors get their chance.
    private static let acceptsPerTurn = 64
    /// How long to wait when the process is short of descriptors: accepting at once would only spin.
    static let pauseWhenExhausted = Duration.milliseconds(100)

    /// Opens `count` listening sockets on one address, one for each loop.
    ///
    /// IP sockets share the port through `SO_REUSEPORT` when there is more than one; a Unix socket is one socket under
    /// `count` descriptors. Port 0 becomes one free port for all.
    ///
    /// - Returns: the descriptors, and the address with its real port.
    /// - Throws: ``LoopError`` naming the address, also when another process listens there.
    public static func open(
        _ address: SocketAddress,
        count: Int,
        backlog: Int32 = 4096
    ) throws(LoopError) -> (descriptors: [Int32], address: SocketAddress) {
        var descriptors: [Int32] = []
        do throws(LoopError) {
            if case .unix = address {
                let first = try Socket.listen(on: address, sharing: .none, backlog: backlog)
                descriptors.append(first)
                while descriptors.count < count {
                    let copy = fcntl(first, F_DUPFD_CLOEXEC, 0)
                    guard copy >= 0 else { throw LoopError("listen on \(address)") }
                    descriptors.append(copy)
                }
                return (descriptors, address)
            }
            // The first takes the port for itself: with SO_REUSEPORT from the start the kernel would let us in beside another server
            // and split its traffic.
            var actual = address
            for number in 0..<count {
                let sharing: Socket.PortSharing = count == 1 ? .none : number == 0 ? .first : .further
                let descriptor = try Socket.listen(on: actual, sharing: sharing, backlog: backlog)
                descriptors.append(descriptor)
                actual = Socket.localAddress(descriptor) ?? actual
            }
            return (descriptors, actual)
        } catch {
            for descriptor in descriptors { Glibc.close(descriptor) }
            throw error
        }
    }

    /// Starts accepting on `descriptor`, which the listener owns from now on. On the loop.
    ///
    /// `onAccept` gets a non-blocking descriptor, `TCP_NODELAY` set, which it owns.
    ///
    /// - Parameter endOfDescriptors: while no descriptor below this one is free, connections wait in the kernel's backlog.
    /// - Throws: ``LoopError`` when the loop cannot watch the descriptor, which is then closed.
    public init(
        on loop: EventLoop,
        descriptor: Int32,
        endOfDescriptors: Int32 = DescriptorLimit.endOfClients,
        onAccept: @escaping (Int32, SocketAddress) -> Void
    ) throws(LoopError) {
        self.loop = loop
        self.descriptor = descriptor
        self.endOfDescriptors = endOfDescriptors
        self.onAccept = onAccept
        do throws(LoopError) {
            let watcher = try Watcher(on: loop, descriptor: descriptor, interest: .readable) { [unowned self] in
                accept()
            }
            self.watcher = watcher
            try watcher.resume()
        } catch {
            watcher?.cancel()
            watcher = nil
            Glibc.close(descriptor)
            throw error
        }
        retry = LoopTimer(on: loop) { [unowned self] in tryAgain() }
    }

    deinit { assert(watcher == nil, "Listener dropped without close()") }

    /// Leaves new connections in the kernel's backlog until ``resume()``.
    public func pause() {
        isPaused = true
        retry?.disarm()
        watcher?.pause()
    }

    /// Accepts again.
    public func resume() {
        isPaused = false
        retry?.disarm()
        try? watcher?.resume()
    }

    /// Stops accepting for good and closes the descriptor.
    public func close() {
        guard let watcher else { return }
        watcher.cancel()
        self.watcher = nil
        retry?.cancel()
        retry = nil
        Glibc.close(descriptor)
    }

    private func accept() {
        if DescriptorLimit.isShort, !DescriptorLimit.hasRoom(below: endOfDescriptors, copying: descriptor) {
            return waitForDescriptors()
        }
        for _ in 0..<Listener.acceptsPerTurn where !isPaused && watcher != nil {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let accepted = acceptCall(descriptor, &storage, &length)
            if accepted >= 0 {
                let peer = SocketAddress(storage, length: length) ?? .unix(path: "")
                if storage.ss_family != sa_family_t(AF_UNIX) { Socket.setNoDelay(accepted) }
                DescriptorLimit.note(accepted)
                onAccept(accepted, peer)
                guard accepted >= endOfDescriptors else { continue }
                if isPaused { return }  // by the owner, who knows when to go on
                return waitForDescriptors()
            }
            switch errno {
            case EINTR, ECONNABORTED, EPROTO: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                return waitForDescriptors()
            default: return
            }
        }
    }

    private func waitForDescriptors() {
        guard watcher != nil else { return }
        pause()
        retry?.arm(after: Listener.pauseWhenExhausted)
    }

    /// Accepts again where a descriptor is free for it: to find out by accepting would take one of the last each time.
    private func tryAgain() {
        if DescriptorLimit.hasRoom(below: endOfDescriptors, copying: descriptor) {
            resume()
        } else {
            waitForDescriptors()
        }
    }
}
