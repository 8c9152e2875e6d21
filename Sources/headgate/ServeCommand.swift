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
            """
    )

    @OptionGroup
    var options: ConfigurationOptions

    func run() async throws {
        SignalWatcher.ignoreHangups()
        ProcessMemory.returnLargeBlocks()
        let configuration = try options.loadOrExit()
        SignalWatcher.ignoreBrokenPipes()
        let descriptors = DescriptorLimit.raise()
        let log = try GatewayLog.bootstrap(settings: configuration.log, secrets: configuration.secrets)
        let logger = Logger(label: "headgate")
        defer { log.flush() }
        warn(configuration, logger)
        if let warning = configuration.warning(descriptors: descriptors) {
            logger.warning("descriptors", metadata: ["reason": "\(warning)"])
        }
        let (signals, loop) = try await Signals.caught([SIGTERM, SIGINT, SIGHUP])
        let gateway: Gateway
        do {
            gateway = try await Gateway.start(configuration, file: options.name, log: log)
        } catch let errors as ConfigurationErrors {
            StandardError.write("\(errors)\n")
            throw ExitCode.configuration
        } catch {
            logger.error("cannot start", metadata: ["reason": "\(error)"])
            throw ExitCode.failure
        }
        for address in gateway.addresses { logger.notice("listening", metadata: ["address": "\(address)"]) }
        let manager = ServiceManager(loops: gateway.loops)
        ProcessMemory.releaseUnused()
        manager.ready()
        // On the loop of the signals, which has the time: nothing periodic shall need threads of the global pool.
        let watchdog = manager.feedWatchdog(on: loop)
        let memory = Task.detached(executorPreference: loop) { await gateway.keepMemoryLow(on: loop) }
        defer { memory.cancel() }
        await obey(signals, gateway, manager, logger)
        watchdog?.cancel()
    }

    /// Until the service has stopped.
    private func obey(
        _ signals: AsyncStream<Int32>,
        _ gateway: Gateway,
        _ manager: ServiceManager,
        _ logger: Logger
    ) async {
        var stopping: Task<Void, Never>?
        let (events, event) = AsyncStream.makeStream(of: Int32?.self)
        let forwarding = Task {
            for await signal in signals { event.yield(signal) }
        }
        defer { forwarding.cancel() }
        for await signal in events {
            switch signal {
            case SIGHUP where stopping == nil: await reload(gateway, manager, logger)
            case SIGHUP: continue
            case nil: return
            default:
                if stopping != nil {
                    logger.notice("ending requests now", metadata: ["reason": "second signal"])
                    await gateway.cancelRequests()
                    continue
                }
                logger.notice("draining", metadata: ["signal": signal == SIGINT ? "SIGINT" : "SIGTERM"])
                manager.stopping()
                stopping = Task {
                    let finished = await gateway.stop()
                    logger.notice("stopped", metadata: ["drained": "\(finished)"])
                    event.yield(nil)
                }
            }
        }
    }

    private func reload(_ gateway: Gateway, _ manager: ServiceManager, _ logger: Logger) async {
        manager.reloading()
        defer { manager.ready() }
        do throws(ConfigurationErrors) {
            let next = try options.load()
            try await gateway.reload(next)
            warn(next, logger)
            logger.notice("configuration reloaded", metadata: ["file": "\(options.name)"])
            manager.status("reloaded")
        } catch {
            for mistake in error.errors {
                logger.error("configuration not reloaded", metadata: ["reason": "\(mistake)"])
            }
            let first = error.errors.first?.description ?? ""
            manager.status("reload failed, still serving the old configuration: \(first)")
        }
    }

    private func warn(_ configuration: Configuration, _ logger: Logger) {
        for warning in configuration.warnings {
            logger.warning("configuration", metadata: ["reason": "\(warning)"])
        }
    }
}
