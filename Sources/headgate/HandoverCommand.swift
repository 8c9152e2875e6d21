import ArgumentParser
import Gateway
import Glibc

/// `headgate handover`: replaces the running process.
struct HandoverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "handover",
        abstract: "Have the running service replaced by a new process from the program on disk, without a gap.",
        discussion: """
            Exits with 0 when the new process serves; the old one then finishes what it has begun. Exits with 1, and the reason, when
            there is no new process; the old one then goes on as if nothing had been asked. To be run as the service's user, or as root.
            """
    )

    /// Where the packaged unit's socket is.
    private static let systemSocket = "/run/headgate/\(HandoverSettings.socketName)"

    @OptionGroup
    var options: ConfigurationOptions

    @Option(
        help: """
            The service's handover socket. Without it: handover.socket of the configuration, else the one in RUNTIME_DIRECTORY, else \
            /run/headgate-NAME/\(HandoverSettings.socketName) for /etc/headgate/NAME.yaml, and without --config \
            \(HandoverCommand.systemSocket).
            """
    )
    var socket: String?

    func run() throws {
        do {
            let pid = try HandoverRequest.send(to: path())
            try StandardOutput.write("process \(pid) serves; the one before it drains and ends\n")
        } catch let status as ExitCode {
            throw status
        } catch {
            StandardError.write("no handover, the old process goes on: \(error)\n")
            throw ExitCode.failure
        }
    }

    /// What else is wrong with a configuration is what the new process will say.
    private func path() throws -> String {
        if let socket { return socket }
        let environment = ConfigurationOptions.environmentVariables()
        if let config = options.config { return try ServiceSockets.handover(of: config, environment: environment) }
        if let file = options.file, let path = try? ServiceSockets.handover(of: file, environment: environment) {
            return path
        }
        let settings = HandoverSettings()
        return settings.socketPath(runtimeDirectory: environment["RUNTIME_DIRECTORY"]) ?? HandoverCommand.systemSocket
    }
}
