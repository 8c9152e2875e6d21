/// What travels with a run: its names, its limits and its deadline.
///
/// A value: a runnable that calls others hands each a ``child(step:)`` of its own. Nothing here is enforced by the
/// config itself; ``checkpoint()`` is where runnables ask.
public struct RunConfig: Sendable {
    /// LangChain's default for ``recursionLimit``.
    public static let defaultRecursionLimit = 25

    /// The id of this run. Nil leaves the choice to the runnable. Names this run only: children get their own.
    public var runID: RunID?
    /// The run that called this one, nil for a root.
    public var parentRunID: RunID?
    /// The name of this run, instead of the runnable's own. Not handed to children.
    public var runName: String?
    /// Labels of this run and all runs below it.
    public var tags: [String]
    /// This run's place in the runnable above it; its tag is a label of this run only.
    public var step: RunStep?
    /// Data about this run and all runs below it.
    public var metadata: Value.Object
    /// The most items of one batch that run at once; nil means the method's own default. Values below 1 are refused
    /// where a batch begins.
    public var maxConcurrency: Int?
    /// How deep runnables may return runnables. Default 25.
    public var recursionLimit: Int
    /// Values for fields that a runnable declared configurable, by field id.
    public var configurable: Value.Object
    /// The instant after which no work may begin, and which everything with a timeout must not outlive. Nil means none.
    public var deadline: ContinuousClock.Instant?

    /// Since when this run has waited for its turn among others, such as the items of one batch: for the words of a timeout. Not handed
    /// to children.
    public var waitingSince: ContinuousClock.Instant?

    /// The call's arguments, nil for none. See ``arguments``.
    var callArguments: CallArguments?

    /// Who watches, nil for nobody. See ``observed(by:)``.
    var trace: RunTrace?

    /// A config; what is left out takes its default.
    public init(
        runID: RunID? = nil,
        runName: String? = nil,
        tags: [String] = [],
        metadata: Value.Object = [:],
        maxConcurrency: Int? = nil,
        recursionLimit: Int = RunConfig.defaultRecursionLimit,
        configurable: Value.Object = [:],
        deadline: ContinuousClock.Instant? = nil
    ) {
        self.runID = runID
        self.runName = runName
        self.tags = tags
        self.metadata = metadata
        self.maxConcurrency = maxConcurrency
        self.recursionLimit = recursionLimit
        self.configurable = configurable
        self.deadline = deadline
    }

    /// Everything this run is labelled with: its place first, then the inherited tags.
    public var allTags: [String] {
        guard let tag = step?.tag else { return tags }
        return [tag] + tags
    }
}
