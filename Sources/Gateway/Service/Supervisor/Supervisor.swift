public import EventLoop
import Glibc
public import Logging

/// The small process that a service manager knows as the service: starts `headgate serve`, and starts the next one beside it when the
/// program or the configuration is to be replaced.
///
/// A service manager starts a new main process only after the old one has ended, so the process that holds the streams cannot be
/// the main one. The supervisor serves nobody: it passes notifications up and signals down, and ends when what it started has
/// ended. Its processes end with it, save where it was told to leave them serving (``Signal/leave``). Pinned to its loop.
public actor Supervisor {
    /// What it can be told.
    public enum Signal: Sendable {
        /// SIGTERM, SIGINT: let the serving process drain and end; the second time at once.
        case stop(Int32)
        /// SIGHUP: have the configuration read again.
        case reload
        /// SIGUSR2: start a new process, which takes over.
        case replace
        /// SIGUSR1: end, and leave the process serving by itself, for a later start to take over from.
        case leave
    }

    private let loop: EventLoop
    /// The loop.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private let arguments: [String]
    private let passed: Int32
    private let manager: ServiceManager
    private let logger: Logger

    private var current: ServeProcess?
    private var next: ServeProcess?
    private var reloadsWhenReady: ServeProcess?
    private var draining: [ServeProcess] = []
    private var isStopping = false
    private var leaving: Int32?  // with this exit status
    private var result: Int32 = 0
    private var refusal: String?  // the new process's reason
    private var timer: LoopTimer?
    private var whenEnded: CheckedContinuation<Int32, Never>?

    /// How long a new process may take to serve while the old one goes on.
    private static let startLimit = Duration.seconds(60)
    /// How long processes may take to say that they go on by themselves.
    private static let leaveLimit = Duration.seconds(2)

    /// Makes one that has started nothing.
    ///
    /// - Parameters:
    ///   - arguments: of the serving process, such as `serve --config FILE`.
    ///   - passed: listening sockets the service manager has given us, from descriptor 3 on.
    public init(loop: EventLoop, arguments: [String], passed: Int32, manager: ServiceManager, logger: Logger) {
        self.loop = loop
        self.arguments = arguments
        self.passed = passed
        self.manager = manager
        self.logger = logger
    }

    /// Starts the process and returns when all is over.
    ///
    /// - Returns: the exit status: the serving process's.
    public func run() async -> Int32 {
        timer = LoopTimer(on: loop) { self.timedOut() }
        defer {
            timer?.cancel()
            timer = nil
        }
        do throws(LoopError) {
            current = try start()
        } catch {
            logger.error("cannot start", metadata: ["reason": "\(error)"])
            return EXIT_FAILURE
        }
        return await withCheckedContinuation { whenEnded = $0 }
    }

    private func start() throws(LoopError) -> ServeProcess {
        var launch = ServeProcess.Launch(arguments: arguments, isBound: true)
        launch.passed = passed
        return try ServeProcess(launch, on: loop) { process, event in self.heard(event, from: process) }
    }

    // MARK: Signals

    /// Does as it is told.
    public func obey(_ signal: Signal) {
        guard leaving == nil else { return }  // a service manager sends SIGTERM after whatever it asked for
        switch signal {
        case .reload:
            current?.signal(SIGHUP)
            // One that starts may have read the configuration already, and may replace the current one before that has said
            // that it reloads, for which a service manager waits.
            reloadsWhenReady = next
        case .replace: replace()
        case .leave:
            logger.notice("leaving the process to itself", metadata: ["pid": "\(current?.pid ?? 0)"])
            leave(status: 0)
        case .stop(let number):
            if isStopping { for process in draining { process.signal(number) } }
            isStopping = true
            next?.signal(number)
            current?.signal(number)
        }
    }

    private func replace() {
        guard !isStopping, leaving == nil else {
            current?.send("refused the service is stopping")
            return
        }
        guard next == nil else { return }  // what comes of that one is the answer to all who asked
        do throws(LoopError) {
            refusal = nil
            let process = try start()
            next = process
            logger.notice("starting a new process", metadata: ["pid": "\(process.pid)"])
            timer?.arm(after: Supervisor.startLimit)
        } catch {
            refuse("\(error)")
        }
    }

    /// The old process goes on.
    private func refuse(_ reason: String) {
        logger.error("no new process", metadata: ["reason": "\(reason)"])
        current?.send("refused \(reason)")
    }

    // MARK: Processes

    private func heard(_ event: ServeProcess.Event, from process: ServeProcess) {
        switch event {
        case .ready(let text):
            if process === next { tookOver(process) }
            if process === current, leaving == nil { manager.pass(text) }
            if process === reloadsWhenReady {
                reloadsWhenReady = nil
                process.signal(SIGHUP)
            }
        case .notification(let text):
            // What drains speaks for nobody any more, and what starts not yet.
            if process === current, leaving == nil { manager.pass(text) }
        case .handover:
            if process === current { replace() }
        case .failed(let reason):
            if process === next { refusal = reason }
        case .detached:
            process.close()
            forget(process)
            endWhenAlone()
        case .ended(let status): ended(process, status)
        }
    }

    private func tookOver(_ process: ServeProcess) {
        timer?.disarm()
        if let old = current { draining.append(old) }
        current = process
        next = nil
        logger.notice("a new process serves", metadata: ["pid": "\(process.pid)"])
    }

    private func forget(_ process: ServeProcess) {
        if process === current { current = nil }
        if process === next { next = nil }
        if process === reloadsWhenReady { reloadsWhenReady = nil }
        draining.removeAll { $0 === process }
    }

    private func ended(_ process: ServeProcess, _ status: Int32) {
        let wasCurrent = process === current
        let wasNext = process === next
        forget(process)
        if wasNext {
            timer?.disarm()
            if !isStopping { refuse(refusal ?? "it ended with status \(status)") }
        } else if wasCurrent, leaving == nil {
            result = status
            if let next, !isStopping {
                // The one that starts has its sockets, or gets them now.
                logger.error("the process ended while a new one starts", metadata: ["status": "\(status)"])
                current = next
                self.next = nil
            } else if !isStopping {
                logger.error("the process ended", metadata: ["status": "\(status)"])
                return leave(status: status)
            }
        }
        endWhenAlone()
    }

    private func endWhenAlone() {
        guard current == nil, next == nil, draining.isEmpty, let whenEnded else { return }
        self.whenEnded = nil
        whenEnded.resume(returning: leaving ?? result)
    }

    // MARK: Leaving

    /// Ends; processes that still serve or drain do that by themselves.
    private func leave(status: Int32) {
        leaving = status
        // One that has not taken over has nothing to go on with.
        next?.signal(SIGTERM)
        for process in [current].compactMap({ $0 }) + draining where !process.send("detach") { process.signal(SIGKILL) }
        timer?.arm(after: Supervisor.leaveLimit)
        endWhenAlone()
    }

    private func timedOut() {
        if leaving != nil {
            // A process that cannot answer is stuck: left alone it would keep its addresses for ever.
            for process in [current, next].compactMap({ $0 }) + draining {
                logger.error("killing a process that is stuck", metadata: ["pid": "\(process.pid)"])
                process.signal(SIGKILL)
            }
        } else if let next {
            refusal = "not ready after \(Supervisor.startLimit)"
            next.signal(SIGKILL)
        }
    }
}
