import JSON
import Providers
import Runnable

/// One field that a route's callers may choose under `configurable`.
struct ConfigurableSpec: Sendable, Equatable {
    var id: String
    var title: String?
    var description: String?
    var shape: Shape
    var fallback: Value?
    /// Names to choose from; nil for a plain value.
    var choices: [String]?

    /// Its part of the config schema.
    var schema: Value {
        var schema: Value.Object = [:]
        if let choices {
            schema["enum"] = .array(choices.map { .string($0) })
        } else {
            var writer = JSONSchema()
            if case .object(let type) = writer.schema(shape) { for entry in type { schema[entry.key] = entry.value } }
        }
        schema["title"] = .string(title ?? JSONSchema.title(id))
        if let description { schema["description"] = .string(description) }
        if let fallback { schema["default"] = fallback }
        return .object(schema)
    }

    /// The value in `view`; the place of an error is inside `configurable`.
    func read(_ view: JSONView) throws(RequestProblem) -> Value {
        try RequestProblem.within("configurable", .key(id)) { () throws(RequestProblem) in
            guard let choices else { return try shape.read(view).json ?? .null }
            guard let name = view.string, choices.contains(name) else {
                let names = choices.map { "'\($0)'" }.joined(separator: ", ")
                throw .at([], "enum", "Input should be one of \(names)", view)
            }
            return .string(name)
        }
    }
}

extension Configuration {
    /// What callers of a route may choose, in the order of its steps and of the routes inside it; of equal ids the first counts.
    func configurableSpecs(of route: RouteSettings) -> [ConfigurableSpec] {
        var specs: [ConfigurableSpec] = []
        forEachChoice(of: route) { choice, step in
            if !specs.contains(where: { $0.id == choice.id }) { specs.append(ConfigurableSpec(choice, of: step)) }
        }
        return specs
    }

    /// Calls `body` with each choice of a route and the routes inside it, each route once.
    func forEachChoice(of route: RouteSettings, _ body: (ConfigurableSettings, StepSettings) -> Void) {
        var seen: Set<String> = [route.path]
        visit(route.pipeline ?? [], &seen, body)
    }

    private func visit(
        _ steps: [StepSettings],
        _ seen: inout Set<String>,
        _ body: (ConfigurableSettings, StepSettings) -> Void
    ) {
        for step in steps {
            for choice in step.configurable { body(choice, step) }
            visit(step.children, &seen, body)
            if let path = step.route, seen.insert(path).inserted, let inner = route(path) {
                visit(inner.pipeline ?? [], &seen, body)
            }
        }
    }
}

extension ConfigurableSpec {
    init(_ settings: ConfigurableSettings, of step: StepSettings) {
        self.init(
            id: settings.id,
            title: settings.title,
            description: settings.description,
            shape: settings.valueShape(of: step),
            fallback: settings.fallback?.value
        )
        guard !settings.alternatives.isEmpty else { return }
        choices = [ConfigurableSettings.ownName] + settings.alternatives.map(\.key)
        fallback = .string(ConfigurableSettings.ownName)
    }
}

extension ConfigurableSettings {
    fileprivate func valueShape(of step: StepSettings) -> Shape {
        switch kind(in: step) {
        case .string: .string
        case .number: .number
        case .integer: .integer
        case .boolean: .boolean
        }
    }
}
