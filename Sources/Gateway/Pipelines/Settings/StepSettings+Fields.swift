extension StepSettings {
    /// The keys of a step. The first ten say what it does; one of them must be there.
    static let fields: [Field<StepSettings>] = [
        .custom(
            "prompt",
            "text, or mapping of `system`, `human`, `ai`, `placeholder`, `messages`, `format`",
            "Makes a prompt from the input's members: `{name}` in a template is the member of that name."
        ) { step, node, place, context in
            step.prompt = PromptSettings(reading: node, at: place, in: context)
        } write: {
            $0.prompt?.text(asSetting: ())
        },
        .optional("model", \.model, .reference(to: "model"), "Asks a model."),
        .optional("parser", \.parser, .choice, "Makes something of a model's answer."),
        .custom("parallel", "mapping of names to steps", "Runs all of them on the same input; gives an object.") {
            $0.parallel = NamedSteps.readSome($1, at: $2, in: $3)
        } write: {
            $0.parallel.map { NamedSteps.write($0) }
        },
        .custom(
            "branch",
            "list of `{if, then}`, and `{else}` at its end",
            "Runs the first arm whose condition on the input holds. A condition has a `field` and tests: `equals`, `in`, "
                + "`exists`, `contains`, `starts_with`, `above`, `below`, `longer`, `is`."
        ) {
            $0.branch = BranchArm.read($1, at: $2, in: $3)
        } write: {
            $0.branch.map { .list($0.map { $0.text }) }
        },
        .custom("map", "steps", "Runs the steps on each element of a list.") {
            $0.map = StepSettings.readSteps($1, at: $2, in: $3)
        } write: {
            $0.map.map { StepSettings.write($0) }
        },
        .custom("assign", "mapping of names to steps", "Adds members to an object.") {
            $0.assign = NamedSteps.readSome($1, at: $2, in: $3)
        } write: {
            $0.assign.map { NamedSteps.write($0) }
        },
        .custom("pick", "name, or list of names", "Takes one member's value out of an object, or an object of several.")
        {
            $0.pick = PickSettings(reading: $1, at: $2, in: $3)
        } write: {
            $0.pick?.text
        },
        .optional("route", \.route, .reference(to: "route"), "Runs another route."),
        .custom("passthrough", "`{}`", "Hands the input on as it is.") { step, node, place, context in
            if node.isNull {
                step.isPassthrough = true
            } else if case .map(let entries) = node.content, entries.isEmpty {
                step.isPassthrough = true
            } else {
                context.report(place, node, Mismatch(expected: "nothing, or {}"))
            }
        } write: {
            $0.isPassthrough ? .map([]) : nil
        },
        .optional("name", \.name, .text("a name"), "What its runs are called in events.", defaultNote: "LangChain's"),
        .settings("retry", \.retry, RetrySettings.fields, RetrySettings(), "Tries again when it fails."),
        .custom(
            "fallbacks",
            "list of names of models, or of steps",
            "What runs instead when it fails, one after the other. A stream falls back before its first chunk only."
        ) {
            $0.fallbacks = StepSettings.readFallbacks($1, at: $2, in: $3)
        } write: {
            $0.fallbacks.isEmpty ? nil : .list($0.fallbacks.map { StepSettings.write($0) })
        },
        .optional(
            "timeout",
            \.timeout,
            .duration(TimeoutSettings.range),
            "The most time it may take, retries and fallbacks apart.",
            defaultNote: "the route's total"
        ),
        .settings("cache", \.cache, CacheSettings.fields, CacheSettings(), "Remembers answers; streams bypass it."),
        .settings(
            "rate_limit",
            \.rateLimit,
            RateLimitSettings.fields,
            RateLimitSettings(),
            "Limits how often it begins; what is too early waits."
        ),
        .custom(
            "configurable",
            "mapping of ids to `type`, `default`, `title`, `description`, `sets`, or `alternatives`",
            "What callers may choose: a parameter of a model, a variable of a prompt, or another pipeline instead of the step."
        ) {
            $0.configurable = ConfigurableSettings.read($1, at: $2, in: $3)
        } write: {
            ConfigurableSettings.write($0.configurable)
        },
    ]

    /// The keys that say what a step does.
    static let kinds = [
        "prompt", "model", "parser", "parallel", "branch", "map", "assign", "pick", "route", "passthrough",
    ]

    /// One step, or a list of steps, one after the other.
    static func readSteps(_ node: SettingNode, at place: SettingPath, in context: LoadContext) -> [StepSettings] {
        guard case .list(let items) = node.content else {
            guard case .map = node.content else {
                context.report(place, node, Mismatch(expected: "a step such as {model: NAME}, or a list of steps"))
                return []
            }
            return [read(node, at: place, in: context)]
        }
        if items.isEmpty { context.report(place, "expected at least one step") }
        return items.enumerated().map { number, item in
            let place = place.item(number)
            context.note(place, line: item.line, node: item)
            return read(item, at: place, in: context)
        }
    }

    private static func read(_ node: SettingNode, at place: SettingPath, in context: LoadContext) -> StepSettings {
        var step = StepSettings()
        step.place = place
        guard case .map(let entries) = node.content else {
            context.report(place, node, Mismatch(expected: "a step such as {model: NAME}"))
            step.isBroken = true
            return step
        }
        fields.read(into: &step, from: node, at: place, in: context)
        let named = entries.map(\.key).filter { kinds.contains($0) }
        if named.isEmpty, entries.allSatisfy({ entry in fields.contains { $0.name == entry.key } }) {
            context.report(place, "says nothing to do: expected one of \(kinds.joined(separator: ", "))")
        } else if let second = named.dropFirst().first {
            context.report(place.child(second), "cannot stand beside \(named[0]): a step does one thing")
        }
        step.isBroken = named.count != 1 || !step.saysWhatToDo
        return step
    }

    /// Whether one of the kinds was read.
    private var saysWhatToDo: Bool {
        prompt != nil || model != nil || parser != nil || parallel?.isEmpty == false || branch?.isEmpty == false
            || map?.isEmpty == false || assign?.isEmpty == false || pick != nil || route != nil || isPassthrough
    }

    fileprivate static func readFallbacks(
        _ node: SettingNode,
        at place: SettingPath,
        in context: LoadContext
    ) -> [[StepSettings]] {
        guard case .list(let items) = node.content else {
            context.report(place, node, Mismatch(expected: "a list of names of models, or of steps"))
            return []
        }
        if items.isEmpty { context.report(place, "expected at least one name of a model, or steps") }
        return items.enumerated().map { number, item in
            let place = place.item(number)
            context.note(place, line: item.line, node: item)
            guard item.isScalar else { return readSteps(item, at: place, in: context) }
            var step = StepSettings()
            step.place = place
            step.model = ValueType<String>.reference(to: "model").read(item, at: place, in: context)
            step.isBroken = step.model == nil
            return [step]
        }
    }

    /// One step as a mapping, several as a list.
    static func write(_ steps: [StepSettings]) -> YAMLText {
        steps.count == 1 ? fields.write(steps[0]) : .list(steps.map { fields.write($0) })
    }
}

