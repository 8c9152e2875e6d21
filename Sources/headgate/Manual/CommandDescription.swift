import ArgumentParser
import Foundation

/// What ArgumentParser knows of a command: the same that `--help` and the completions are made of.
struct CommandDescription: Decodable {
    let commandName: String
    let superCommands: [String]?
    let abstract: String?
    let discussion: String?
    let shouldDisplay: Bool
    let arguments: [Argument]?
    let subcommands: [CommandDescription]?

    struct Argument: Decodable {
        let kind: String
        let names: [Name]?
        let valueName: String?
        let sectionTitle: String?
        let abstract: String?
        let discussion: String?
        let defaultValue: String?
        let allValues: [String]?
        let isOptional: Bool
        let isRepeating: Bool
        let shouldDisplay: Bool
    }

    struct Name: Decodable {
        let kind: String
        let name: String

        /// As it is typed.
        var typed: String { kind == "long" ? "--\(name)" : "-\(name)" }
    }

    /// The whole program.
    static func headgate() throws -> CommandDescription {
        struct Dump: Decodable { let command: CommandDescription }
        return try JSONDecoder().decode(Dump.self, from: Data(Headgate._dumpHelp().utf8)).command
    }
}

extension CommandDescription {
    /// With the program's name, such as `headgate serve`.
    var fullName: String { ((superCommands ?? []) + [commandName]).joined(separator: " ") }

    /// What can be given to it; `--help` and `--version`, which every command has, apart.
    var ownArguments: [Argument] {
        (arguments ?? []).filter { argument in
            argument.shouldDisplay && !(argument.names ?? []).contains { ["help", "version"].contains($0.name) }
        }
    }

    /// Its subcommands that are shown, each followed by its own.
    var allSubcommands: [CommandDescription] {
        (subcommands ?? []).filter(\.shouldDisplay).flatMap { [$0] + $0.allSubcommands }
    }

    /// Such as `headgate graph [<route>] [--config <file>]`.
    var usage: String { ([fullName] + ownArguments.map(\.usage)).joined(separator: " ") }
}

extension CommandDescription.Argument {
    /// Such as `-c, --config <file>` or `<route>`.
    var term: String {
        guard let names, !names.isEmpty else { return placeholder }
        // Short names first, as manual pages have them.
        let typed = names.filter { $0.kind == "short" } + names.filter { $0.kind != "short" }
        return typed.map(\.typed).joined(separator: ", ") + (kind == "option" ? " \(placeholder)" : "")
    }

    /// Its place in a synopsis.
    var usage: String {
        let name = names?.first { $0.kind == "long" } ?? names?.first
        let text = [name?.typed, kind == "flag" ? nil : placeholder].compactMap { $0 }.joined(separator: " ")
        return (isOptional ? "[\(text)]" : text) + (isRepeating ? "..." : "")
    }

    private var placeholder: String { "<\(valueName ?? "value")>" }
}
