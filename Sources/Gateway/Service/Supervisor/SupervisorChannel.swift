public import EventLoop
import Glibc
import Synchronization

/// What a serving process and the one that started it say to each other, over a socket that the child is born with.
///
/// The child sends what it would tell the service manager, `failed REASON` before it gives up starting, and `handover` when somebody
/// asks for a new process. The parent sends `detach` (the child is to go on by itself, and answers `detached`), and `refused REASON`
/// when the new process did not come. Sending is for any thread; the rest happens on the loop given to ``watch(on:onRefusal:onDetach:)``.
public final class SupervisorChannel: Sendable {
    /// Names the descriptor, and the parent to end with (0: none): `7:1234`.
    static let variable = "HEADGATE_CHANNEL"

    private let descriptor: Int32
    private let parent: pid_t?
    private let isOpen = Atomic<Bool>(true)

    /// The process id of the supervisor; nil where the parent has only started this one, and once the supervisor has left it to
    /// itself: ask when it matters.
    public var supervisor: Int32? { isOpen.load(ordering: .acquiring) ? parent : nil }

    private init(descriptor: Int32, parent: pid_t?) {
        self.descriptor = descriptor
        self.parent = parent
    }

    /// The channel this process was born with; nil when nobody gave it one. Call once, before anything is started.
    public static func inherited() -> SupervisorChannel? {
        guard let value = getenv(variable).map({ String(cString: $0) }) else { return nil }
        unsetenv(variable)
        let parts = value.split(separator: ":").compactMap { Int32($0) }
        guard parts.count == 2, fcntl(parts[0], F_SETFD, FD_CLOEXEC) == 0 else { return nil }
        return SupervisorChannel(descriptor: parts[0], parent: parts[1] > 0 ? parts[1] : nil)
    }

    /// Sends one message; lost when the parent is gone.
    public func send(_ message: String) {
        guard isOpen.load(ordering: .relaxed) else { return }
        MessageSocket.send(message, on: descriptor)
    }

    /// Says why this process does not start.
    public func failed(_ reason: String) { send("failed \(reason)") }

    /// Hears the parent from now on, and ends with it: the kernel kills this process when its supervisor ends without having detached
    /// it. The loop must live as long as the process.
    ///
    /// - Parameters:
    ///   - onRefusal: called on the loop with the reason why no new process comes.
    ///   - onDetach: called on the loop when there is no supervisor any more: nothing that it was asked for comes.
    public func watch(
        on loop: EventLoop,
        onRefusal: @escaping @Sendable (String) -> Void,
        onDetach: @escaping @Sendable () -> Void
    ) {
        loop.execute { [self] in
            if let parent {
                ParentDeath.endsProcess(true)
                if getppid() != parent { _exit(EXIT_FAILURE) }  // it ended before that
            }
            let holder = Holder()
            holder.watcher = try? Watcher(on: loop, descriptor: descriptor, interest: .readable) {
                self.received(holder, onRefusal, onDetach)
            }
            try? holder.watcher?.resume()
        }
    }

    private final class Holder {
        var watcher: Watcher?
    }

    private func received(_ holder: Holder, _ onRefusal: (String) -> Void, _ onDetach: () -> Void) {
        switch MessageSocket.receive(on: descriptor) {
        case .nothing: return
        case .end:
            // The kernel has the same in hand; here for whoever took the parent's death signal away.
            if parent != nil { _exit(EXIT_FAILURE) }
            close(holder)
        case .message(let text, let descriptors):
            for descriptor in descriptors { Socket.close(descriptor) }
            if text == "detach" {
                ParentDeath.endsProcess(false)
                send("detached")
                close(holder)
                onDetach()
            } else if text.hasPrefix("refused ") {
                onRefusal(String(text.dropFirst(8)))
            }
        }
    }

    /// The descriptor stays: its number must not become another's while somebody sends.
    private func close(_ holder: Holder) {
        isOpen.store(false, ordering: .releasing)
        holder.watcher?.cancel()
        holder.watcher = nil
        shutdown(descriptor, Int32(SHUT_RDWR))
    }
}
