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
            The daemon does not wait for a reader: one that is too slow loses records, and is told how many. At a handover the new
            process is followed as well, and the old one until it has ended, with a line about it on standard error. Exit code: 1, as
            tail ends by itself only when the daemon, or the reader, has.

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
        let tail = Tail(client: try options.client(), target: AdminClient.target("/tail", query)) { [json] line in
            guard !json else { return try StandardOutput.write(line + "\n") }
            let record = (try? Value(parsing: line)) ?? .null
            try StandardOutput.write(TailText.line(record, isColored: StandardOutput.isColored) + "\n")
        }
        try tail.run()
    }
}
