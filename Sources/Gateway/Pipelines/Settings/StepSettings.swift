/// One step of a pipeline as the file says it: what it does, and what is around it. Exactly one of the kinds is set in a loaded
/// configuration.
public struct StepSettings: Sendable, Equatable {
    /// Makes a prompt from the input's members.
    public var prompt: PromptSettings?
    /// Asks the model of this name.
    public var model: String?
    /// Makes something of a model's answer.
    public var parser: ParserKind?
    /// Runs pipelines on the same input; gives an object of their outputs.
    public var parallel: [NamedSteps]?
    /// Runs the first arm whose condition holds.
    public var branch: [BranchArm]?
    /// Runs the steps on each element of a list.
    public var map: [StepSettings]?
    /// Adds members to the input's object.
    public var assign: [NamedSteps]?
    /// Takes members out of an object.
    public var pick: PickSettings?
    /// Runs another route's pipeline or model.
    public var route: String?
    /// Hands the input on.
    public var isPassthrough = false

    /// What runs of it are called in events, instead of LangChain's name for such a step.
    public var name: String?
    /// Tries again when it fails.
    public var retry: RetrySettings?
    /// What runs instead when it fails, in this order; a model's name stands for a step with that model.
    public var fallbacks: [[StepSettings]] = []
    /// The most time it may take.
    public var timeout: Duration?
    /// Remembers answers.
    public var cache: CacheSettings?
    /// Limits how often it begins.
    public var rateLimit: RateLimitSettings?
    /// What callers may choose in their run config, by id.
    public var configurable: [ConfigurableSettings] = []

    /// Where it stands in the file, for messages. Does not count for equality.
    var place = SettingPath.root
    /// Whether what it does could not be read, which has been reported, so that nothing is said of what follows from it.
    var isBroken = false

    /// A step that does nothing yet.
    init() {}

    /// Whether all that the file says is equal; not the places.
    public static func == (left: StepSettings, right: StepSettings) -> Bool {
        left.prompt == right.prompt && left.model == right.model && left.parser == right.parser
            && left.parallel == right.parallel && left.branch == right.branch && left.map == right.map
            && left.assign == right.assign && left.pick == right.pick && left.route == right.route
            && left.isPassthrough == right.isPassthrough && left.name == right.name && left.retry == right.retry
            && left.fallbacks == right.fallbacks && left.timeout == right.timeout && left.cache == right.cache
            && left.rateLimit == right.rateLimit && left.configurable == right.configurable
    }
}

/// Steps under a key.
public struct NamedSteps: Sendable, Equatable {
    /// The member's name in the output.
    public var key: String
    /// What makes its value.
    public var steps: [StepSettings]
}

/// One arm of a branch.
public struct BranchArm: Sendable, Equatable {
    /// When it is taken; nil for the last one, which is taken when no other was.
    public var condition: ConditionSettings?
    /// What it does.
    public var steps: [StepSettings]
}

/// A test of the input, from a small closed set.
public struct ConditionSettings: Sendable, Equatable {
    /// The member to look at, with dots for members of members; nil for the input itself.
    public var field: String?
    /// All of these must hold; at least one is there.
    public var tests: [Test] = []

    /// One test of a value.
    public enum Test: Sendable, Equatable {
        /// It is this scalar. Numbers are equal by value.
        case equals(ScalarSetting)
        /// It is one of these.
        case oneOf([ScalarSetting])
        /// It is there and not null, or it is not.
        case exists(Bool)
        /// It is a string that has this in it, or a list with such an element.
        case contains(String)
        /// It is a string that begins so.
        case startsWith(String)
        /// It is a number beyond this one.
        case above(Double)
        /// It is a number below this one.
        case below(Double)
        /// It is a string, list or object with more characters, elements or members than this.
        case longer(Int)
        /// It is of this kind.
        case kind(ValueKind)
    }

    /// Kinds of JSON values.
    public enum ValueKind: String, Sendable, CaseIterable {
        case string, number, boolean, list, object, null
    }
}

/// A scalar of the file, typed as YAML's core schema types it.
public enum ScalarSetting: Sendable, Equatable {
    case string(String)
    case number(String)
    case boolean(Bool)
    case null
}

/// The messages of a prompt, or one text.
public struct PromptSettings: Sendable, Equatable {
    /// How the templates are written.
    public enum Format: String, Sendable, CaseIterable {
        /// Python's f-strings: `{name}`.
        case fstring
        /// Mustache: `{{name}}`, sections, no partials.
        case mustache
    }

    /// A part of a prompt.
    public enum Part: Sendable, Equatable {
        /// A message with a template.
        case message(role: Role, template: String)
        /// Messages that the input brings under a name.
        case placeholder(name: String, isOptional: Bool, last: Int?)
    }

    /// Who speaks in a message of a prompt.
    public enum Role: String, Sendable, CaseIterable {
        case system, human, ai, user, assistant
    }

    /// In order. Empty where the prompt is one text.
    public var parts: [Part] = []
    /// A prompt that is one text: what models take as one human message.
    public var text: String?
    /// Default `fstring`.
    public var format: Format = .fstring
}

/// What is made of a model's answer.
public enum ParserKind: String, Sendable, CaseIterable {
    /// Its text.
    case string
    /// The JSON in it, growing as it streams.
    case json
    /// Its elements between commas.
    case list
    /// The elements of its numbered list.
    case numberedList = "numbered_list"
    /// The elements of its list with dashes or stars.
    case markdownList = "markdown_list"
}

/// What is taken out of an object.
public enum PickSettings: Sendable, Equatable {
    /// One member's value, null when absent.
    case one(String)
    /// An object of those of the members that are there.
    case several([String])
}

/// When and how often a failed call is repeated.
public struct RetrySettings: Sendable, Equatable {
    /// Calls in all. Default 3.
    public var attempts = 3
    /// The first wait. Default 1 s, LangChain's.
    public var initial: Duration = .seconds(1)
    /// The longest wait. Default 30 s.
    public var maximum: Duration = .seconds(30)
    /// What each wait is longer by at most, chosen at random. Default 1 s, LangChain's.
    public var jitter: Duration = .seconds(1)
}

/// How many answers are remembered.
public struct CacheSettings: Sendable, Equatable {
    /// Answers. Default 1000.
    public var size = 1000
    /// Bytes of keys and answers. Default 16 MiB.
    public var maxBytes = 16 << 20
}

/// A bucket of permits.
public struct RateLimitSettings: Sendable, Equatable {
    /// Calls per second on average. Required.
    public var perSecond = 0.0
    /// Calls that may come at once after a pause. Default 1.
    public var burst = 1
    /// Calls that wait for a permit; more fail at once. Default 1000.
    public var queue = 1000
}

/// Something callers may choose.
public struct ConfigurableSettings: Sendable, Equatable {
    /// What it may be.
    public enum Kind: String, Sendable, CaseIterable {
        case string, number, integer, boolean
    }

    /// The key under `configurable` in a run config.
    public var id: String
    /// Shown to people.
    public var title: String?
    /// Shown to people.
    public var description: String?
    /// For a model: the parameter of its request that the value is sent as. For a prompt: the variable. Default: the id.
    public var target: String?
    /// Default `string` for a prompt's variable, `number` for a model's parameter.
    public var kind: Kind?
    /// The value without a caller's.
    public var fallback: ScalarSetting?
    /// Instead of a value: pipelines to choose from by name. The step itself is the one called `default`.
    public var alternatives: [NamedSteps] = []
}
