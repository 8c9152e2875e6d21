import ArgumentParser
import EventLoop
import Gateway
import Glibc
import Logging

/// `headgate supervise`: the main process of a unit.
struct SuperviseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervise",
        abstract: "Run `headgate serve` so that a service manager can restart it without a gap.",
        discussion: """
            Takes the options of serve, starts it, and passes notifications, listening sockets and signals on. Ends with its exit status.
            SIGUSR2, or headgate handover, starts the program that is on disk beside the one that runs; it takes over when it is ready,
            and the old one drains. SIGUSR1 ends the supervisor alone: the process goes on serving until a later start takes over.
            """
    )

    @OptionGroup
    var options: ConfigurationOptions

    func run() async throws {
        SignalWatcher.ignoreBrokenPipes()
        // Journal priorities under systemd, like those of the process; what else `log` says is that one's.
        let log = try GatewayLog.bootstrap(settings: LogSettings())
        defer { log.flush() }
        // libevent lets one loop own the signals; the same one starts processes, as it lives until the end.
        let (signals, loop) = try await Signals.caught([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2])
        var arguments = Array(CommandLine.arguments.dropFirst())
        if let place = arguments.firstIndex(of: SuperviseCommand._commandName) {
            arguments[place] = ServeCommand._commandName
        }
        let supervisor = Supervisor(
            loop: loop,
            arguments: arguments,
            passed: passedSockets,
            manager: ServiceManager(),
            logger: Logger(label: "headgate")
        )
        let obeying = Task.detached(executorPreference: loop) {
            for await signal in signals { await supervisor.obey(SuperviseCommand.meaning(of: signal)) }
        }
        let status = await supervisor.run()
        obeying.cancel()
        guard status == 0 else { throw ExitCode(status) }
    }

    /// How many sockets the service manager has passed to this process.
    private var passedSockets: Int32 {
        guard let owner = getenv("LISTEN_PID"), pid_t(String(cString: owner)) == getpid(),
            let count = getenv("LISTEN_FDS")
        else {
            return 0
        }
        return GivenSockets.open(among: min(max(0, Int32(String(cString: count)) ?? 0), 1024))
    }

    private static func meaning(of signal: Int32) -> Supervisor.Signal {
        switch signal {
        case SIGHUP: .reload
        case SIGUSR1: .leave
        case SIGUSR2: .replace
        default: .stop(signal)
        }
    }
}
