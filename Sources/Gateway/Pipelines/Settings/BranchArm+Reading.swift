extension BranchArm {
    static func read(_ node: SettingNode, at place: SettingPath, in context: LoadContext) -> [BranchArm] {
        guard case .list(let items) = node.content else {
            context.report(
                place,
                node,
                Mismatch(expected: "a list of {if: ..., then: ...} with {else: ...} at its end")
            )
            return []
        }
        let arms = items.enumerated().map { number, item in
            let place = place.item(number)
            context.note(place, line: item.line, node: item)
            let isLast = number == items.count - 1
            return arm(item, isLast: isLast, at: place, in: context) ?? BranchArm(condition: nil, steps: [])
        }
        let isElseAlone = items.count == 1 && items[0].hasKey("else")
        if items.isEmpty || isElseAlone {
            context.report(place, "expected at least one {if: ..., then: ...} and an {else: ...}")
        }
        return arms
    }

    private static func arm(
        _ node: SettingNode,
        isLast: Bool,
        at place: SettingPath,
        in context: LoadContext
    ) -> BranchArm? {
        guard let entries = node.entries(at: place, in: context) else { return nil }
        let known = isLast ? ["else"] : ["if", "then"]
        // With a last arm of another form, that its parts are in the wrong place says all.
        let isMisplaced = entries.contains { isLast ? ["if", "then"].contains($0.key) : $0.key == "else" }
        var arm = BranchArm(condition: nil, steps: [])
        for entry in entries {
            let place = place.child(entry.key)
            context.note(place, line: entry.line, node: entry.value)
            switch entry.key {
            case "if" where !isLast: arm.condition = ConditionSettings(reading: entry.value, at: place, in: context)
            case "then" where !isLast, "else" where isLast:
                arm.steps = StepSettings.readSteps(entry.value, at: place, in: context)
            case "if", "then": continue
            case "else": context.report(place, line: entry.line, "only the last arm can be {else: ...}")
            default:
                context.report(place, line: entry.line, "no such key\(Suggestion.hint(for: entry.key, among: known))")
            }
        }
        if isLast, isMisplaced {
            context.report(place, line: node.line, "the last arm must be {else: ...}, for all that passes no test")
        }
        for key in known where !isMisplaced && !entries.contains(where: { $0.key == key }) {
            context.report(place.child(key), line: node.line, "is required")
        }
        return arm
    }

    var text: YAMLText {
        guard let condition else { return .map([(key: "else", value: StepSettings.write(steps))]) }
        return .map([(key: "if", value: condition.text), (key: "then", value: StepSettings.write(steps))])
    }
}

extension ConditionSettings {
    private static let keys = [
        "field", "equals", "in", "exists", "contains", "starts_with", "above", "below", "longer", "is",
    ]

    init?(reading node: SettingNode, at place: SettingPath, in context: LoadContext) {
        guard case .map(let entries) = node.content else {
            context.report(place, node, Mismatch(expected: "a condition such as {field: language, equals: de}"))
            return nil
        }
        for entry in entries {
            let place = place.child(entry.key)
            context.note(place, line: entry.line, node: entry.value)
            if entry.key == "field" {
                field = ValueType<String>.text("the name of a member").read(entry.value, at: place, in: context)
                check(field, entry.value, at: place, in: context)
            } else if Self.keys.contains(entry.key) {
                if let test = Self.test(entry.key, entry.value, at: place, in: context) { tests.append(test) }
            } else {
                context.report(
                    place,
                    line: entry.line,
                    "no such key\(Suggestion.hint(for: entry.key, among: Self.keys))"
                )
            }
        }
        if !entries.contains(where: { $0.key != "field" && Self.keys.contains($0.key) }) {
            context.report(place, "tests nothing: expected one of \(Self.keys.dropFirst().joined(separator: ", "))")
        }
    }

    /// A member of a member is named with one dot between.
    private func check(_ field: String?, _ node: SettingNode, at place: SettingPath, in context: LoadContext) {
        guard let parts = field?.split(separator: ".", omittingEmptySubsequences: false) else { return }
        if !node.isLiteral { context.hide(parts.map(String.init)) }
        if parts.contains("") { context.report(place, node, Mismatch(expected: "names with one dot between them")) }
    }

    private static func test(
        _ key: String,
        _ node: SettingNode,
        at place: SettingPath,
        in context: LoadContext
    ) -> Test? {
        let numbers = ValueType<Double>.anyNumber
        let text = ValueType<String>.text("a text", limit: 4096)
        switch key {
        case "equals": return ScalarSetting.read(node, at: place, in: context).map { .equals($0) }
        case "in":
            guard case .list(let items) = node.content else {
                context.report(place, node, Mismatch(expected: "a list of values"))
                return nil
            }
            if items.isEmpty { context.report(place, "expected at least one value") }
            return .oneOf(items.enumerated().compactMap { ScalarSetting.read($1, at: place.item($0), in: context) })
        case "exists": return ValueType<Bool>.boolean.read(node, at: place, in: context).map { .exists($0) }
        case "contains": return text.read(node, at: place, in: context).map { .contains($0) }
        case "starts_with": return text.read(node, at: place, in: context).map { .startsWith($0) }
        case "above": return numbers.read(node, at: place, in: context).map { .above($0) }
        case "below": return numbers.read(node, at: place, in: context).map { .below($0) }
        case "longer":
            return ValueType<Int>.integer(0...1_000_000_000).read(node, at: place, in: context).map { .longer($0) }
        default: return ValueType<ValueKind>.choice.read(node, at: place, in: context).map { .kind($0) }
        }
    }

    var text: YAMLText {
        var entries: [(key: String, value: YAMLText)] = []
        if let field { entries.append((key: "field", value: .text(field))) }
        return .map(entries + tests.map(\.entry))
    }
}

extension ConditionSettings.Test {
    fileprivate var entry: (key: String, value: YAMLText) {
        switch self {
        case .equals(let value): (key: "equals", value: value.text)
        case .oneOf(let values): (key: "in", value: .list(values.map(\.text)))
        case .exists(let value): (key: "exists", value: .plain(value ? "true" : "false"))
        case .contains(let text): (key: "contains", value: .text(text))
        case .startsWith(let text): (key: "starts_with", value: .text(text))
        case .above(let number): (key: "above", value: .plain("\(number)"))
        case .below(let number): (key: "below", value: .plain("\(number)"))
        case .longer(let count): (key: "longer", value: .plain("\(count)"))
        case .kind(let kind): (key: "is", value: .text(kind.rawValue))
        }
    }
}
