import ArgumentParser

/// The executable: parses arguments and starts what they name. Exit codes follow sysexits: 0, 1, 64 (usage), 78 (configuration).
@main
struct Headgate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "headgate",
        abstract: "An LLM gateway: /invoke, /batch and /stream over HTTP, in front of any number of models.",
        discussion: """
            Try it without any key or model:

              headgate serve
              curl http://127.0.0.1:8080/invoke -d '{"input":"Hello"}'
              curl -N http://127.0.0.1:8080/stream -H 'Accept: text/plain' -d '{"input":"Hello"}'

            Then write a configuration (headgate check --config FILE explains its mistakes) and serve it with --config FILE.
            A running daemon is looked into with status, top and tail, and taken hold of with kill, reload and drain.
            Exit codes: 0 in order, 1 failed at work, 64 wrong arguments, 78 wrong configuration.
            """,
        version: VersionCommand.version,
        subcommands: [
            ServeCommand.self, SuperviseCommand.self, HandoverCommand.self, ReloadCommand.self, DrainCommand.self,
            StatusCommand.self, TopCommand.self, TailCommand.self, KillCommand.self, CheckCommand.self,
            GraphCommand.self, MockCommand.self, VersionCommand.self, ManualCommand.self,
        ]
    )

    /// Before anything opens a descriptor of its own.
    static func main() async {
        StandardDescriptors.ensure()
        await main(nil)
    }
}
