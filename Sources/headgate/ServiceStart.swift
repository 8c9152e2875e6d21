import EventLoop
import Gateway
import Glibc
import Logging

/// From a checked configuration to a service that takes requests, in place of the one that did before.
struct ServiceStart {
    let configuration: Configuration
    /// When it was begun to be read.
    let configured: MonotonicTime
    let options: ConfigurationOptions
    let channel: SupervisorChannel?
    let loop: EventLoop
    let logger: Logger

    /// Takes sockets over, opens what is missing, serves, says so, and only then tells the predecessor to go.
    ///
    /// - Throws: what keeps it from serving; a predecessor then goes on.
    func run(log: GatewayLog, events: ServiceEvents) async throws -> RunningService {
        let runtimeDirectory = getenv("RUNTIME_DIRECTORY").map { String(cString: $0) }
        let path = configuration.handover.socketPath(runtimeDirectory: runtimeDirectory)
        var lock: StartLock?
        if let path { lock = try await StartLock.take(path: path, on: loop) }
        defer { lock?.release() }
        let (sockets, predecessor) = try findSockets(path)
        let gateway = try await Gateway.start(configuration, file: options.name, log: log, sockets: sockets)
        let manager = ServiceManager(channel: channel)
        let options = options
        let control = ServiceControl(gateway: gateway, manager: manager, logger: logger) {
            () throws(ConfigurationErrors) in try options.load()
        }
        let handover = path.map { handoverServer($0, gateway, events) }
        let reloads = Reloads(control, handover)
        var isStarted = false
        defer { if !isStarted { gateway.removeOpened() } }
        let admin = try await AdminServer.start(
            configuration.admin,
            for: gateway,
            file: options.name,
            replacing: predecessor?.pid,
            actions: AdminActions(reloads, channel)
        )
        // From here on the next process finds this one, whatever becomes of the one before.
        await open(handover)
        if predecessor == nil { lock?.release() }
        for address in gateway.addresses { logger.notice("listening", metadata: ["address": "\(address)"]) }
        if let address = gateway.metricsAddress { logger.notice("metrics", metadata: ["address": "\(address)"]) }
        if let admin { logger.notice("admin socket", metadata: ["path": "\(admin.path)"]) }
        ProcessMemory.releaseUnused()
        await control.ready()
        if let predecessor {
            do {
                try await takeOver(from: predecessor, events)
                gateway.hasTakenOver()
            } catch {
                await handover?.close(removesFile: true)
                await gateway.stop(handedOver: true)
                await admin?.stop()
                throw error
            }
        }
        publish(admin)
        isStarted = true
        return RunningService(
            control: control,
            reloads: reloads,
            admin: admin,
            manager: manager,
            channel: channel,
            predecessor: predecessor,
            handover: handover,
            successor: SuccessorStart(loop: loop, arguments: Array(CommandLine.arguments.dropFirst())) {
                events.send(.refused($0))
            },
            loop: loop,
            logger: logger
        )
    }

    /// The sockets that are open already, and the process that serves on them.
    private func findSockets(_ path: String?) throws -> (GivenSockets, Predecessor?) {
        var sockets = GivenSockets()
        sockets.takeFromServiceManager(supervisor: channel?.supervisor, logger: logger)
        guard let path else { return (sockets, nil) }
        switch try Predecessor.find(path: path, loop: loop) {
        case .nobody: break
        case .running(let found, let given):
            sockets.add(given)
            return (sockets, found)
        case .killed(let pid):
            logger.error("killed a process that did not hand over", metadata: ["pid": "\(pid)"])
        }
        return (sockets, nil)
    }

    private func handoverServer(_ path: String, _ gateway: Gateway, _ events: ServiceEvents) -> HandoverServer {
        let limit = configuration.server.drainTimeout
        return HandoverServer(loop: loop, path: path, sockets: gateway.listening, drainLimit: limit) {
            events.send(.handover($0))
        }
    }

    /// Without one the service serves all the same.
    private func open(_ handover: HandoverServer?) async {
        do {
            try await handover?.open()
        } catch {
            logger.error("no handover from this process", metadata: ["reason": "\(error)"])
        }
    }

    /// - Throws: ``HandoverError`` when another process serves in the predecessor's place already.
    private func takeOver(from predecessor: Predecessor, _ events: ServiceEvents) async throws {
        let metadata: Logger.Metadata = ["pid": "\(predecessor.pid)"]
        switch await predecessor.takeOver(configured: configured) {
        case .drains(_, let reloads):
            logger.notice("took over from a process that drains now", metadata: metadata)
            // It was asked for one that this process does not know of.
            if reloads { events.send(.signal(SIGHUP)) }
        case .none: logger.error("the process before this one ended without draining", metadata: metadata)
        case .taken(let pid): throw HandoverError("process \(pid) has taken over at the same time, and serves")
        }
    }

    private func publish(_ admin: AdminServer?) {
        do {
            try admin?.publish()
        } catch {
            logger.error("no admin socket", metadata: ["reason": "\(error)"])
        }
    }
}
