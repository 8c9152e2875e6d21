/// A field of a runnable that each call may set through ``RunConfig/configurable``.
public struct ConfigurableField: Sendable, Hashable {
    /// What values a field takes.
    public enum Kind: Sendable, Hashable {
        /// Any JSON.
        case any
        /// A string.
        case string
        /// A number without a fraction.
        case integer
        /// A number.
        case number
        /// A Boolean.
        case bool
        /// A list of strings.
        case strings
        /// One of some strings.
        case choice([String])

        /// Whether a value is of this kind.
        public func allows(_ value: Value) -> Bool {
            switch self {
            case .any: true
            case .string: value.string != nil
            case .integer: value.integer != nil
            case .number: value.double != nil
            case .bool: value.bool != nil
            case .strings: value.array?.allSatisfy { $0.string != nil } ?? false
            case .choice(let words): value.string.map(words.contains) ?? false
            }
        }

        /// What a value must be, in words.
        var words: String {
            switch self {
            case .any: "a value"
            case .string: "a string"
            case .integer: "an integer"
            case .number: "a number"
            case .bool: "a boolean"
            case .strings: "a list of strings"
            case .choice(let words): "one of " + words.joined(separator: ", ")
            }
        }
    }

    /// The key in ``RunConfig/configurable``.
    public var id: String
    /// What to call it in a form; nil for the id.
    public var name: String?
    /// What it does.
    public var description: String?
    /// What values it takes.
    public var kind: Kind
    /// What it is when a call does not set it; nil when nothing is to be said.
    public var defaultValue: Value?

    /// A field.
    public init(
        _ id: String,
        name: String? = nil,
        description: String? = nil,
        kind: Kind = .any,
        default defaultValue: Value? = nil
    ) {
        self.id = id
        self.name = name
        self.description = description
        self.kind = kind
        self.defaultValue = defaultValue
    }

    /// Refuses a value that is of another kind.
    /// - Throws: ``RunError`` `caller_invalid` with status 422, which names the field.
    public func check(_ value: Value) throws(RunError) {
        guard !kind.allows(value) else { return }
        throw RunError(.callerInvalid, "configurable.\(id) must be \(kind.words)", status: 422)
    }
}

extension Runnable {
    /// None.
    public var configurableSpecs: [ConfigurableField] { [] }
}

extension AnyRunnable {
    /// Those of the runnable inside.
    public var configurableSpecs: [ConfigurableField] { base.configurableSpecs }
}

extension ObservedChatModel {
    var configurableSpecs: [ConfigurableField] { model.configurableSpecs }
}

extension RunnableSequence {
    /// Those of all steps, each id once.
    public var configurableSpecs: [ConfigurableField] { .of(steps.map(\.runnable)) }
}

extension [ConfigurableField] {
    /// The fields of several runnables; of fields with the same id the first counts.
    static func of(_ runnables: [any Runnable]) -> [ConfigurableField] {
        distinct(runnables.flatMap { $0.configurableSpecs })
    }

    /// Of fields with the same id the first one.
    static func distinct(_ fields: [ConfigurableField]) -> [ConfigurableField] {
        var ids: Set<String> = []
        return fields.filter { ids.insert($0.id).inserted }
    }
}
