/// What travels with a run: its names, its limits and its deadline.
///
/// A value: a runnable that calls others hands each a ``child(step:)`` of its own. Nothing here is enforced by the
/// config itself; ``checkpoint()`` is where runnables ask.
public struct RunConfig: Sendable {
    /// LangChain's default for ``recursionLimit``.
    public static let defaultRecursionLimit = 25

    /// All there is to say, behind one pointer, as a config is handed on for every step; nil for the defaults.
    private var storage: Storage?

    /// The id of this run. Nil leaves the choice to the runnable. Names this run only: children get their own.
    public var runID: RunID? {
        get { storage?.fields.runID }
        set { change(newValue != nil) { $0.runID = newValue } }
    }

    /// The run that called this one, nil for a root.
    public var parentRunID: RunID? {
        get { storage?.fields.parentRunID }
        set { change(newValue != nil) { $0.parentRunID = newValue } }
    }

    /// This run's place in the runnable above it; its tag is a label of this run only.
    public var step: RunStep? {
        get { storage?.fields.step }
        set { change(newValue != nil) { $0.step = newValue } }
    }

    /// The instant after which no work may begin, and which everything with a timeout must not outlive. Nil means none.
    public var deadline: ContinuousClock.Instant? {
        get { storage?.fields.deadline?.instant }
        set { change(newValue != nil) { $0.deadline = newValue.map { RunInstant($0) } } }
    }

    /// Sets ``deadline`` so far from now, without making an instant: those of the standard library are copied through tables.
    package mutating func setDeadline(after duration: Duration) {
        change(true) { $0.deadline = RunInstant(after: duration) }
    }

    /// From now until ``deadline``; nil without one.
    package var timeLeft: Duration? { storage?.fields.deadline?.timeLeft }

    /// How long the run has waited since ``waitingSince``; nil without that.
    package var waited: Duration? { (storage?.fields.waitingSince?.timeLeft).map { .zero - $0 } }

    /// What whoever began the run wants found again by what the run calls, at any depth. Nil for nothing. Handed to children, and not
    /// looked at here.
    public var attachment: (any AnyObject & Sendable)? {
        get { storage?.fields.attachment }
        set { change(newValue != nil) { $0.attachment = newValue } }
    }

    /// Who watches, nil for nobody. See ``observed(by:)``.
    var trace: RunTrace? {
        get { storage?.fields.trace }
        set { change(newValue != nil) { $0.trace = newValue } }
    }

    private var inherited: Inherited? { storage?.fields.inherited }
    private var own: Own? { storage?.fields.own }

    /// The name of this run, instead of the runnable's own. Not handed to children.
    public var runName: String? {
        get { own?.runName }
        set { changeOwn(newValue != nil) { $0.runName = newValue } }
    }

    /// Labels of this run and all runs below it.
    public var tags: [String] {
        get { inherited?.fields.tags ?? [] }
        set { changeInherited(!newValue.isEmpty) { $0.tags = newValue } }
    }

    /// Data about this run and all runs below it.
    public var metadata: Value.Object {
        get { inherited?.fields.metadata ?? [:] }
        set { changeInherited(!newValue.isEmpty) { $0.metadata = newValue } }
    }

    /// The most items of one batch that run at once; nil means the method's own default. Values below 1 are refused
    /// where a batch begins.
    public var maxConcurrency: Int? {
        get { inherited?.fields.maxConcurrency }
        set { changeInherited(newValue != nil) { $0.maxConcurrency = newValue } }
    }

    /// How deep runnables may return runnables. Default 25.
    public var recursionLimit: Int {
        get { inherited?.fields.recursionLimit ?? Self.defaultRecursionLimit }
        set { changeInherited(newValue != Self.defaultRecursionLimit) { $0.recursionLimit = newValue } }
    }

    /// Values for fields that a runnable declared configurable, by field id.
    public var configurable: Value.Object {
        get { inherited?.fields.configurable ?? [:] }
        set { changeInherited(!newValue.isEmpty) { $0.configurable = newValue } }
    }

    /// Since when this run has waited for its turn among others, such as the items of one batch: for the words of a timeout. Not handed
    /// to children.
    public var waitingSince: ContinuousClock.Instant? {
        get { storage?.fields.waitingSince?.instant }
        set { change(newValue != nil) { $0.waitingSince = newValue.map { RunInstant($0) } } }
    }

