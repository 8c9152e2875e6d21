import ArgumentParser
import Gateway
import Glibc

/// `headgate manual`: the manual pages, which packages install. Hidden, because `man` shows them better.
struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual",
        abstract: "Print the source of a manual page: headgate or headgate.yaml.",
        discussion: "Without man pages installed: headgate manual headgate | man -l -",
        shouldDisplay: false
    )

    /// The pages by their names.
    enum Page: String, ExpressibleByArgument, CaseIterable {
        case headgate
        case configuration = "headgate.yaml"
    }

    @Argument(help: "Which page.")
    var page = Page.headgate

    func run() throws {
        let date = ManualCommand.date()
        switch page {
        case .headgate: print(try CommandManual.source(date: date), terminator: "")
        case .configuration: print(ConfigurationManual.source(date: date), terminator: "")
        }
    }

    /// Today, or the day of `SOURCE_DATE_EPOCH` (reproducible-builds.org), which makes pages of one commit the same for ever.
    private static func date() -> String {
        var seconds = getenv("SOURCE_DATE_EPOCH").flatMap { time_t(String(cString: $0)) } ?? time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let count = strftime(&text, text.count, "%Y-%m-%d", &parts)
        return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
