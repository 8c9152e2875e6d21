public import EventLoop
import Glibc
import Synchronization

/// The side of a handover that runs already: gives its listening sockets to the next process, and steps back when that is ready.
///
/// Listens on a Unix socket for processes of its own user and root. Conversations are messages: `take 1` is answered with a `listener`
/// message for each address, which carries its sockets, and `end`; `ready` and the time at which the other process began to read its
/// configuration (nanoseconds of the monotonic clock) with `draining`, the drain's limit in milliseconds, and `reload` where one was
/// asked for since that time; or with `taken` and a process id, when another process was ready first. Until then everything goes on
/// as if nobody had asked, also when the other process ends. `handover` asks for a new process and is answered when one has taken
/// over (`done`) or has not (`failed`). Pinned to its loop.
public actor HandoverServer {
    /// What the service has to do.
    public enum Event: Sendable, Equatable {
        /// Start a process that takes over; tell ``answer(_:)`` how it went.
        case requested
        /// The process with this id serves from now on: drain and end.
        case takenOver(by: Int32)
        /// Whoever took over wants the rest ended now.
        case endNow
    }

    private let loop: EventLoop
    /// The loop.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private let path: String
    private let drainLimit: Duration
    private let sockets: [ListeningSockets]
    private let onEvent: @Sendable (Event) -> Void
    private var listener: Listener?
    private var file: FileIdentity?
    private var peers: [ObjectIdentifier: Peer] = [:]
    private var successor: pid_t?
    private let lastReload = Atomic<UInt64>(0)

    /// Conversations at a time; others wait in the kernel's queue until they give up.
    private static let mostPeers = 16
    /// The protocol's version, which both sides must speak.
    static let version = 1

    private final class Peer {
        let descriptor: Int32
        let pid: pid_t
        var watcher: Watcher?
        /// Messages that the kernel had no room for yet.
        var outbox: ArraySlice<(text: String, descriptors: [Int32])> = []
        var writing: Watcher?
        var hasSpoken = false
        var isTaking = false
        var waitsForAnswer = false

        init(descriptor: Int32, pid: pid_t) {
            self.descriptor = descriptor
            self.pid = pid
        }
    }

    /// Makes a server that does not listen yet.
    ///
    /// - Parameters:
    ///   - loop: which must have time; not one that serves.
    ///   - drainLimit: how long a drain takes at most, for the successor to know.
    ///   - onEvent: called on the loop.
    public init(
        loop: EventLoop,
        path: String,
        sockets: [ListeningSockets],
        drainLimit: Duration,
        onEvent: @escaping @Sendable (Event) -> Void
    ) {
        self.loop = loop
        self.path = path
        self.sockets = sockets
        self.drainLimit = drainLimit
        self.onEvent = onEvent
    }

    /// Begins to listen, in place of a predecessor.
    ///
    /// - Throws: `LoopError` naming the path.
    public func open() throws(LoopError) {
        let descriptor = try MessageSocket.listen(path: path)
        file = FileIdentity(path)
        // Also when clients have all they may have: a restart is what may be wanted then.
        listener = try Listener(on: loop, descriptor: descriptor, endOfDescriptors: .max) { accepted, _ in
            self.accepted(accepted)
        }
    }

    /// A reload was asked for: a process that has read its configuration before is told of it when it takes over. Any thread.
    public nonisolated func reloadWasAsked() { lastReload.store(MonotonicTime.now.nanoseconds, ordering: .relaxed) }

    /// Whether a process has been given the sockets and has not ended: it is about to take over, or has.
    public var isGiving: Bool { successor != nil || peers.values.contains { $0.isTaking } }

    /// Hands no sockets over any more: to be called before they are closed. What runs between two processes goes on.
    ///
    /// - Parameter removesFile: whether nobody has taken over, so that the path is of no use.
    public func close(removesFile: Bool) {
        listener?.close()
        listener = nil
        // A successor has put its own socket in this one's place.
        if removesFile, let file, FileIdentity(path) == file { unlink(path) }
        for peer in peers.values where peer.pid != successor || !peer.isTaking {
            if peer.isTaking, let successor { MessageSocket.send("taken \(successor)", on: peer.descriptor) }
            end(peer)
        }
    }

    /// Tells those who asked for a handover how it went.
    ///
    /// - Parameter failure: why there was none; nil when it is done.
    public func answer(failure: String?) {
        for peer in peers.values where peer.waitsForAnswer {
            MessageSocket.send(failure.map { "failed \($0)" } ?? "done \(successor ?? 0)", on: peer.descriptor)
            end(peer)
        }
    }

    private func accepted(_ descriptor: Int32) {
        makeRoom()
        guard peers.count < HandoverServer.mostPeers, let credentials = MessageSocket.peer(of: descriptor),
            credentials.user == geteuid() || credentials.user == 0
        else { return Socket.close(descriptor) }
        let peer = Peer(descriptor: descriptor, pid: credentials.pid)
        peers[ObjectIdentifier(peer)] = peer
        do throws(LoopError) {
            let watcher = try Watcher(on: loop, descriptor: descriptor, interest: .readable) { [unowned peer] in
                self.received(peer)
            }
            peer.watcher = watcher
            try watcher.resume()
        } catch {
            end(peer)
        }
    }

    private func end(_ peer: Peer) {
        guard peers.removeValue(forKey: ObjectIdentifier(peer)) != nil else { return }
        peer.watcher?.cancel()
        peer.watcher = nil
        peer.writing?.cancel()
        peer.writing = nil
        Socket.close(peer.descriptor)
    }

    /// Makes room for somebody new: who has connected and says nothing has no need of its place.
    private func makeRoom() {
        guard peers.count >= HandoverServer.mostPeers, let silent = peers.values.first(where: { !$0.hasSpoken }) else {
            return
        }
        end(silent)
    }

    /// A process that has put its own socket in the path's place, and then did not come to take over: this one is to be found again.
    private func listenAgain() {
        guard successor == nil, let listener, FileIdentity(path) != file else { return }
        listener.close()
        self.listener = nil
        try? open()
    }

    private func received(_ peer: Peer) {
        switch MessageSocket.receive(on: peer.descriptor) {
        case .nothing: return
        case .end:
            end(peer)
            if peer.isTaking { listenAgain() }
        case .message(let text, let descriptors):
            for descriptor in descriptors { Socket.close(descriptor) }
            obey(text, peer)
        }
    }

    private func obey(_ text: String, _ peer: Peer) {
        peer.hasSpoken = true
        let words = text.split(separator: " ")
        switch words.first {
        case "take": give(to: peer, version: words.count > 1 ? Int(words[1]) : nil)
        case "ready" where peer.isTaking && successor == nil:
            successor = peer.pid
            let configured = words.count > 1 ? UInt64(words[1]) : nil
            let reload = lastReload.load(ordering: .relaxed) > configured ?? .max ? " reload" : ""
            MessageSocket.send("draining \(drainLimit.wholeMilliseconds)\(reload)", on: peer.descriptor)
            onEvent(.takenOver(by: peer.pid))
        case "end" where peer.isTaking && successor == peer.pid: onEvent(.endNow)
        case "handover" where successor == nil:
            peer.waitsForAnswer = true
            onEvent(.requested)
        case "handover":
            // It has come to pass already, though for another who asked.
            MessageSocket.send("done \(successor ?? 0)", on: peer.descriptor)
            end(peer)
        default: end(peer)
        }
    }

    private func give(to peer: Peer, version: Int?) {
        guard version == HandoverServer.version else {
            MessageSocket.send("refused version \(HandoverServer.version) is spoken here", on: peer.descriptor)
            return end(peer)
        }
        guard listener != nil, successor == nil else {
            MessageSocket.send("stopping", on: peer.descriptor)
            return end(peer)
        }
        peer.isTaking = true
        for sockets in sockets {
            var rest = sockets.descriptors[...]
            while !rest.isEmpty {
                let part = rest.prefix(MessageSocket.mostDescriptors)
                peer.outbox.append(("listener \(sockets.address)", Array(part)))
                rest = rest.dropFirst(part.count)
            }
        }
        peer.outbox.append(("end", []))
        sendRest(to: peer)
    }

    /// Sends what the kernel takes, and the rest when it takes more: a few hundred listeners are more than it keeps for one socket.
    private func sendRest(to peer: Peer) {
        while let next = peer.outbox.first {
            switch MessageSocket.trySend(next.text, descriptors: next.descriptors, on: peer.descriptor) {
            case .sent: peer.outbox.removeFirst()
            case .full: return waitForRoom(peer)
            case .gone: return end(peer)
            }
        }
        peer.writing?.cancel()
        peer.writing = nil
    }

    private func waitForRoom(_ peer: Peer) {
        guard peer.writing == nil else { return }
        do throws(LoopError) {
            let writing = try Watcher(on: loop, descriptor: peer.descriptor, interest: .writable) { [unowned peer] in
                self.sendRest(to: peer)
            }
            peer.writing = writing
            try writing.resume()
        } catch {
            end(peer)
        }
    }
}