    /// Named values for the runnable that is called, beside its input, such as `stop` for a model: LangChain's keyword arguments.
    /// Default none. They mean what the runnable says they mean; most read none.
    ///
    /// They belong to this one call: a child's config has none. A sequence hands them to its first step, a branch to the arm it takes, a
    /// list's runnable to its items; bindings and routers pass them on.
    public var arguments: Value.Object {
        get { own?.arguments ?? [:] }
        set { changeOwn(!newValue.isEmpty) { $0.arguments = newValue } }
    }

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
        self.deadline = deadline
        if let runName { self.runName = runName }
        if !tags.isEmpty { self.tags = tags }
        if !metadata.isEmpty { self.metadata = metadata }
        if let maxConcurrency { self.maxConcurrency = maxConcurrency }
        if recursionLimit != Self.defaultRecursionLimit { self.recursionLimit = recursionLimit }
        if !configurable.isEmpty { self.configurable = configurable }
    }

    /// Everything this run is labelled with: its place first, then the inherited tags.
    public var allTags: [String] {
        guard let tag = step?.tag else { return tags }
        return [tag] + tags
    }

    /// Whether the call brings arguments.
    var hasArguments: Bool { own != nil && !arguments.isEmpty }

    /// Makes this the config of a run that the run of this one calls.
    mutating func descend(to step: RunStep?) {
        change(step != nil) {
            $0.parentRunID = $0.runID ?? $0.parentRunID
            $0.trace = $0.trace?.below($0.runID)
            $0.runID = nil
            $0.step = step
            $0.own = nil
            $0.waitingSince = nil
        }
    }

    private struct Fields: Sendable {
        var runID: RunID?
        var parentRunID: RunID?
        var step: RunStep?
        var deadline: RunInstant?
        var waitingSince: RunInstant?
        var attachment: (any AnyObject & Sendable)?
        var trace: RunTrace?
        /// What children have too. Nil for the defaults.
        var inherited: Inherited?
        /// What is this run's alone and seldom there. Nil for the defaults.
        var own: Own?
    }

    private final class Storage: @unchecked Sendable {  // @unchecked: changed only while a single config refers to it
        // Unchecked for the same reason: whoever changes it has the config to itself.
        @exclusivity(unchecked) var fields: Fields

        init(_ fields: Fields) { self.fields = fields }
    }

    /// - Parameter isNews: false for a default, which needs no room where there is none yet.
    private mutating func change(_ isNews: Bool, _ edit: (inout Fields) -> Void) {
        guard isNews || storage != nil else { return }
        if isKnownUniquelyReferenced(&storage), let storage { return edit(&storage.fields) }
        var fields = storage?.fields ?? Fields()
        edit(&fields)
        storage = Storage(fields)
    }

    private struct InheritedFields: Sendable {
        var tags: [String] = []
        var metadata: Value.Object = [:]
        var maxConcurrency: Int?
        var recursionLimit = RunConfig.defaultRecursionLimit
        var configurable: Value.Object = [:]
    }

    private final class Inherited: Sendable {
        let fields: InheritedFields

        init(_ fields: InheritedFields) { self.fields = fields }
    }

    private final class Own: Sendable {
        let runName: String?
        let arguments: Value.Object

        init(_ fields: OwnFields) {
            runName = fields.runName
            arguments = fields.arguments
        }
    }

    private struct OwnFields {
        var runName: String?
        var arguments: Value.Object = [:]
    }

    /// - Parameter isNews: false for a default, which needs no room where there is none yet.
    private mutating func changeInherited(_ isNews: Bool, _ edit: (inout InheritedFields) -> Void) {
        guard isNews || inherited != nil else { return }
        var fields = inherited?.fields ?? InheritedFields()
        edit(&fields)
        change(true) { $0.inherited = Inherited(fields) }
    }

    private mutating func changeOwn(_ isNews: Bool, _ edit: (inout OwnFields) -> Void) {
        guard isNews || own != nil else { return }
        var fields = OwnFields(runName: own?.runName, arguments: own?.arguments ?? [:])
        edit(&fields)
        change(true) { $0.own = Own(fields) }
    }
}
