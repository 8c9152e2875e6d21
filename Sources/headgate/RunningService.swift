import EventLoop
import Gateway
import Glibc
import Logging

/// What happens to a running service, in the order in which it happens.
final class ServiceEvents: Sendable {
    enum Event: Sendable {
        case signal(Int32)
        case handover(HandoverServer.Event)
        /// The new process that was asked for does not come, and why.
        case refused(String)
        /// The supervisor has left this process to itself.
        case leftAlone
        case stopped
    }

    let stream: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation
    private let forwarding: Task<Void, Never>

    init(_ signals: AsyncStream<Int32>) {
        let (stream, continuation) = AsyncStream.makeStream(of: Event.self)
        self.stream = stream
        self.continuation = continuation
        forwarding = Task {
            for await signal in signals { continuation.yield(.signal(signal)) }
        }
    }

    deinit { forwarding.cancel() }

    func send(_ event: Event) { continuation.yield(event) }
}

/// The service from its start to its end: does what signals, and the processes before and after it, want.
struct RunningService {
    let control: ServiceControl
    let reloads: Reloads
    let admin: AdminServer?
    let manager: ServiceManager
    let channel: SupervisorChannel?
    let predecessor: Predecessor?
    let handover: HandoverServer?
    let successor: SuccessorStart
    /// The loop of the signals, which has the time: nothing periodic shall need threads of the global pool.
    let loop: EventLoop
    let logger: Logger

    /// What a stop may take beyond the drain: for last bytes and log lines.
    private static let stopMargin = Duration.seconds(10)

    private var gateway: Gateway { control.gateway }

    /// Until the service has stopped.
    func run(_ events: ServiceEvents) async {
        let watchdog = manager.feedWatchdog(on: loop, watching: gateway.watchedLoops + (admin.map { [$0.loop] } ?? []))
        let memory = Task.detached(executorPreference: loop) { await gateway.keepMemoryLow(on: loop) }
        var status = keepStatus("serving")
        defer { for task in [watchdog, memory, status] { task?.cancel() } }
        var stopping: Task<Void, Never>?
        for await event in events.stream {
            switch event {
            // Beside this loop: whatever comes meanwhile does not wait for it.
            case .signal(SIGHUP): if stopping == nil { Task { await reloads.reload() } }
            case .signal(let signal):
                guard stopping == nil else {
                    await endNow("second signal")
                    continue
                }
                logger.notice("draining", metadata: ["signal": signal == SIGINT ? "SIGINT" : "SIGTERM"])
                gateway.willStop()
                manager.stopping(within: await gateway.drainTimeout + RunningService.stopMargin)
                await handover?.close(removesFile: true)
                // Beside this loop: the admin socket's may be stuck.
                Task { await admin?.standBeside() }
                await successor.finish()
                status.cancel()
                status = keepStatus("draining")
                stopping = stop(events, handedOver: false)
            case .handover(.requested):
                if let channel, channel.supervisor != nil { channel.send("handover") } else { await successor.start() }
            case .refused(let reason):
                logger.error("no handover", metadata: ["reason": "\(reason)"])
                await handover?.answer(failure: reason)
            case .leftAlone: await handover?.answer(failure: "its supervisor ends; ask again")
            case .handover(.takenOver(let pid)):
                guard stopping == nil else { continue }
                logger.notice("handed over, draining", metadata: ["pid": "\(pid)"])
                if channel?.supervisor == nil { manager.mainProcess(is: pid) }
                Task { await admin?.standBeside() }
                admin?.handedOver(to: pid)
                await handover?.answer(failure: nil)
                await handover?.close(removesFile: false)
                await successor.finish()
                status.cancel()
                stopping = stop(events, handedOver: true)
            case .handover(.endNow): await endNow("the next process stops")
            case .stopped:
                await admin?.stop()
                return
            }
        }
    }

    private func keepStatus(_ word: String) -> Task<Void, Never> {
        Task.detached(executorPreference: loop) { await control.keepStatus(on: loop, word) }
    }

    private func endNow(_ reason: String) async {
        logger.notice("ending requests now", metadata: ["reason": "\(reason)"])
        await predecessor?.endNow()
        await gateway.cancelRequests()
    }

    /// Drains, and waits for the process before this one: when the last process has ended, the service has.
    private func stop(_ events: ServiceEvents, handedOver: Bool) -> Task<Void, Never> {
        Task {
            let limit = MonotonicTime.now + (await gateway.drainTimeout)
            let finished = await gateway.stop(handedOver: handedOver) { await predecessor?.outlast(until: limit) }
            logger.notice("stopped", metadata: ["drained": "\(finished)"])
            events.send(.stopped)
        }
    }
}
