public import EventLoop
import Glibc

/// Starts the process that is to take over from this one, where no supervisor does that. Pinned to its loop.
public actor SuccessorStart {
    private let loop: EventLoop
    /// The loop.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private let arguments: [String]
    private let onFailure: @Sendable (String) -> Void
    private var process: ServeProcess?
    private var timer: LoopTimer?
    private var reason: String?

    /// How long it may take to serve.
    private static let startLimit = Duration.seconds(60)

    /// Makes one that has started nothing.
    ///
    /// - Parameters:
    ///   - arguments: this process's own, without the program.
    ///   - onFailure: called on the loop when the new process ends, or takes too long, with the reason.
    public init(loop: EventLoop, arguments: [String], onFailure: @escaping @Sendable (String) -> Void) {
        self.loop = loop
        self.arguments = arguments
        self.onFailure = onFailure
    }

    /// Starts the program that is on disk now, unless one is starting already.
    public func start() {
        guard process == nil else { return }
        reason = nil
        do throws(LoopError) {
            let launch = ServeProcess.Launch(arguments: arguments, isBound: false)
            process = try ServeProcess(launch, on: loop) { _, event in self.heard(event) }
            let timer = LoopTimer(on: loop) { self.timedOut() }
            timer.arm(after: SuccessorStart.startLimit)
            self.timer = timer
        } catch {
            onFailure("\(error)")
        }
    }

    /// Lets go of a process that has taken over, or of whatever is starting.
    public func finish() {
        process?.close()
        process = nil
        timer?.cancel()
        timer = nil
    }

    private func heard(_ event: ServeProcess.Event) {
        switch event {
        case .failed(let reason): self.reason = reason
        case .ended(let status):
            finish()
            onFailure(reason ?? "it ended with status \(status)")
        case .ready, .handover, .detached, .notification: return
        }
    }

    private func timedOut() {
        reason = "not ready after \(SuccessorStart.startLimit)"
        process?.signal(SIGKILL)
    }
}
