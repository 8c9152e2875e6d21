extension RunConfig {
    /// This config with another laid over it, as LangChain merges (`langserve-protocol.md` 4.2).
    ///
    /// Tags become the sorted union. Metadata and configurable values merge key by key and the right one wins, but the
    /// metadata key `lc_versions` merges one level deeper. Name, id and ``maxConcurrency`` are the right one's when it
    /// has them (an empty name counts as none). Arguments merge key by key, too. ``recursionLimit`` is the right one's unless that is 25, its default. Of two
    /// deadlines the earlier stays.
    public func merging(_ other: RunConfig) -> RunConfig {
        var merged = self
        merged.tags = Array(Set(tags + other.tags)).sorted()
        for member in other.metadata {
            if member.key == "lc_versions", case .object(var versions)? = merged.metadata[member.key],
                case .object(let newer) = member.value
            {
                for version in newer { versions[version.key] = version.value }
                merged.metadata[member.key] = .object(versions)
            } else {
                merged.metadata[member.key] = member.value
            }
        }
        for member in other.configurable { merged.configurable[member.key] = member.value }
        if let name = other.runName, !name.isEmpty { merged.runName = name }
        merged.runID = other.runID ?? runID
        merged.parentRunID = other.parentRunID ?? parentRunID
        merged.maxConcurrency = other.maxConcurrency ?? maxConcurrency
        if other.recursionLimit != Self.defaultRecursionLimit { merged.recursionLimit = other.recursionLimit }
        merged.step = other.step ?? step
        merged.trace = other.trace ?? trace
        merged.attachment = other.attachment ?? attachment
        if other.hasArguments { merged.arguments = arguments.overlaid(with: other.arguments) }
        merged.deadline = Self.earlier(deadline, other.deadline)
        return merged
    }

    /// The config as LangChain normalises it before a run: the configurable values `model` and `checkpoint_ns`, when they
    /// are strings, are copied into the metadata unless it has such keys.
    public func normalized() -> RunConfig {
        guard !configurable.isEmpty else { return self }
        var copy = self
        for key in ["model", "checkpoint_ns"] where metadata[key] == nil {
            if let value = configurable[key], case .string = value { copy.metadata[key] = value }
        }
        return copy
    }
}
