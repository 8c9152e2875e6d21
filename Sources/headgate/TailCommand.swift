import ArgumentParser
import Gateway
import Runnable

/// `headgate tail`
struct TailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Print finished requests of the running daemon as they end.",
        discussion: """
            The same records as in the access log, also where that is switched off. Never anything of prompts and answers.
            The daemon does not wait for a reader: one that is too slow loses records, and is told how many.

              headgate tail --errors
              headgate tail --json --route /chat | jq -c '[.outcome, .total_ms]'
            """
    )

    @OptionGroup
    var options: AdminOptions

    @Flag(help: "Print records as they come: one JSON object a line.")
    var json = false

    @Option(help: "Only requests to this route, as the configuration writes it.")
    var route: String?

    @Option(help: "Only requests that ended so: ok, client_gone, upstream_error, timeout, ...")
    var outcome: String?

    @Flag(help: "Only requests that went wrong: neither ok nor left by their client.")
    var errors = false

    func run() throws {
        var query: [(String, String)] = []
        if let route { query.append(("route", route)) }
        if let outcome { query.append(("outcome", outcome)) }
        if errors { query.append(("errors", "1")) }
        let target = AdminClient.target("/tail", query)
        let isColored = StandardOutput.isColored
        let reply = try options.client().orExit { client throws(AdminClient.Failure) in
            try client.follow(target) { line in
                guard !json else {
                    StandardOutput.write(line + "\n")
                    return true
                }
                let record = (try? Value(parsing: line)) ?? .null
                StandardOutput.write(TailText.line(record, isColored: isColored) + "\n")
                return true
            }
        }
        try reply.expectSuccess()
    }
}
