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

    @Flag(help: "Print what the daemon says: one JSON object.")
    var json = false

    func run() throws {
        let (reply, value) = try options.client().orExit { client throws(AdminClient.Failure) in
            try client.statusOfAll()
        }
        try reply.expectSuccess()
        try StandardOutput.write(json ? value.jsonText + "\n" : StatusText.text(value))
        if reply.value["loops"]?.array?.contains(where: { $0["answered"]?.bool == false }) == true {
            throw ExitCode.stuck
        }
        if reply.value["state"]?.string == "draining" { throw ExitCode.draining }
    }
}
