import Runnable

/// What each step of a pipeline must be by itself: names that exist, templates that can be read, choices that have something to set.
struct StepChecks {
    let context: LoadContext
    let checkName: (_ name: String, _ place: SettingPath, ConfigurationIndex.Kind) -> Void

    func check(_ steps: [StepSettings]) {
        for step in steps { check(step) }
    }

    private func check(_ step: StepSettings) {
        if let model = step.model {
            // A fallback that is just a name has no key of its own.
            let place = context.isSet(step.place.child("model")) ? step.place.child("model") : step.place
            checkName(model, place, .model)
        }
        if let route = step.route { checkName(route, step.place.child("route"), .route) }
        for child in step.children { check(child) }
        guard !step.isBroken else { return }
        for choice in step.configurable { check(choice, of: step) }
        checkTargets(step)
        if let retry = step.retry, retry.initial > retry.maximum {
            context.report(step.place.child("retry").child("initial"), "is longer than max, the longest wait")
        }
        if step.cache != nil, step.model == nil, step.route == nil {
            context.report(step.place.child("cache"), "only has a meaning for a model or a route")
        }
    }

    /// Two ids for one thing: nobody could say which of them counts.
    private func checkTargets(_ step: StepSettings) {
        var owners: [String: String] = [:]
        for choice in step.configurable where !isAlternatives(choice, of: step) {
            let target = choice.target ?? choice.id
            let place = step.place.child("configurable").child(choice.id)
            if let owner = owners[target] {
                context.report(place, "sets \(context.quotedName(target)), which \(owner) sets already")
            }
            owners[target] = choice.id
        }
    }

    private func isAlternatives(_ choice: ConfigurableSettings, of step: StepSettings) -> Bool {
        context.isSet(step.place.child("configurable").child(choice.id).child("alternatives"))
    }

    private func check(_ choice: ConfigurableSettings, of step: StepSettings) {
        let place = step.place.child("configurable").child(choice.id)
        if isAlternatives(choice, of: step) {
            for key in ["type", "sets"] where context.isSet(place.child(key)) {
                context.report(place.child(key), "cannot stand beside alternatives")
            }
            if context.isSet(place.child("default")) {
                let message = "cannot stand beside alternatives: who chooses none of them gets the step itself"
                context.report(place.child("default"), message)
            }
            return
        }
        let target = choice.target ?? choice.id
        if let prompt = step.prompt {
            let variables = (try? prompt.variables().map(\.key)) ?? []
            if !variables.contains(target) {
                let hint = context.hint(for: target, among: variables)
                context.report(place, "the prompt has no variable called \(context.quotedName(target))\(hint)")
            } else if choice.fallback == nil {
                context.report(place, "needs a default, as the input no longer brings it")
            }
        } else if step.model != nil {
            if let reason = Field<ModelSettings>.reserved[target] {
                context.report(place, "cannot set \(context.quotedName(target)): \(reason)")
            }
        } else {
            context.report(
                place,
                "only a model's parameters and a prompt's variables can be set; others have alternatives"
            )
        }
        let kind = choice.kind(in: step)
        if let fallback = choice.fallback, !fallback.fits(kind), !context.hasReported(place.child("type")) {
            context.report(
                place.child("default"),
                "expected a \(kind.rawValue), found \(context.found(place.child("default")))"
            )
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
