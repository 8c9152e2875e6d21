/// The configuration as the daemon sees it, for `headgate check`.
public enum EffectiveConfiguration {
    /// Every key with its value, defaults included, as YAML that loads again. Secrets are `<redacted>`, also where one stands in
    /// another key's value, such as a URL. A route's timeouts are the ones in force, whoever set them.
    public static func yaml(_ configuration: Configuration) -> String {
        text(configuration, hiding: configuration.secrets).block()
    }

    /// The same as a tree, with `secrets` redacted.
    static func text(_ configuration: Configuration, hiding secrets: some Sequence<Secret>) -> YAMLText {
        var resolved = configuration
        for index in resolved.routes.indices {
            let timeouts = configuration.effectiveTimeouts(route: resolved.routes[index])
            resolved.routes[index].timeouts.connect = timeouts.connect
            resolved.routes[index].timeouts.tls = timeouts.tls
            resolved.routes[index].timeouts.head = timeouts.head
            resolved.routes[index].timeouts.firstToken = timeouts.firstToken
            resolved.routes[index].timeouts.idle = timeouts.idle
            resolved.routes[index].timeouts.total = timeouts.total
        }
        guard case .map(var entries) = Configuration.fields.write(resolved) else { return .map([]) }
        for index in entries.indices where entries[index].key == "backends" {
            entries[index].value = withoutMeaningless(entries[index].value, of: configuration.backends)
        }
        let redactor = Redactor(secrets)
        return YAMLText.map(entries).mapTexts { redactor.redact($0, limit: $0.utf8.count) }
    }

    /// Drops the keys that have no meaning for a backend's dialect; the loader would refuse them.
    private static func withoutMeaningless(_ text: YAMLText, of backends: [BackendSettings]) -> YAMLText {
        guard case .map(let entries) = text else { return text }
        return .map(
            zip(entries, backends).map { entry, backend in
                guard case .map(let keys) = entry.value else { return entry }
                let isMock = backend.dialect == .mock
                return (
                    entry.key,
                    .map(keys.filter { isMock ? BackendSettings.mockKeys.contains($0.key) : $0.key != "mock" })
                )
            }
        )
    }
}
