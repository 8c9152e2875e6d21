import ArgumentParser
import Gateway
import Runnable

/// `headgate status`
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say how the running daemon is: version, configuration, listeners, loops, backends.",
        discussion: """
            Exit codes: 0 it serves, 1 it cannot be reached or does not let you, 3 it drains and will end, 4 one of its loops does not \
            answer within a second.

              headgate status
              headgate status --json | jq '.backends[] | {name, busy, queued}'
            """
    )

    @OptionGroup
    var options: AdminOptions

    @Flag(help: "Print the daemon's answer as it is: one JSON object.")
    var json = false

    func run() throws {
        let reply = try options.client().orExit { client throws(AdminClient.Failure) in try client.get("/status") }
        try reply.expectSuccess()
        if json { try StandardOutput.write(reply.body) } else { try StandardOutput.write(StatusText.text(reply.value)) }
        if reply.value["loops"]?.array?.contains(where: { $0["answered"]?.bool == false }) == true {
            throw ExitCode.stuck
        }
        if reply.value["state"]?.string == "draining" { throw ExitCode.draining }
    }
}
