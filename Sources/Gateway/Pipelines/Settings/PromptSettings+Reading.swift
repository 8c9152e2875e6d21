import Runnable

extension PromptSettings {
    /// One text, or a mapping of roles to templates in the order of the file, with `messages` where a role comes twice.
    init?(reading node: SettingNode, at place: SettingPath, in context: LoadContext) {
        guard case .map(let entries) = node.content else {
            guard let text = template(ofNode: node, at: place, in: context) else { return nil }
            self.text = text
            return
        }
        // What templates mean depends on it, wherever it stands.
        if let entry = entries.first(where: { $0.key == "format" }) {
            let place = place.child(entry.key)
            context.note(place, line: entry.line, node: entry.value)
            guard let format = ValueType<Format>.choice.read(entry.value, at: place, in: context) else { return nil }
            self.format = format
        }
        var isWhole = true
        for entry in entries where entry.key != "format" {
            let place = place.child(entry.key)
            context.note(place, line: entry.line, node: entry.value)
            switch entry.key {
            case "text":
                text = template(ofNode: entry.value, at: place, in: context)
                isWhole = isWhole && text != nil
            case "messages": isWhole = readMessages(entry.value, at: place, in: context) && isWhole
            case "placeholder": isWhole = readPlaceholder(entry.value, [], at: place, in: context) && isWhole
            default: isWhole = readMessage(entry, at: place, in: context) && isWhole
            }
        }
        if text != nil, !parts.isEmpty { context.report(place, "has both a text and messages; keep one of them") }
        if isWhole, text == nil, parts.isEmpty {
            context.report(place, "expected at least one message, such as {human: \"{question}\"}")
            isWhole = false
        }
        guard isWhole else { return nil }
    }

    private static let keys = Role.allCases.map(\.rawValue) + ["placeholder", "messages", "text", "format"]

    /// False when something is wrong with it, which has been reported; so are the other ones'.
    private mutating func readMessage(_ entry: SettingEntry, at place: SettingPath, in context: LoadContext) -> Bool {
        guard let role = Role(rawValue: entry.key) else {
            context.report(place, line: entry.line, "no such key\(Suggestion.hint(for: entry.key, among: Self.keys))")
            return false
        }
        guard let template = template(ofNode: entry.value, at: place, in: context) else { return false }
        parts.append(.message(role: role, template: template))
        return true
    }

    private mutating func readMessages(_ node: SettingNode, at place: SettingPath, in context: LoadContext) -> Bool {
        guard case .list(let items) = node.content else {
            context.report(place, node, Mismatch(expected: "a list of messages such as {human: \"{question}\"}"))
            return false
        }
        var isWhole = true
        for (number, item) in items.enumerated() {
            let place = place.item(number)
            context.note(place, line: item.line, node: item)
            guard let entries = item.entries(at: place, in: context) else {
                isWhole = false
                continue
            }
            if let placeholder = entries.first(where: { $0.key == "placeholder" }) {
                let rest = entries.filter { $0.key != "placeholder" }
                isWhole = readPlaceholder(placeholder.value, rest, at: place, in: context) && isWhole
                continue
            }
            if entries.count != 1 {
                context.report(place, "expected one role with its text")
                isWhole = false
            }
            for entry in entries {
                let place = place.child(entry.key)
                context.note(place, line: entry.line, node: entry.value)
                isWhole = readMessage(entry, at: place, in: context) && isWhole
            }
        }
        return isWhole
    }

    /// `placeholder: name`, or in a list `{placeholder: name, optional: true, last: 10}`.
    private mutating func readPlaceholder(
        _ node: SettingNode,
        _ rest: [SettingEntry],
        at place: SettingPath,
        in context: LoadContext
    ) -> Bool {
        let isOwn = rest.isEmpty && place.text.hasSuffix("placeholder")
        let namePlace = isOwn ? place : place.child("placeholder")
        context.note(namePlace, line: node.line, node: node)
        guard let name = ValueType<String>.text("the name of the messages").read(node, at: namePlace, in: context)
        else {
            return false
        }
        if !node.isLiteral { context.hide([name]) }
        var isOptional = false
        var last: Int?
        for entry in rest {
            let place = place.child(entry.key)
            context.note(place, line: entry.line, node: entry.value)
            switch entry.key {
            case "optional": isOptional = ValueType<Bool>.boolean.read(entry.value, at: place, in: context) ?? false
            case "last": last = ValueType<Int>.integer(1...100_000).read(entry.value, at: place, in: context)
            default:
                let hint = Suggestion.hint(for: entry.key, among: ["placeholder", "optional", "last"])
                context.report(place, line: entry.line, "no such key\(hint)")
            }
        }
        parts.append(.placeholder(name: name, isOptional: isOptional, last: last))
        return true
    }

    /// A template that can be read. What a mistake says of one that came from a variable shows nothing of it.
    private func template(ofNode node: SettingNode, at place: SettingPath, in context: LoadContext) -> String? {
        guard case .scalar(let scalar) = node.content, scalar.isText else {
            context.report(place, node, Mismatch(expected: "a template, such as \"Summarise: {text}\""))
            return nil
        }
        do throws(PromptTemplateError) {
            let template = try template(scalar.text)
            if scalar.hasVariables { context.hide(template.variables) }
            return scalar.text
        } catch {
            context.report(
                place,
                scalar.hasVariables ? "\(scalar.found) is no \(format.rawValue) template" : "\(error)"
            )
            return nil
        }
    }

    /// As the file would say it.
    func text(asSetting: Void) -> YAMLText {
        if let text, format == .fstring { return .text(text) }
        var entries: [(key: String, value: YAMLText)] = []
        if let text { entries.append((key: "text", value: .text(text))) }
        if !parts.isEmpty { entries.append((key: "messages", value: .list(parts.map(write)))) }
        if format != .fstring { entries.append((key: "format", value: .text(format.rawValue))) }
        return .map(entries)
    }

    private func write(_ part: Part) -> YAMLText {
        switch part {
        case .message(let role, let template): return .map([(key: role.rawValue, value: .text(template))])
        case .placeholder(let name, let isOptional, let last):
            var entries: [(key: String, value: YAMLText)] = [(key: "placeholder", value: .text(name))]
            if isOptional { entries.append((key: "optional", value: .plain("true"))) }
            if let last { entries.append((key: "last", value: .plain("\(last)"))) }
            return .map(entries)
        }
    }
}
