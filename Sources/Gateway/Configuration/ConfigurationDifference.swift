/// What distinguishes two configurations, key by key, without any secret: what a reload has changed.
public struct ConfigurationDifference: Sendable, Equatable, CustomStringConvertible {
    /// One key with its values; nil where a side does not have it. A backend, model or route that came or went is one change.
    public struct Change: Sendable, Equatable, CustomStringConvertible {
        /// The key's path, as errors name it: `backends.local.url`, `listen[1]`.
        public let key: String
        /// Its value before, on one line of YAML.
        public let old: String?
        /// Its value now.
        public let new: String?

        /// `key: old -> new`
        public var description: String { "\(key): \(old ?? "(absent)") -> \(new ?? "(absent)")" }
    }

    /// In the order of the configuration's keys; what came stands behind what stayed.
    public let changes: [Change]
    /// Whether both are the same.
    public var isEmpty: Bool { changes.isEmpty }

    /// One change a line; `no change` when there is none.
    public var description: String {
        changes.isEmpty ? "no change" : changes.map(\.description).joined(separator: "\n")
    }

    /// Compares effective configurations: defaults are values like others.
    public init(from old: Configuration, to new: Configuration) {
        let secrets = old.secrets + new.secrets
        var changes: [Change] = []
        Self.compare(
            EffectiveConfiguration.text(old, hiding: secrets),
            EffectiveConfiguration.text(new, hiding: secrets),
            at: "",
            into: &changes
        )
        // Two secrets look the same: what else differs in a backend is one.
        let before = Dictionary(old.backends.map { ($0.name, $0) }) { first, _ in first }
        for backend in new.backends where before[backend.name].map({ !$0.hasSameSecrets(as: backend) }) == true {
            let key = "backends.\(backend.name)"
            changes.append(Change(key: key, old: Secret.redacted, new: "\(Secret.redacted) (another key or header)"))
        }
        self.changes = changes
    }

    private static func compare(_ old: YAMLText, _ new: YAMLText, at key: String, into changes: inout [Change]) {
        switch (old, new) {
        case (.map(let old), .map(let new)):
            let prefix = key.isEmpty ? "" : "\(key)."
            let others = Dictionary(new.map { ($0.key, $0.value) }) { first, _ in first }
            let known = Set(old.map(\.key))
            for entry in old { compare(entry.value, others[entry.key], at: prefix + entry.key, into: &changes) }
            for entry in new where !known.contains(entry.key) {
                changes.append(Change(key: prefix + entry.key, old: nil, new: entry.value.inline))
            }
        case (.list(let old), .list(let new)) where (old + new).contains(where: \.isMap):
            for place in 0..<max(old.count, new.count) {
                let item = "\(key)[\(place)]"
                if place < old.count {
                    compare(old[place], place < new.count ? new[place] : nil, at: item, into: &changes)
                } else {
                    changes.append(Change(key: item, old: nil, new: new[place].inline))
                }
            }
        default:
            if old != new { changes.append(Change(key: key, old: old.inline, new: new.inline)) }
        }
    }

    private static func compare(_ old: YAMLText, _ new: YAMLText?, at key: String, into changes: inout [Change]) {
        if let new { return compare(old, new, at: key, into: &changes) }
        changes.append(Change(key: key, old: old.inline, new: nil))
    }
}

extension BackendSettings {
    /// Whether keys and secret headers are the same; only where both have one, as the others show in the text.
    fileprivate func hasSameSecrets(as other: BackendSettings) -> Bool {
        if let apiKey, let next = other.apiKey, apiKey != next { return false }
        return headers.allSatisfy { header in
            other.headers.allSatisfy {
                $0.name != header.name || !($0.isSecret && header.isSecret) || $0.value == header.value
            }
        }
    }
}

extension YAMLText {
    fileprivate var isMap: Bool {
        if case .map = self { true } else { false }
    }
}
