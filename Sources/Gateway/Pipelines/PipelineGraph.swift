/// Draws routes: their steps in order, what stands inside them, what surrounds them, what goes in and out.
///
/// A route that another one uses is a reference, drawn on its own. Templates are not shown, and secrets are `<redacted>`.
public struct PipelineGraph {
    /// How it is written.
    public enum Format: String, Sendable, CaseIterable {
        /// A tree of lines, for terminals.
        case ascii
        /// A flowchart in Mermaid's language, for documents.
        case mermaid
    }

    /// A step with what is inside it.
    struct Node {
        enum Shape {
            case step, fork, choice, each, reference
        }

        var label: String
        var shape = Shape.step
        /// Around it: retries, limits.
        var notes: [String] = []
        /// Inside it, by name.
        var parts: [Part] = []
        /// Instead of it.
        var others: [Part] = []
        /// The route it refers to.
        var route: String?
    }

    /// Steps with the name under which they stand.
    struct Part {
        var name: String
        var steps: [Node]
    }

    /// One route.
    struct Route {
        var path: String
        var input: String
        var output: String
        var steps: [Node]
    }

    let routes: [Route]
    private let redactor: Redactor

    /// - Parameters:
    ///   - configuration: a loaded one.
    ///   - path: the only route to draw; nil for all. One that does not exist draws nothing.
    public init(_ configuration: Configuration, path: String? = nil) {
        let shapes = PipelineChecks(configuration)
        redactor = Redactor(configuration.secrets)
        routes = configuration.routes.filter { path == nil || $0.path == path }.map { route in
            let shape = shapes.shape(of: route.path)
            let model = Node(label: "model \(route.model)", notes: route.output == .text ? ["as text"] : [])
            return Route(
                path: route.path,
                input: shape.input.description,
                output: shape.output.description,
                steps: route.pipeline.map { $0.map(Node.init) } ?? [model]
            )
        }
    }

    /// The drawing, ended by a newline; empty when there is no route to draw.
    public func text(_ format: Format) -> String {
        guard !routes.isEmpty else { return "" }
        let text = format == .ascii ? ascii : mermaid
        return redactor.redact(text, limit: text.utf8.count)
    }
}

extension PipelineGraph.Node {
    init(_ step: StepSettings) {
        self.init(label: step.label)
        if let name = step.name { notes.append("as \(name)") }
        notes += step.decorations
        route = step.route
        if step.route != nil { shape = .reference }
        if let named = step.parallel ?? step.assign {
            shape = .fork
            parts = named.map { PipelineGraph.Part(name: $0.key, steps: $0.steps.map(Self.init)) }
        } else if let branch = step.branch {
            shape = .choice
            parts = branch.map { arm in
                PipelineGraph.Part(name: arm.condition?.words ?? "else", steps: arm.steps.map(Self.init))
            }
        } else if let map = step.map {
            shape = .each
            parts = [PipelineGraph.Part(name: "each", steps: map.map(Self.init))]
        }
        for (number, steps) in step.fallbacks.enumerated() {
            others.append(PipelineGraph.Part(name: "fallback \(number + 1)", steps: steps.map(Self.init)))
        }
        for choice in step.configurable {
            for named in choice.alternatives {
                others.append(
                    PipelineGraph.Part(name: "\(choice.id) = \(named.key)", steps: named.steps.map(Self.init))
                )
            }
        }
    }
}

extension StepSettings {
    /// The kind with what identifies it.
    fileprivate var label: String {
        if let prompt { return "prompt (\(prompt.words))" }
        if let model { return "model \(model)" }
        if let parser { return "parser \(parser.rawValue)" }
        if parallel != nil { return "parallel" }
        if branch != nil { return "branch" }
        if map != nil { return "map" }
        if assign != nil { return "assign" }
        if let route { return "route \(route)" }
        switch pick {
        case .one(let key): return "pick \(key)"
        case .several(let keys): return "pick \(keys.joined(separator: ", "))"
        case nil: return "passthrough"
        }
    }

    /// What surrounds it, in words.
    fileprivate var decorations: [String] {
        var words: [String] = []
        if let rateLimit { words.append("at most \(Self.short(rateLimit.perSecond))/s") }
        if let timeout { words.append("timeout \(DurationText.format(timeout))") }
        if let retry { words.append("retry \(retry.attempts)") }
        if let cache { words.append("cache \(cache.size)") }
        let values = configurable.filter(\.alternatives.isEmpty).map { choice in
            choice.target.map { $0 == choice.id ? $0 : "\(choice.id) as \($0)" } ?? choice.id
        }
        if !values.isEmpty { words.append("callers set \(values.joined(separator: ", "))") }
        return words
    }

    private static func short(_ number: Double) -> String {
        let text = "\(number)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

extension PromptSettings {
    /// Who speaks in it.
    fileprivate var words: String {
        guard text == nil else { return "text" }
        return parts.map { part in
            switch part {
            case .message(let role, _): role.rawValue
            case .placeholder(let name, _, _): "messages of \(name)"
            }
        }.joined(separator: ", ")
    }
}

extension ConditionSettings {
    /// The condition as one would say it.
    fileprivate var words: String {
        let subject = field ?? "input"
        return tests.map { "\(subject) \($0.words)" }.joined(separator: " and ")
    }
}

extension ConditionSettings.Test {
    fileprivate var words: String {
        switch self {
        case .equals(let value): "= \(value.words)"
        case .oneOf(let values): "in \(values.map(\.words).joined(separator: ", "))"
        case .exists(let isWanted): isWanted ? "is there" : "is not there"
        case .contains(let text): "has \(quoted(text))"
        case .startsWith(let text): "begins with \(quoted(text))"
        case .above(let number): "> \(number)"
        case .below(let number): "< \(number)"
        case .longer(let count): "is longer than \(count)"
        case .kind(.null): "is null"
        case .kind(.object): "is an object"
        case .kind(let kind): "is a \(kind.rawValue)"
        }
    }
}

extension ScalarSetting {
    fileprivate var words: String {
        switch self {
        case .string(let text): quoted(text)
        case .number(let text): text
        case .boolean(let value): "\(value)"
        case .null: "null"
        }
    }
}
