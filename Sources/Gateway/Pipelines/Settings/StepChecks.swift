import Runnable

/// What each step of a pipeline must be by itself: names that exist, templates that can be read, choices that have something to set.
struct StepChecks {
    let configuration: Configuration
    let context: LoadContext
    let checkName: (_ name: String, _ place: SettingPath, _ what: String, _ among: [String]) -> Void

    func check(_ steps: [StepSettings]) {
        for step in steps { check(step) }
    }

    private func check(_ step: StepSettings) {
        if let model = step.model {
            // A fallback that is just a name has no key of its own.
            let place = context.isSet(step.place.child("model")) ? step.place.child("model") : step.place
            checkName(model, place, "model", configuration.models.map(\.name))
        }
        if let route = step.route {
            checkName(route, step.place.child("route"), "route", configuration.routes.map(\.path))
        }
        if let prompt = step.prompt { check(prompt, step) }
        for child in step.children { check(child) }
        for choice in step.configurable { check(choice, of: step) }
        if step.cache != nil, step.model == nil, step.route == nil {
            context.report(step.place.child("cache"), "only has a meaning for a model or a route")
        }
    }

    private func check(_ prompt: PromptSettings, _ step: StepSettings) {
        do { _ = try prompt.variables() } catch {
            context.report(step.place.child("prompt"), "\(error)")
        }
    }

    private func check(_ choice: ConfigurableSettings, of step: StepSettings) {
        let place = step.place.child("configurable").child(choice.id)
        guard choice.alternatives.isEmpty else {
            for (key, isSet) in [("type", choice.kind != nil), ("sets", choice.target != nil)] where isSet {
                context.report(place.child(key), "cannot stand beside alternatives")
            }
            return
        }
        let target = choice.target ?? choice.id
        if let prompt = step.prompt {
            let variables = (try? prompt.variables().map(\.key)) ?? []
            if !variables.contains(target) {
                let hint = Suggestion.hint(for: target, among: variables)
                context.report(place, "the prompt has no variable called \(quoted(target))\(hint)")
            }
            if choice.fallback == nil { context.report(place, "needs a default, as the input no longer brings it") }
        } else if step.model != nil {
            if let reason = Field<ModelSettings>.reserved[target] {
                context.report(place, "cannot set \(quoted(target)): \(reason)")
            }
        } else {
            context.report(
                place,
                "only a model's parameters and a prompt's variables can be set; others have alternatives"
            )
        }
        if let fallback = choice.fallback, let kind = choice.kind, !fallback.fits(kind) {
            context.report(place.child("default"), "is no \(kind.rawValue)")
        }
    }
}

extension StepSettings {
    /// All steps directly inside this one.
    var children: [StepSettings] {
        var all: [StepSettings] = []
        for named in (parallel ?? []) + (assign ?? []) { all += named.steps }
        for arm in branch ?? [] { all += arm.steps }
        all += map ?? []
        for steps in others { all += steps }
        return all
    }
}

extension ScalarSetting {
    func fits(_ kind: ConfigurableSettings.Kind) -> Bool {
        switch (kind, self) {
        case (.string, .string), (.number, .number), (.boolean, .boolean): true
        case (.integer, .number(let text)): Int(text) != nil
        default: false
        }
    }

    /// As JSON.
    var value: Value {
        switch self {
        case .string(let text): .string(text)
        case .number(let text): .number(text)
        case .boolean(let value): .bool(value)
        case .null: .null
        }
    }
}
