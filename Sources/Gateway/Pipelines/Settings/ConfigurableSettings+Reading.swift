extension ConfigurableSettings {
    /// The keys of an entry, for readers of the file.
    private static let keys = ["type", "default", "title", "description", "sets", "alternatives"]

    static func read(_ node: SettingNode, at place: SettingPath, in context: LoadContext) -> [ConfigurableSettings] {
        guard let entries = node.entries(at: place, in: context) else { return [] }
        return entries.map { entry in
            let place = place.child(entry.key)
            context.note(place, line: entry.line, node: entry.value)
            if let problem = NameRule.problem(with: entry.key, extra: "") { context.report(place, problem) }
            return ConfigurableSettings(entry.key, entry.value, at: place, in: context)
        }
    }

    private init(_ id: String, _ node: SettingNode, at place: SettingPath, in context: LoadContext) {
        self.id = id
        guard let entries = node.entries(at: place, in: context) else { return }
        for entry in entries {
            let place = place.child(entry.key)
            context.note(place, line: entry.line, node: entry.value)
            let text = ValueType<String>.text("a text", limit: 4096)
            switch entry.key {
            case "type": kind = ValueType<Kind>.choice.read(entry.value, at: place, in: context)
            case "default": fallback = ScalarSetting.read(entry.value, at: place, in: context)
            case "title": title = text.read(entry.value, at: place, in: context)
            case "description": description = text.read(entry.value, at: place, in: context)
            case "sets":
                target = text.read(entry.value, at: place, in: context)
                if !entry.value.isLiteral { context.hide([target].compactMap(\.self)) }
            case "alternatives": alternatives = NamedSteps.read(entry.value, at: place, in: context)
            default:
                let hint = Suggestion.hint(for: entry.key, among: Self.keys)
                context.report(place, line: entry.line, "no such key\(hint)")
            }
        }
        if alternatives.contains(where: { $0.key == Self.ownName }) {
            context.report(place.child("alternatives").child(Self.ownName), "is the name of the step itself")
        }
    }

    /// What it may be: as the file says, else what its default is, else what its target mostly is.
    func kind(in step: StepSettings) -> Kind {
        if let kind { return kind }
        switch fallback {
        case .string: return .string
        case .number: return .number
        case .boolean: return .boolean
        case .null, nil: return step.prompt == nil ? .number : .string
        }
    }

    /// The alternative that is the step itself.
    static let ownName = "default"

    static func write(_ all: [ConfigurableSettings]) -> YAMLText? {
        guard !all.isEmpty else { return nil }
        return .map(all.map { (key: $0.id, value: $0.text) })
    }

    private var text: YAMLText {
        var entries: [(key: String, value: YAMLText)] = []
        if let kind { entries.append((key: "type", value: .text(kind.rawValue))) }
        if let fallback { entries.append((key: "default", value: fallback.text)) }
        if let title { entries.append((key: "title", value: .text(title))) }
        if let description { entries.append((key: "description", value: .text(description))) }
        if let target { entries.append((key: "sets", value: .text(target))) }
        if !alternatives.isEmpty { entries.append((key: "alternatives", value: NamedSteps.write(alternatives))) }
        return .map(entries)
    }
}
