/// One key of the configuration file, as the reference describes it.
public struct ConfigurationKey: Sendable, Equatable {
    /// Such as `backends.NAME.url` or `listen[].certificate`.
    public let path: String
    /// Type with its range, in words.
    public let type: String
    /// As the file would write it; nil when there is none.
    public let defaultValue: String?
    /// What leaving it out means, where no value of the file says that.
    public let defaultNote: String?
    /// Whether leaving it out is an error.
    public let isRequired: Bool
    /// One sentence.
    public let summary: String

    /// The keys of a table, parents before their children. `defaults` is where default values are read from.
    static func keys<Root>(of fields: [Field<Root>], defaults: Root) -> [ConfigurationKey] {
        fields.filter { $0.refusal == nil }.flatMap { field -> [ConfigurationKey] in
            let children = field.children.map { child in
                let separator = child.path.hasPrefix("[") ? "" : "."
                return ConfigurationKey(
                    path: "\(field.name)\(field.childInfix)\(separator)\(child.path)",
                    type: child.type,
                    defaultValue: child.defaultValue,
                    defaultNote: child.defaultNote,
                    isRequired: child.isRequired,
                    summary: child.summary
                )
            }
            let written = field.type.isEmpty || field.isRequired ? nil : field.write(defaults)?.inline
            let key = ConfigurationKey(
                path: field.name,
                type: field.type.isEmpty ? "mapping" : field.type,
                defaultValue: field.defaultNote == nil ? written : nil,
                defaultNote: field.defaultNote,
                isRequired: field.isRequired,
                summary: field.summary
            )
            return [key] + children
        }
    }
}

/// Every key the loader accepts. The loader reads by the same tables, so the two cannot differ.
public enum ConfigurationReference {
    /// In the order of the dump, sections before their keys.
    public static let keys: [ConfigurationKey] = ConfigurationKey.keys(
        of: Configuration.fields,
        defaults: Configuration()
    )

    /// Keys that belong together: those at the top that have none below them (and `listen`), then each top-level section.
    struct Section {
        /// Nil for the keys at the top.
        let name: String?
        let summary: String
        let keys: [ConfigurationKey]
    }

    /// Every key that can be set, by section.
    static var sections: [Section] {
        let top = keys.filter { !$0.path.contains(".") && !$0.path.contains("[") }
        let single = top.filter { section in !keys.contains { isBelow($0, section) } || section.path == "listen" }
        let first = keys.filter { key in single.contains { key.path == $0.path || isBelow(key, $0) } }
        return [Section(name: nil, summary: "", keys: first)]
            + top.filter { !single.contains($0) }.map { section in
                Section(
                    name: section.path,
                    summary: section.summary,
                    keys: keys.filter { isBelow($0, section) && $0.type != "mapping" }
                )
            }
    }

    /// The reference of `docs/configuration.md`: one table for each section.
    public static var markdown: String {
        var text = ""
        for section in sections {
            if let name = section.name { text += "\n#### `\(name)`\n\n\(section.summary)\n\n" }
            text += table(section.keys)
        }
        return text
    }

    private static func isBelow(_ key: ConfigurationKey, _ section: ConfigurationKey) -> Bool {
        key.path.hasPrefix(section.path + ".") || key.path.hasPrefix(section.path + "[")
    }

    private static func table(_ keys: [ConfigurationKey]) -> String {
        var text = "| key | type | default | |\n|---|---|---|---|\n"
        for key in keys {
            let fallback = key.isRequired ? "*required*" : key.defaultValue.map { "`\($0)`" } ?? key.defaultNote ?? ""
            text += "| `\(key.path)` | \(escape(key.type)) | \(fallback) | \(escape(key.summary)) |\n"
        }
        return text
    }

    private static func escape(_ text: String) -> String {
        text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
}
