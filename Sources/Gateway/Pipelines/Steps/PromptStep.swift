import Runnable

/// A configured prompt as a step: takes an object of its variables, gives a prompt. Blocks and streams nothing.
struct PromptStep: AsyncRunnable {
    let template: ChatPromptTemplate
    /// Variables that callers choose in their config instead of the input.
    let parameters: [ConfigurableParameter]

    var name: String { template.name }

    var kind: RunKind { .prompt }

    var isImmediate: Bool { true }

    var configurableSpecs: [ConfigurableField] { parameters.map { ConfigurableField($0.id) } }

    func invoke(_ input: RunValue, config: RunConfig) throws -> RunValue {
        guard !parameters.isEmpty else { return .prompt(try template.invoke(input, config: config)) }
        var values: [String: RunValue] = [:]
        for parameter in parameters {
            let value = config.configurable[parameter.id] ?? parameter.fallback
            if let value { values[parameter.target] = .value(value) }
        }
        return .prompt(try template.partial(values).invoke(input, config: config))
    }

    func ainvoke(_ input: RunValue, config: RunConfig) async throws -> RunValue {
        try config.checkpoint()
        return try invoke(input, config: config)
    }
}
