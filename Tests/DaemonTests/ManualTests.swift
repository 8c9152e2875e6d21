import Foundation
import Testing

/// headgate(1) and the completions say all that the program's own description of itself does.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct ManualTests {
    /// A command that is shown, with what can be given to it.
    struct Command {
        let name: String
        let options: [String]

        /// Every command below `description`, depth first.
        static func all(below description: [String: Any]) -> [Command] {
            let commands = description["subcommands"] as? [[String: Any]] ?? []
            return commands.filter { $0["shouldDisplay"] as? Bool == true }.flatMap { command in
                let path = (command["superCommands"] as? [String] ?? []) + [command["commandName"] as? String ?? ""]
                let arguments = command["arguments"] as? [[String: Any]] ?? []
                let names = arguments.flatMap { $0["names"] as? [[String: String]] ?? [] }
                let options = names.filter { $0["kind"] == "long" }.compactMap { $0["name"] }
                return [Command(name: path.joined(separator: " "), options: options)] + all(below: command)
            }
        }

        static func all() throws -> [Command] {
            let dump = try Headgate.run("--experimental-dump-help").stdout
            let root = try JSONSerialization.jsonObject(with: Data(dump.utf8)) as? [String: Any]
            return all(below: try #require(root?["command"] as? [String: Any]))
        }
    }

    private static func manual(_ page: String) throws -> String {
        let result = try Headgate.run("manual", page, environment: ["SOURCE_DATE_EPOCH": "1700000000"])
        #expect(result.ending == .exited(0))
        #expect(result.stdout.contains(" 2023-11-14 "))
        return result.stdout
    }

    private static func typed(_ text: String) -> String { text.replacing("-", with: "\\-") }

    @Test func `headgate-1 describes every command with every option`() throws {
        let page = try Self.manual("headgate")
        let commands = try Command.all()
        #expect(commands.count >= 5)
        for command in commands {
            let heading = try #require(page.firstRange(of: ".SS \(command.name)\n"), "\(command.name)")
            let rest = page[heading.upperBound...]
            let section = rest[..<(rest.firstRange(of: #/\n\.S[SH] /#)?.lowerBound ?? rest.endIndex)]
            for option in command.options where !["help", "version"].contains(option) {
                #expect(section.contains(Self.typed("--\(option)")), "\(command.name) --\(option)")
            }
            #expect(page.contains(".HP\n\\fB\(command.name)"), "no synopsis of \(command.name)")
        }
        for section in ["NAME", "SYNOPSIS", "EXIT STATUS", "SIGNALS", "ENVIRONMENT", "FILES", "SEE ALSO"] {
            #expect(page.contains(".SH \(section)\n"))
        }
    }

    @Test func `headgate-yaml-5 is printed too`() throws {
        #expect(try Self.manual("headgate.yaml").contains("\\fBbackends.NAME.url\\fR\n"))
    }

    /// Whoever makes the program look at a variable has to say so where operators read it.
    @Test func `headgate-1 names every environment variable that the sources read`() throws {
        let page = try Self.manual("headgate")
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources")
        var found: Set<String> = []
        for name in try FileManager.default.subpathsOfDirectory(atPath: sources.path) where name.hasSuffix(".swift") {
            let text = try String(contentsOf: sources.appendingPathComponent(name), encoding: .utf8)
            for match in text.matches(of: /\b(?:getenv|variable|environment)\("([A-Z][A-Z_]+)"\)/) {
                found.insert(String(match.1))
            }
        }
        #expect(found.isSuperset(of: ["NOTIFY_SOCKET", "SOURCE_DATE_EPOCH"]))
        for name in found { #expect(page.contains(name), "\(name)") }
    }
}
