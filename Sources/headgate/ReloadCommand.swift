import ArgumentParser
import Gateway
import Runnable

/// `headgate reload`
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the running daemon read its configuration and certificates again, and say what came of it.",
        discussion: """
            Does what SIGHUP does, and waits for it: all of the new configuration comes into force, or nothing. Prints what has changed. With \
            --check the running daemon only says what would change, or what it would refuse.
            Exit codes: 0 reloaded, or would be, 78 the configuration has mistakes, which are printed, and the old one stays in force, 1 the daemon \
            cannot be reached, or is stopping.
            """
    )

    @Flag(help: "Change nothing: say what a reload would change, or every mistake.")
    var check = false

    @OptionGroup
    var options: AdminOptions

    func run() throws {
        let reply = try options.client().orExit { client throws(AdminClient.Failure) in
            try client.post(check ? "/reload?check=1" : "/reload", patience: .seconds(40))
        }
        try reply.expectSuccess()
        func lines(_ key: String) -> String {
            (reply.value[key]?.array ?? []).compactMap(\.string).map { $0 + "\n" }.joined()
        }
        guard reply.value["reloaded"]?.bool == true else {
            let end = check ? "a reload would be refused" : "not reloaded: the old configuration stays in force"
            StandardError.write(lines("errors") + end + "\n")
            throw ExitCode.configuration
        }
        try StandardOutput.write((check ? "a reload would change\n" : "reloaded\n") + lines("changes"))
    }
}
