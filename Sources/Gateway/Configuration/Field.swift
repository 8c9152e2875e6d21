/// One key of the file: how it is read into `Root`, written back, and described. The tables of these
/// (`ServerSettings.fields` and its siblings) are the only place that knows a key's name, type and range; defaults come
/// from the settings' own initialisers.
struct Field<Root: Sendable>: Sendable {
    typealias Read = @Sendable (inout Root, SettingNode, SettingPath, LoadContext) -> Void
    typealias Write = @Sendable (Root) -> YAMLText?

    let name: String
    /// For the reference; empty for a section, which only has keys below it.
    var type = ""
    var summary = ""
    var isRequired = false
    /// Says what a missing value means where there is no default to print.
    var defaultNote: String?
    /// What a key of this name gets told instead of being read; such a key is not in the reference.
    var refusal: String?
    /// What stands between this key's path and its children's, such as `.NAME`.
    var childInfix = ""
    var children: [ConfigurationKey] = []
    let read: Read
    /// Nil when there is nothing to print.
    let write: Write
}

extension Field {
    /// A scalar with a default.
    static func value<Value: Sendable>(
        _ name: String,
        _ path: any WritableKeyPath<Root, Value> & Sendable,
        _ type: ValueType<Value>,
        _ summary: String
    ) -> Field {
        Field(name: name, type: type.name, summary: summary) { root, node, place, context in
            if let value = type.read(node, at: place, in: context) { root[keyPath: path] = value }
        } write: {
            type.format($0[keyPath: path])
        }
    }

    /// A scalar that must be there, or may be absent.
    static func optional<Value: Sendable>(
        _ name: String,
        _ path: any WritableKeyPath<Root, Value?> & Sendable,
        _ type: ValueType<Value>,
        _ summary: String,
        isRequired: Bool = false,
        defaultNote: String? = nil
    ) -> Field {
        Field(name: name, type: type.name, summary: summary, isRequired: isRequired, defaultNote: defaultNote) {
            root,
            node,
            place,
            context in
            if let value = type.read(node, at: place, in: context) { root[keyPath: path] = value }
        } write: {
            $0[keyPath: path].map { type.format($0) }
        }
    }

    /// A scalar that must be there although its property is not optional.
    static func required<Value: Sendable>(
        _ name: String,
        _ path: any WritableKeyPath<Root, Value> & Sendable,
        _ type: ValueType<Value>,
        _ summary: String
    ) -> Field {
        var field = value(name, path, type, summary)
        field.isRequired = true
        return field
    }

    /// A mapping with keys of its own.
    static func section<Section: Sendable>(
        _ name: String,
        _ path: any WritableKeyPath<Root, Section> & Sendable,
        _ fields: [Field<Section>],
        defaults: Section,
        _ summary: String
    ) -> Field {
        Field(name: name, summary: summary, children: ConfigurationKey.keys(of: fields, defaults: defaults)) {
            root,
            node,
            place,
            context in
            fields.read(into: &root[keyPath: path], from: node, at: place, in: context)
        } write: {
            let text = fields.write($0[keyPath: path])
            return text == .map([]) ? nil : text
        }
    }

    /// A mapping from names to values of one kind; `rule` says what is wrong with a name, if anything is.
    static func named<Element: Sendable>(
        _ name: String,
        _ path: any WritableKeyPath<Root, [Element]> & Sendable,
        placeholder: String,
        fields: [Field<Element>],
        make: @escaping @Sendable (String) -> Element,
        nameOf: @escaping @Sendable (Element) -> String,
        rule: @escaping @Sendable (String) -> String?,
        _ summary: String
    ) -> Field {
        let keys = ConfigurationKey.keys(of: fields, defaults: make("NAME"))
        return Field(name: name, summary: summary, childInfix: ".\(placeholder)", children: keys) {
            root,
            node,
            place,
            context in
            node.forEachEntry(at: place, in: context) { entry, place in
                if let problem = rule(entry.key) { context.report(place, problem) }
                var element = make(entry.key)
                fields.read(into: &element, from: entry.value, at: place, in: context)
                root[keyPath: path].append(element)
            }
        } write: {
            let entries = $0[keyPath: path].map { (key: nameOf($0), value: fields.write($0)) }
            return entries.isEmpty ? nil : .map(entries)
        }
    }

    /// A key that other programs have and this one refuses, with the reason.
    static func refused(_ name: String, because reason: String) -> Field {
        Field(name: name, refusal: reason) { _, _, _, _ in
        } write: { _ in
            nil
        }
    }
}

extension SettingNode {
    /// Notes each entry of a mapping, and hands it over with its place.
    func forEachEntry(at path: SettingPath, in context: LoadContext, _ body: (SettingEntry, SettingPath) -> Void) {
        for entry in entries(at: path, in: context) ?? [] {
            let place = path.child(entry.key)
            context.note(place, line: entry.line, node: entry.value)
            body(entry, place)
        }
    }

    /// The entries of a mapping, an empty one for null; nil and a report for anything else.
    func entries(at path: SettingPath, in context: LoadContext) -> [SettingEntry]? {
        if case .map(let entries) = content { return entries }
        if isNull { return [] }
        if !isInvalid {
            // A text here may be a key, put in the wrong place or named by mistake.
            let found = isWords ? "a text" : found
            context.report(path, line: context.line(path) ?? line, "expected a mapping, found \(found)")
        }
        return nil
    }
}

extension Array {
    /// Reads a mapping, key by key, reporting keys that do not exist and keys that are missing.
    func read<Root>(into root: inout Root, from node: SettingNode, at path: SettingPath, in context: LoadContext)
    where Element == Field<Root> {
        guard let entries = node.entries(at: path, in: context) else { return }
        for entry in entries {
            let place = path.child(entry.key)
            context.note(place, line: entry.line, node: entry.value)
            guard let field = first(where: { $0.name == entry.key }) else {
                let known = filter { $0.refusal == nil }.map(\.name)
                context.report(place, line: entry.line, "no such key\(Suggestion.hint(for: entry.key, among: known))")
                continue
            }
            if let refusal = field.refusal {
                context.report(place, line: entry.line, refusal)
            } else {
                field.read(&root, entry.value, place, context)
            }
        }
        for field in self where field.isRequired && !entries.contains(where: { $0.key == field.name }) {
            context.report(path.child(field.name), line: context.line(path) ?? node.line, "is required: \(field.type)")
        }
    }

    /// Everything that has a value, in the order of the table.
    func write<Root>(_ root: Root) -> YAMLText where Element == Field<Root> {
        .map(compactMap { field in field.write(root).map { (key: field.name, value: $0) } })
    }
}
