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
            \(HandoverCommand.systemSocket).
            """
    )
    var socket: String?

    func run() throws {
        do {
            let pid = try HandoverRequest.send(to: path)
            print("process \(pid) serves; the one before it drains and ends")
        } catch {
            StandardError.write("no handover, the old process goes on: \(error)\n")
            throw ExitCode.failure
        }
    }

    private var path: String {
        if let socket { return socket }
        // A configuration that does not load is what the new process will say.
        let settings = (try? options.load())?.handover ?? HandoverSettings()
        let directory = getenv("RUNTIME_DIRECTORY").map { String(cString: $0) }
        return settings.socketPath(runtimeDirectory: directory) ?? HandoverCommand.systemSocket
    }
}
