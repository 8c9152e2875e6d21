public import EventLoop
import Glibc

/// A `headgate serve` that this process has started, with the parent's end of its channel.
///
/// Lives and dies on the loop; ``close()`` before the last reference goes.
public final class ServeProcess {
    /// What it says, and how it ends.
    public enum Event: Sendable, Equatable {
        /// It serves; with what the service manager is told.
        case ready(String)
        /// Why it gives up starting.
        case failed(String)
        /// Somebody asked it for a new process.
        case handover
        /// It goes on by itself from now on.
        case detached
        /// Something for the service manager.
        case notification(String)
        /// It ended with this exit status, 128 and the signal's number where one killed it.
        case ended(Int32)
    }

    /// How it is started.
    public struct Launch: Sendable {
        /// The executable's path, and its arguments behind the name.
        public var executable: String
        /// Without the executable.
        public var arguments: [String]
        /// Listening sockets of the service manager, from descriptor 3 on, to be passed on.
        public var passed: Int32 = 0
        /// Whether it ends with this process.
        public var isBound: Bool

        /// This program as it is on disk now, which may be a newer one than the one that runs.
        ///
        /// - Parameter arguments: behind the program's name.
        public init(arguments: [String], isBound: Bool) {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = max(0, readlink("/proc/self/exe", &buffer, buffer.count))
            var path = String(decoding: buffer[..<count], as: UTF8.self)
            if path.hasSuffix(Launch.deleted) { path.removeLast(Launch.deleted.count) }
            executable = path
            self.arguments = arguments
            self.isBound = isBound
        }

        private static let deleted = " (deleted)"
    }

    /// Its process id.
    public let pid: Int32
    private let descriptor: Int32
    private let onEvent: (ServeProcess, Event) -> Void
    private var watcher: Watcher?

    /// Starts it. On the loop, whose thread must live as long as a bound process: the kernel takes the thread for its parent.
    ///
    /// - Throws: `LoopError` when there is no such program, or no room for it.
    public init(
        _ launch: Launch,
        on loop: EventLoop,
        onEvent: @escaping (ServeProcess, Event) -> Void
    ) throws(LoopError) {
        self.onEvent = onEvent
        let (own, childs) = try MessageSocket.pair()
        defer { Socket.close(childs) }
        descriptor = own
        do throws(LoopError) {
            pid = try ServeProcess.spawn(launch, channel: childs)
            let watcher = try Watcher(on: loop, descriptor: own, interest: .readable) { [unowned self] in received() }
            self.watcher = watcher
            try watcher.resume()
        } catch {
            Socket.close(own)
            throw error
        }
    }

    private static func spawn(_ launch: Launch, channel: Int32) throws(LoopError) -> pid_t {
        let place = GivenSockets.firstPassed + launch.passed
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // The channel may lie where a socket goes: it moves out of the way first. A copy onto itself is kept open.
        guard let source = movedAside(channel, beyond: place) else { throw LoopError("copy a descriptor") }
        defer { if source != channel { Socket.close(source) } }
        for number in 0..<launch.passed {
            posix_spawn_file_actions_adddup2(
                &actions,
                GivenSockets.firstPassed + number,
                GivenSockets.firstPassed + number
            )
        }
        posix_spawn_file_actions_adddup2(&actions, source, place)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let arguments = ([launch.executable] + launch.arguments).map { strdup($0) }
        let variables = environment(launch, channel: place).map { strdup($0) }
        defer { for text in arguments + variables { free(text) } }
        var pid = pid_t()
        let result = posix_spawn(&pid, launch.executable, &actions, &attributes, arguments + [nil], variables + [nil])
        guard result == 0 else { throw LoopError("start \(launch.executable)", number: result) }
        return pid
    }

    private static func movedAside(_ descriptor: Int32, beyond place: Int32) -> Int32? {
        guard descriptor <= place else { return descriptor }
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, place + 1)
        return copy >= 0 ? copy : nil
    }

    /// Ours, with the channel. A bound process talks to the service manager through its supervisor alone.
    private static func environment(_ launch: Launch, channel: Int32) -> [String] {
        var removed = ["LISTEN_FDS", "LISTEN_PID", "WATCHDOG_PID", SupervisorChannel.variable]
        if launch.isBound { removed.append("NOTIFY_SOCKET") }
        var variables: [String] = []
        var entry = environ
        while let pointer = entry.pointee {
            entry += 1
            let text = String(cString: pointer)
            if !removed.contains(where: { text.hasPrefix("\($0)=") }) { variables.append(text) }
        }
        variables.append("\(SupervisorChannel.variable)=\(channel):\(launch.isBound ? getpid() : 0)")
        if launch.passed > 0 { variables += ["LISTEN_FDS=\(launch.passed)", "LISTEN_PID=\(getpid())"] }
        return variables
    }

    deinit { assert(watcher == nil, "ServeProcess dropped without close()") }

    /// Sends a signal.
    public func signal(_ number: Int32) { kill(pid, number) }

    /// Sends one message.
    ///
    /// - Returns: false when it takes none.
    @discardableResult
    public func send(_ message: String) -> Bool { MessageSocket.send(message, on: descriptor) }

    /// Hears it no more; it goes on.
    public func close() {
        guard let watcher else { return }
        watcher.cancel()
        self.watcher = nil
        Socket.close(descriptor)
    }

    private func received() {
        switch MessageSocket.receive(on: descriptor) {
        case .nothing: return
        case .end:
            close()
            onEvent(self, .ended(reap()))
        case .message(let text, let descriptors):
            for descriptor in descriptors { Socket.close(descriptor) }
            onEvent(self, ServeProcess.event(text))
        }
    }

    /// Its end of the channel closes as it ends, so this takes no time.
    private func reap() -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            if errno != EINTR { return EXIT_FAILURE }
        }
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }

    private static func event(_ text: String) -> Event {
        switch text {
        case "handover": return .handover
        case "detached": return .detached
        default:
            if text.hasPrefix("failed ") { return .failed(String(text.dropFirst(7))) }
            return text.split(separator: "\n").contains("READY=1") ? .ready(text) : .notification(text)
        }
    }
}
