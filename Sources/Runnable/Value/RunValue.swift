/// Inside ``RunValue``, `Value` is what its dictionary literals hold.
public typealias JSONValue = Value

/// What flows between the steps of a pipeline that is put together at run time: JSON, and what LangChain has beside it.
///
/// A pipeline whose types are known when it is compiled does without. An object or list that holds JSON alone is always a ``value(_:)``.
public enum RunValue: Sendable, Hashable {
    /// JSON. As pieces of a stream, these add up.
    case value(JSONValue)
    /// JSON as far as it is known, as a piece of a stream: the next such piece replaces it.
    case snapshot(JSONValue)
    /// A message.
    case message(Message)
    /// A piece of a message, or several that were added.
    case chunk(MessageChunk)
    /// A prompt.
    case prompt(ChatPrompt)
    /// An object with something in it that is not JSON.
    case object(Members)
    /// A list with something in it that is not JSON.
    case list([RunValue])

    /// JSON's null.
    public static let null = RunValue.value(.null)

    /// Text.
    public static func string(_ text: String) -> RunValue { .value(.string(text)) }

    /// An object of the given members, as JSON where they all are.
    public init(_ members: Members) {
        var object = JSONValue.Object()
        for member in members.all {
            guard let value = member.value.settledJSON else {
                self = .object(members)
                return
            }
            object[member.key] = value
        }
        self = .value(.object(object))
    }

    /// An object of one member, as JSON where that is. One allocation.
    public init(_ key: String, _ value: RunValue) {
        if case .value(let value) = value {
            var object = JSONValue.Object()
            object[key] = value
            self = .value(.object(object))
        } else {
            self = .object(Members(key, value))
        }
    }

    /// A list of the given elements, as JSON where they all are.
    public init(_ elements: [RunValue]) {
        var values: [JSONValue] = []
        values.reserveCapacity(elements.count)
        for element in elements {
            guard let value = element.settledJSON else {
                self = .list(elements)
                return
            }
            values.append(value)
        }
        self = .value(.array(values))
    }

    /// The member called `key`, nil when absent or when this is not an object.
    public subscript(key: String) -> RunValue? {
        switch self {
        case .value(let value), .snapshot(let value): value[key].map { .value($0) }
        case .object(let members): members[key]
        default: nil
        }
    }

    /// The members, nil when this is not an object.
    public var members: Members? {
        switch self {
        case .value(.object(let object)), .snapshot(.object(let object)): Members(object)
        case .object(let members): members
        default: nil
        }
    }

    /// The elements, nil when this is not a list.
    public var elements: [RunValue]? {
        switch self {
        case .value(.array(let values)), .snapshot(.array(let values)): values.map { .value($0) }
        case .list(let elements): elements
        default: nil
        }
    }

    /// Whether this is JSON's null.
    public var isNull: Bool { json?.isNull ?? false }

    /// The JSON, nil when there is something else in it.
    public var json: JSONValue? {
        switch self {
        case .value(let value), .snapshot(let value): value
        default: nil
        }
    }

    /// JSON that is no piece which the next one replaces.
    private var settledJSON: JSONValue? {
        if case .value(let value) = self { value } else { nil }
    }

    /// The same when nothing follows: what is known so far is all there is, and pieces of a message are the message.
    public var whole: RunValue {
        switch self {
        case .value, .message, .prompt: self
        case .snapshot(let value): .value(value)
        case .chunk(let sum): .message(Message(sum))
        case .object(var members):
            {
                members.settle()
                return RunValue(members)
            }()
        case .list(let elements): RunValue(elements.map(\.whole))
        }
    }

    /// Whether a condition takes it for true: everything but null, false, zero, and empty text, lists and objects.
    public var isTruthy: Bool {
        switch self {
        case .value(let value), .snapshot(let value):
            switch value {
            case .null: false
            case .bool(let isTrue): isTrue
            case .number: value.double != 0
            case .string(let text): !text.isEmpty
            case .array(let elements): !elements.isEmpty
            case .object(let object): !object.isEmpty
            }
        case .message, .chunk, .prompt: true
        case .object(let members): !members.isEmpty
        case .list(let elements): !elements.isEmpty
        }
    }

    /// What it is, in words for an error: `a string`, `a message`.
    public var typeName: String {
        switch self {
        case .value(let value), .snapshot(let value): value.typeName
        case .message: "a message"
        case .chunk: "a piece of a message"
        case .prompt: "a prompt"
        case .object: "an object"
        case .list: "a list"
        }
    }

    /// The members of an object in their order. Look-up is a scan: these objects have the keys of a pipeline's steps.
    public struct Members: Sendable, Hashable {
        /// Keys and values in order; no key is twice.
        public private(set) var all: [Member] = []

        /// One key and its value.
        public struct Member: Sendable, Hashable {
            /// The key.
            public var key: String
            /// The value under the key.
            public var value: RunValue
        }

        /// An object without members.
        public init() {}

        /// An object of one member.
        public init(_ key: String, _ value: RunValue) { all = [Member(key: key, value: value)] }

        /// The members of a JSON object.
        public init(_ object: JSONValue.Object) {
            all = object.map { Member(key: $0.key, value: .value($0.value)) }
        }

        /// The value under `key`. Setting nil removes the member; setting a new key appends it.
        public subscript(key: String) -> RunValue? {
            get { all.first { $0.key == key }?.value }
            set {
                let place = all.firstIndex { $0.key == key }
                switch (place, newValue) {
                case (let place?, let value?): all[place].value = value
                case (nil, let value?): all.append(Member(key: key, value: value))
                case (let place?, nil): all.remove(at: place)
                case (nil, nil): break
                }
            }
        }

        fileprivate mutating func settle() {
            for place in all.indices { all[place].value = all[place].value.whole }
        }

        /// Whether there are no members.
        public var isEmpty: Bool { all.isEmpty }
    }
}

extension RunValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// `null`.
    public init(nilLiteral: ()) { self = .null }
    /// A Boolean.
    public init(booleanLiteral value: Bool) { self = .value(.bool(value)) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .value(.integer(value)) }
    /// A number with a fraction.
    public init(floatLiteral value: Double) { self = .value(.double(value)) }
    /// A string.
    public init(stringLiteral value: String) { self = .value(.string(value)) }
    /// A list.
    public init(arrayLiteral elements: RunValue...) { self.init(elements) }
    /// An object; of equal keys the last wins.
    public init(dictionaryLiteral elements: (String, RunValue)...) {
        var members = Members()
        for (key, value) in elements { members[key] = value }
        self.init(members)
    }
}
