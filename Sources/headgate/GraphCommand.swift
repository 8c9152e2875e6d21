import ArgumentParser
import Gateway

/// `headgate graph`: draws what routes do.
struct GraphCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Draw the steps of a route, or of all routes.",
        discussion: """
            A tree of lines, or a flowchart that Markdown viewers draw:

              headgate graph /summarise --config FILE
              headgate graph --config FILE --format mermaid

            Steps stand in their order; below a step stand its parts and, as fallbacks and alternatives, what runs instead of it. Routes \
            inside routes are names, drawn on their own. Exits with 64 when there is no such route, and with 78 for a wrong \
            configuration.
            """
    )

    @Argument(help: "The route's path, such as /summarise. Without it: all routes.")
    var route: String?

    @OptionGroup
    var options: ConfigurationOptions

    @Option(help: "ascii or mermaid.")
    var format = Format.ascii

    /// The formats by the names they have as arguments.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case ascii, mermaid
    }

    func run() throws {
        let configuration = try options.loadOrExit()
        if let route, configuration.route(route) == nil {
            let paths = configuration.routes.map(\.path).joined(separator: ", ")
            throw ValidationError("there is no route \(route); the configuration has \(paths)")
        }
        print(PipelineGraph(configuration, path: route).text(format == .ascii ? .ascii : .mermaid), terminator: "")
    }
}
