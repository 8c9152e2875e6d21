import ArgumentParser
import Gateway
import Glibc

/// `headgate check`: what `serve` would do with a configuration, without doing it.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a configuration and print what it comes to, defaults included and secrets redacted.",
        discussion: "Names every mistake with file, line and key, and exits with 78 when there is one."
    )

    @OptionGroup
    var options: ConfigurationOptions

    @Flag(help: "Print nothing when all is well.")
    var quiet = false

    func run() throws {
        let configuration = try options.loadOrExit()
        for warning in configuration.warnings { StandardError.write("warning: \(warning)\n") }
        do throws(ConfigurationErrors) {
            try Gateway.check(configuration, file: options.name)
        } catch {
            StandardError.write("\(error)\n")
            throw ExitCode.configuration
        }
        guard !quiet else { return }
        print(EffectiveConfiguration.yaml(configuration), terminator: "")
        guard fflush(nil) == 0 else {
            StandardError.write("standard output: \(String(cString: strerror(errno)))\n")
            throw ExitCode.failure
        }
    }
}
