/// Which events somebody wants to see, by the names, types and tags of their runs.
///
/// The include lists are alternatives: a run that is in any of those given passes. When none is given all pass; an empty one alone
/// lets nothing pass. The exclude lists are applied afterwards.
public struct RunEventFilter: Sendable, Hashable {
    /// Lets everything pass.
    public static let all = RunEventFilter()

    /// Names of runs. Nil when not given.
    public var includeNames: [String]?
    /// Types: `chain`, `llm`, `chat_model`, `tool`, `retriever`, `prompt`, `parser`. The type of a custom event is its own name.
    public var includeTypes: [String]?
    /// Tags of which a run must have one.
    public var includeTags: [String]?
    /// Names of runs.
    public var excludeNames: [String]
    /// Types, as in ``includeTypes``.
    public var excludeTypes: [String]
    /// Tags of which a run must have none.
    public var excludeTags: [String]

    /// A filter; what is left out restricts nothing.
    public init(
        includeNames: [String]? = nil,
        includeTypes: [String]? = nil,
        includeTags: [String]? = nil,
        excludeNames: [String] = [],
        excludeTypes: [String] = [],
        excludeTags: [String] = []
    ) {
        self.includeNames = includeNames
        self.includeTypes = includeTypes
        self.includeTags = includeTags
        self.excludeNames = excludeNames
        self.excludeTypes = excludeTypes
        self.excludeTags = excludeTags
    }

    /// Whether an event passes.
    public func includes(_ event: RunEvent) -> Bool {
        if case .custom(let name, _) = event.phase { return includes(name: name, type: name, tags: event.tags) }
        return includes(name: event.name, type: event.kind.rawValue, tags: event.tags)
    }

    /// Whether what is called so, is of such a type and has such tags passes.
    public func includes(name: String, type: String, tags: [String]) -> Bool {
        let isAsked =
            includeNames == nil && includeTypes == nil && includeTags == nil
            || includeNames?.contains(name) == true
            || includeTypes?.contains(type) == true
            || includeTags?.contains(where: tags.contains) == true
        return isAsked && !excludeNames.contains(name) && !excludeTypes.contains(type)
            && !excludeTags.contains(where: tags.contains)
    }
}
