import JSON
import Providers
import Runnable

/// Reads a request's `config` (langserve-protocol.md, 1.2): only the keys that the route allows take effect, and unknown ones are
/// ignored, camelCase ones included.
struct ConfigDecoding: Sendable {
    /// The keys that count.
    let allowed: Set<RouteSettings.ConfigKey>
    /// What callers may choose under `configurable`.
    var specs: [ConfigurableSpec] = []
    /// What the config hash in the path says; a key of the body counts more.
    var base = RunConfig()

    /// The run config in `view`; null and absent are the base. Places in errors are relative to the config.
    func config(_ view: JSONView?) throws(RequestProblem) -> RunConfig {
        var config = base
        guard let view, !view.isNull else { return config }
        guard view.kind == .object else { throw .at([], "dict_type", "Input should be a valid dictionary", view) }
        for (key, value) in view.members where !value.isNull {
            guard let name = key.string.flatMap(RouteSettings.ConfigKey.init(rawValue:)) else { continue }
            guard allowed.contains(name) else {
                if name == .configurable, !specs.isEmpty, value.kind != .object || value.count > 0 {
                    throw .sentence("The configurable values of this route cannot be set by callers")
                }
                continue
            }
            try read(name, value, into: &config)
        }
        return config
    }

    private func read(
        _ key: RouteSettings.ConfigKey,
        _ value: JSONView,
        into config: inout RunConfig
    ) throws(RequestProblem) {
        switch key {
        case .maxConcurrency:
            guard let count = integer(value), count > 0 else {
                throw .at(["max_concurrency"], "greater_than", "Input should be an integer greater than 0", value)
            }
            config.maxConcurrency = count
        case .recursionLimit:
            guard let limit = integer(value), limit > 0 else {
                throw .at(["recursion_limit"], "greater_than", "Input should be an integer greater than 0", value)
            }
            config.recursionLimit = limit
        case .runID:
            guard let id = value.string.flatMap({ RunID($0) }) else {
                throw .at(["run_id"], "uuid_parsing", "Input should be a valid UUID", value)
            }
            config.runID = id
        case .tags: config.tags = try tags(value)
        case .metadata:
            guard value.kind == .object else {
                throw .at(["metadata"], "dict_type", "Input should be a valid dictionary", value)
            }
            config.metadata = Value.Object(value)
        case .configurable: try readConfigurable(value, into: &config)
        }
    }

    /// Keys that nothing declares are dropped; a route without any declared takes whatever is sent, as LangServe's do. Values under keys
    /// that are not there stay as the base has them.
    private func readConfigurable(_ view: JSONView, into config: inout RunConfig) throws(RequestProblem) {
        guard !specs.isEmpty else { return }
        guard view.kind == .object else {
            throw .at(["configurable"], "model_type", "Input should be a valid dictionary or object", view)
        }
        for spec in specs {
            guard let value = view.member(spec.id) else { continue }
            config.configurable[spec.id] = try spec.read(value)
        }
    }

    /// An integer as the reference takes it: also `3.0` and `"3"`.
    private func integer(_ value: JSONView) -> Int? {
        if let int = value.int { return int }
        if let text = value.string { return text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) ? Int(text) : nil }
        return value.double.flatMap { Int(exactly: $0) }
    }

    /// Allowed tags come out de-duplicated and sorted, as on the reference server.
    private func tags(_ value: JSONView) throws(RequestProblem) -> [String] {
        guard value.kind == .array else { throw .at(["tags"], "list_type", "Input should be a valid list", value) }
        var tags: Set<String> = []
        var place = 0
        for element in value.elements {
            guard let tag = element.string else {
                throw .at(["tags", .index(place)], "string_type", "Input should be a valid string", element)
            }
            tags.insert(tag)
            place += 1
        }
        return tags.sorted()
    }
}
