import Runnable

/// Runs the one of several steps that the caller's config names. Has no run of its own; streams, blocks and cancels as the chosen one.
struct AlternativesStep: AsyncRunnable {
    let id: String
    let standard: Step
    let alternatives: [String: Step]

    var name: String { standard.name }

    var kind: RunKind { standard.kind }

    var configurableSpecs: [ConfigurableField] {
        let others = alternatives.sorted { $0.key < $1.key }.flatMap(\.value.configurableSpecs)
        return [ConfigurableField(id)] + standard.configurableSpecs + others
    }

    func ainvoke(_ input: RunValue, config: RunConfig) async throws -> RunValue {
        try await chosen(config).ainvoke(input, config: config)
    }

    func astream(_ input: RunValue, config: RunConfig) -> RunStream<RunValue> {
        do { return try chosen(config).astream(input, config: config) } catch { return .failing(error) }
    }

    func atransform(_ input: RunStream<RunValue>, config: RunConfig) -> RunStream<RunValue> {
        do { return try chosen(config).atransform(input, config: config) } catch { return .failing(error) }
    }

    private func chosen(_ config: RunConfig) throws -> Step {
        guard let value = config.configurable[id] else { return standard }
        guard let name = value.string else {
            throw RunError(.callerInvalid, "configurable \(id) must be a name", status: 422)
        }
        if name == ConfigurableSettings.ownName { return standard }
        // The door checks names; this is for calls from inside the process.
        guard let step = alternatives[name] else {
            throw RunError(.callerInvalid, "configurable \(id) has no alternative of that name", status: 422)
        }
        return step
    }
}
