import ArgumentParser
import Gateway
import Runnable

/// `headgate kill`
struct KillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "End one request that is under way, whatever it waits for.",
        discussion: """
            Its upstream calls are closed at once. Its client gets a 503 with the code "killed", or, in a stream that has begun, an error \
            event and a body that is cut. Other requests notice nothing. `headgate top` shows the ids; the daemon logs who asked.
            Exit codes: 0 ended, 1 there is no such request, or there are several.

              headgate kill 5f1c09d2
            """
    )

    @OptionGroup
    var options: AdminOptions

    @Argument(help: "The request's id (X-Request-Id), or its run's, or what one of them begins with and no other does.")
    var id: String

    func validate() throws {
        guard !id.isEmpty else { throw ValidationError("expected an id") }
    }

    func run() throws {
        let reply = try options.client().orExit { client throws(AdminClient.Failure) in
            try client.client(forRequest: id).post("/kill", ["id": .string(id)])
        }
        let rows = (reply.value["requests"]?.array ?? []).compactMap { RequestRow($0) }
        if !rows.isEmpty {
            StandardError.write("\(reply.error):\n")
            for row in rows { StandardError.write("  \(row.id)  run \(row.runID)  \(row.route) \(row.endpoint)\n") }
            throw ExitCode.failure
        }
        try reply.expectSuccess()
        guard let row = reply.value["killed"].flatMap({ RequestRow($0) }) else { return }
        try StandardOutput.write("ended \(row.id): \(row.route) \(row.endpoint), \(row.state.rawValue)\n")
    }
}