extension NamedSteps {
    /// The entries; nil when there are none, which is reported.
    static func readSome(_ node: SettingNode, at place: SettingPath, in context: LoadContext) -> [NamedSteps]? {
        let all = read(node, at: place, in: context)
        return all.isEmpty ? nil : all
    }

    static func read(_ node: SettingNode, at place: SettingPath, in context: LoadContext) -> [NamedSteps] {
        guard let entries = node.entries(at: place, in: context) else { return [] }
        if entries.isEmpty { context.report(place, "expected at least one name with its steps") }
        return entries.map { entry in
            let place = place.child(entry.key)
            context.note(place, line: entry.line, node: entry.value)
            return NamedSteps(key: entry.key, steps: StepSettings.readSteps(entry.value, at: place, in: context))
        }
    }

    static func write(_ all: [NamedSteps]) -> YAMLText {
        .map(all.map { (key: $0.key, value: StepSettings.write($0.steps)) })
    }
}

extension PickSettings {
    init?(reading node: SettingNode, at place: SettingPath, in context: LoadContext) {
        let name = ValueType<String>.text("the name of a member")
        guard case .list(let items) = node.content else {
            guard let key = name.read(node, at: place, in: context) else { return nil }
            if !node.isLiteral { context.hide([key]) }
            self = .one(key)
            return
        }
        if items.isEmpty { context.report(place, "expected at least one name") }
        var keys: [String] = []
        for (number, item) in items.enumerated() {
            let place = place.item(number)
            context.note(place, line: item.line, node: item)
            guard let key = name.read(item, at: place, in: context) else { continue }
            if !item.isLiteral { context.hide([key]) }
            if keys.contains(key) { context.report(place, "is named twice") } else { keys.append(key) }
        }
        guard !keys.isEmpty, keys.count == items.count else { return nil }
        self = .several(keys)
    }

    var text: YAMLText {
        switch self {
        case .one(let key): .text(key)
        case .several(let keys): .list(keys.map { .text($0) })
        }
    }
}

extension RetrySettings {
    static let fields: [Field<RetrySettings>] = [
        .value("attempts", \.attempts, .integer(1...20), "Calls in all."),
        .value("initial", \.initial, .duration(.zero ... .seconds(60)), "The first wait; each one doubles."),
        .value("max", \.maximum, .duration(.zero ... .seconds(3600)), "The longest wait."),
        .value(
            "jitter",
            \.jitter,
            .duration(.zero ... .seconds(60)),
            "What each wait is longer by at most, at random."
        ),
    ]
}

extension CacheSettings {
    static let fields: [Field<CacheSettings>] = [
        .value("size", \.size, .integer(1...1_000_000), "Answers that are kept; the oldest goes first."),
        .value("max_bytes", \.maxBytes, .size(1024...(1 << 30)), "Bytes that are kept."),
    ]
}

extension RateLimitSettings {
    static let fields: [Field<RateLimitSettings>] = [
        .required("per_second", \.perSecond, .number(0.001...1_000_000), "Calls per second on average."),
        .value("burst", \.burst, .integer(1...1_000_000), "Calls at once after a pause."),
        .value("queue", \.queue, .integer(0...100_000), "Calls that wait; more fail at once with 429."),
    ]
}
