import ArgumentParser
import EventLoop
import Gateway
import Glibc
import Logging

/// `headgate serve`: the daemon.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the configured routes.",
        discussion: """
            SIGTERM and SIGINT stop it: requests under way get server.drain_timeout to finish; a second signal ends them at once.
            SIGHUP reads the configuration and the certificates again, and keeps the old ones when there is a mistake.
            Under systemd it tells when it is ready, reloads, stops, and feeds the watchdog.
            A process that serves at the same handover socket (handover.socket) gives its listeners to this one, which then serves in its
            place: nothing is refused or cut.
            """
    )

    @OptionGroup
    var options: ConfigurationOptions

    func run() async throws {
        SignalWatcher.ignoreHangups()
        ProcessMemory.returnLargeBlocks()
        let channel = SupervisorChannel.inherited()
        let configuration: Configuration
        do throws(ConfigurationErrors) {
            configuration = try options.load()
        } catch {
            throw failed(error, channel)
        }
        SignalWatcher.ignoreBrokenPipes()
        let descriptors = DescriptorLimit.raise()
        let log = try GatewayLog.bootstrap(settings: configuration.log, secrets: configuration.secrets)
        let logger = Logger(label: "headgate")
        defer { log.flush() }
        for warning in configuration.warnings {
            logger.warning("configuration", metadata: ["reason": "\(warning)"])
        }
        if let warning = configuration.warning(descriptors: descriptors) {
            logger.warning("descriptors", metadata: ["reason": "\(warning)"])
        }
        let (signals, loop) = try await Signals.caught([SIGTERM, SIGINT, SIGHUP])
        let events = ServiceEvents(signals)
        channel?.watch(on: loop) {
            events.send(.refused($0))
        } onDetach: {
            events.send(.leftAlone)
        }
        let start = ServiceStart(
            configuration: configuration,
            options: options,
            channel: channel,
            loop: loop,
            logger: logger
        )
        let service: RunningService
        do {
            service = try await start.run(log: log, events: events)
        } catch let errors as ConfigurationErrors {
            throw failed(errors, channel)
        } catch {
            logger.error("cannot start", metadata: ["reason": "\(error)"])
            channel?.failed("\(error)")
            throw ExitCode.failure
        }
        await service.run(events)
    }

    /// Mistakes go to standard error, one a line, and to whoever started this process.
    private func failed(_ errors: ConfigurationErrors, _ channel: SupervisorChannel?) -> ExitCode {
        StandardError.write("\(errors)\n")
        channel?.failed("\(errors)")
        return .configuration
    }
}

/// From a checked configuration to a service that takes requests, in place of the one that did before.
struct ServiceStart {
    let configuration: Configuration
    let options: ConfigurationOptions
    let channel: SupervisorChannel?
    let loop: EventLoop
    let logger: Logger

    /// Takes sockets over, opens what is missing, serves, says so, and only then tells the predecessor to go.
    ///
    /// - Throws: what keeps it from serving; a predecessor then goes on.
    func run(log: GatewayLog, events: ServiceEvents) async throws -> RunningService {
        var sockets = GivenSockets()
        sockets.takeFromServiceManager(supervisor: channel?.supervisor, logger: logger)
        let runtimeDirectory = getenv("RUNTIME_DIRECTORY").map { String(cString: $0) }
        let path = configuration.handover.socketPath(runtimeDirectory: runtimeDirectory)
        var predecessor: Predecessor?
        if let path {
            switch try Predecessor.find(path: path, loop: loop) {
            case .nobody: break
            case .running(let found, let given):
                predecessor = found
                sockets.add(given)
            case .killed(let pid):
                logger.error("killed a process that did not hand over", metadata: ["pid": "\(pid)"])
            }
        }
        let gateway = try await Gateway.start(configuration, file: options.name, log: log, sockets: sockets)
        let manager = ServiceManager(loops: gateway.loops, channel: channel)
        let options = options
        let control = ServiceControl(gateway: gateway, manager: manager, logger: logger) {
            () throws(ConfigurationErrors) in try options.load()
        }
        let reloads = Reloads { await control.reload() }
        let admin = try await AdminServer.start(
            configuration.admin,
            for: gateway,
            file: options.name,
            takesOver: predecessor != nil,
            actions: AdminActions(reloads, channel)
        )
        // From here on the next process finds this one, whatever becomes of the one before.
        let handover = await handoverServer(path, gateway, events)
        for address in gateway.addresses { logger.notice("listening", metadata: ["address": "\(address)"]) }
        if let address = gateway.metricsAddress { logger.notice("metrics", metadata: ["address": "\(address)"]) }
        if let admin { logger.notice("admin socket", metadata: ["path": "\(admin.path)"]) }
        ProcessMemory.releaseUnused()
        await control.ready()
        if let predecessor {
            let hasAnswered = await predecessor.takeOver()
            let metadata: Logger.Metadata = ["pid": "\(predecessor.pid)"]
            if hasAnswered {
                logger.notice("took over from a process that drains now", metadata: metadata)
            } else {
                logger.error("the process before this one ended without draining", metadata: metadata)
            }
        }
        do {
            try admin?.publish()
        } catch {
            logger.error("no admin socket", metadata: ["reason": "\(error)"])
        }
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

    /// Without one the service serves all the same.
    private func handoverServer(_ path: String?, _ gateway: Gateway, _ events: ServiceEvents) async -> HandoverServer? {
        guard let path else { return nil }
        let server = HandoverServer(
            loop: loop,
            path: path,
            sockets: gateway.listening,
            drainLimit: configuration.server.drainTimeout
        ) { events.send(.handover($0)) }
        do {
            try await server.open()
            return server
        } catch {
            logger.error("no handover from this process", metadata: ["reason": "\(error)"])
            return nil
        }
    }
}
