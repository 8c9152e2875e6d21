public import EventLoop
import Glibc
import Logging

/// The side of a handover that starts: the process that ran before, while this one takes over and until the other has ended.
///
/// Pinned to its loop but for ``find(path:loop:)``.
public actor Predecessor {
    /// What was found at a handover socket.
    public enum Found: Sendable {
        /// Nobody, or somebody who is stopping.
        case nobody
        /// A process that serves, and its sockets.
        case running(Predecessor, GivenSockets)
        /// A process that did not answer and was killed: its addresses become free, and its requests are lost.
        case killed(Int32)
    }

    /// Its process id.
    public nonisolated let pid: Int32
    private let loop: EventLoop
    /// The loop.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private let descriptor: Int32
    private var watcher: Watcher?
    private var timer: LoopTimer?
    private var answered: CheckedContinuation<Answer, Never>?
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var hasEnded = false
    private var isLeaving = false  // the next limit is our own end's

    /// What it says to this process's readiness.
    public enum Answer: Sendable, Equatable {
        /// It drains, within this limit at most.
        ///
        /// - reloads: whether it was asked to reload after this process had read its configuration.
        case drains(within: Duration, reloads: Bool)
        /// It has handed over to another process, which serves.
        case taken(by: Int32)
        /// Nothing: it has ended, or was killed as it did not answer.
        case none
    }

    /// How long one that runs may take for an answer: it has nothing to wait for.
    static let answerLimit = Duration.seconds(5)
    /// What one gets beyond its drain's limit before it is killed.
    static let endMargin = Duration.seconds(10)

    private init(descriptor: Int32, pid: pid_t, loop: EventLoop) {
        self.descriptor = descriptor
        self.pid = pid
        self.loop = loop
    }

    /// Asks whoever listens at `path` for its sockets. Blocks for ``answerLimit`` at most; a process that is silent for so long is stuck
    /// and is killed, so that its addresses can be had.
    ///
    /// - Parameter loop: where the predecessor is watched afterwards.
    /// - Throws: ``HandoverError`` when it belongs to somebody else or refuses; `LoopError` when the path cannot be used.
    public static func find(path: String, loop: EventLoop) throws -> Found {
        guard let descriptor = try MessageSocket.connect(path: path) else { return .nobody }
        guard let peer = MessageSocket.peer(of: descriptor) else {
            Socket.close(descriptor)
            return .nobody
        }
        guard [0, geteuid()].contains(peer.user) || geteuid() == 0 else {
            Socket.close(descriptor)
            throw HandoverError("\(path) belongs to a process of user \(peer.user)")
        }
        MessageSocket.setTimeout(answerLimit, of: descriptor)
        MessageSocket.send("take \(HandoverServer.version)", on: descriptor)
        var sockets = GivenSockets()
        while true {
            switch MessageSocket.receive(on: descriptor) {
            case .end:
                Socket.close(descriptor)
                return .nobody
            case .nothing:
                sockets.drop()
                guard canKill(peer.pid) else {
                    Socket.close(descriptor)
                    throw HandoverError("a process that cannot be ended from here does not answer at \(path)")
                }
                killAndWait(peer.pid, descriptor)
                return .killed(peer.pid)
            case .message(let text, let descriptors):
                if text.hasPrefix("listener ") {
                    sockets.add(descriptors, at: String(text.dropFirst(9)), areManaged: false)
                } else if text == "end" {
                    MessageSocket.setNonBlocking(descriptor)
                    return .running(Predecessor(descriptor: descriptor, pid: peer.pid, loop: loop), sockets)
                } else {
                    Socket.close(descriptor)
                    if text == "stopping" { return .nobody }
                    throw HandoverError("process \(peer.pid) does not hand over: \(text)")
                }
            }
        }
    }

    /// Whether the kernel has told which process it is: of one in another PID namespace, such as another container's, it tells 0, and a
    /// signal to that would be one to this process's own group.
    private static func canKill(_ pid: pid_t) -> Bool { pid > 1 }

    private func kill() {
        if Predecessor.canKill(pid) {
            Glibc.kill(pid, SIGKILL)
        } else {
            let reason = "it does not answer or end, and cannot be ended from here: it is in another PID namespace"
            Logger(label: "headgate").error("the process before this one goes on", metadata: ["reason": "\(reason)"])
            ended()
        }
    }

    /// Returns when its descriptors are closed, so that its addresses are free.
    private static func killAndWait(_ pid: pid_t, _ descriptor: Int32) {
        Glibc.kill(pid, SIGKILL)
        while case .message = MessageSocket.receive(on: descriptor) {}
        Socket.close(descriptor)
        // Its other descriptors close at the same time; whoever started it reaps it then.
        for _ in 0..<100 where Glibc.kill(pid, 0) == 0 { usleep(10_000) }
    }

    /// Tells it that this process serves, and waits until it drains. One that does not answer is killed.
    ///
    /// - Parameter configured: when this process began to read its configuration.
    public func takeOver(configured: MonotonicTime) async -> Answer {
        let answer = await withCheckedContinuation { continuation in
            answered = continuation
            begin(configured)
        }
        switch answer {
        case .drains(let limit, _): timer?.arm(after: limit + Predecessor.endMargin)
        case .taken: ended()
        case .none:
            timer?.arm(after: Predecessor.endMargin)
            if !hasEnded { kill() }
        }
        return answer
    }

    private func begin(_ configured: MonotonicTime) {
        timer = LoopTimer(on: loop) { self.timedOut() }
        do throws(LoopError) {
            let watcher = try Watcher(on: loop, descriptor: descriptor, interest: .readable) { self.received() }
            self.watcher = watcher
            try watcher.resume()
        } catch {
            return ended()
        }
        timer?.arm(after: Predecessor.answerLimit)
        if !MessageSocket.send("ready \(configured.nanoseconds)", on: descriptor) { ended() }
    }

    /// Has it end what it still does.
    public func endNow() { MessageSocket.send("end", on: descriptor) }

    /// Returns when it has ended. At `time` it is told to end at once, and a little later killed.
    public func outlast(until time: MonotonicTime) async {
        guard !hasEnded else { return }
        timer?.arm(at: time)
        isLeaving = true
        await withCheckedContinuation { waiting.append($0) }
    }

    private func received() {
        switch MessageSocket.receive(on: descriptor) {
        case .nothing: return
        case .end: ended()
        case .message(let text, let descriptors):
            for descriptor in descriptors { Socket.close(descriptor) }
            let words = text.split(separator: " ")
            switch words.first {
            case "draining":
                guard words.count > 1, let milliseconds = Int64(words[1]) else { return }
                answer(.drains(within: .milliseconds(milliseconds), reloads: words.dropFirst(2).contains("reload")))
            case "taken": answer(.taken(by: words.count > 1 ? pid_t(words[1]) ?? 0 : 0))
            default: return
            }
        }
    }

    private func answer(_ answer: Answer) {
        let answered = answered
        self.answered = nil
        answered?.resume(returning: answer)
    }

    private func timedOut() {
        if answered != nil { return answer(.none) }
        guard isLeaving else {
            kill()
            return
        }
        isLeaving = false
        endNow()
        timer?.arm(after: Predecessor.answerLimit)
    }

    private func ended() {
        guard !hasEnded else { return }
        hasEnded = true
        watcher?.cancel()
        watcher = nil
        timer?.cancel()
        timer = nil
        Socket.close(descriptor)
        answer(.none)
        let waiting = waiting
        self.waiting = []
        for continuation in waiting { continuation.resume() }
    }
}

/// Why a handover does not take place.
public struct HandoverError: Error, Sendable, CustomStringConvertible {
    /// In words for operators.
    public let description: String

    /// Makes an error of words.
    public init(_ description: String) { self.description = description }
}
