import ArgumentParser

/// The executable: parses arguments and starts what they name. Exit codes follow sysexits: 0, 1, 64 (usage), 78 (configuration).
@main
struct Headgate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "headgate",
        abstract: "An LLM gateway: /invoke, /batch and /stream over HTTP, in front of any number of models.",
        version: VersionCommand.version,
        subcommands: [MockCommand.self, VersionCommand.self]
    )
}
