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
        let configured = MonotonicTime.now
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
            configured: configured,
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
