import ArgumentParser
import Gateway

/// `headgate version`
struct VersionCommand: ParsableCommand {
    static let version = Gateway.version

    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() { print("headgate \(VersionCommand.version)") }
}
