/// A JSON value that a runnable carries without looking at it: metadata, tool arguments, content blocks.
///
/// Numbers keep the text they were written with, so they come out exactly as they went in.
public enum Value: Sendable, Hashable {
    /// JSON `null`.
    case null
    /// JSON `true` or `false`.
    case bool(Bool)
    /// A JSON number as its source text, such as `1e3`. The text must be a valid JSON number.
    case number(String)
    /// A JSON string, unescaped.
    case string(String)
    /// A JSON array.
    case array([Value])
    /// A JSON object; members keep their order.
    case object(Object)

    /// A number from an integer.
    public static func integer(_ value: Int) -> Value { .number(String(value)) }

    /// A number from a floating-point value; `null` when it is infinite or not a number, which JSON cannot say.
    public static func double(_ value: Double) -> Value {
        guard value.isFinite else { return .null }
        return .number(String(describing: value))
    }

    /// Whether this is JSON `null`.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The Boolean, or nil when this is something else.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The number when its text is a whole number in the range of `Int` (`1`, not `1.0`), else nil.
    public var integer: Int? {
        if case .number(let text) = self { Int(text) } else { nil }
    }

    /// The number rounded to a `Double`, or nil when this is something else.
    public var double: Double? {
        if case .number(let text) = self { Double(text) } else { nil }
    }

    /// The string, or nil when this is something else.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The elements, or nil when this is not an array.
    public var array: [Value]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The members, or nil when this is not an object.
    public var object: Object? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The member called `key`, or nil when it is absent or this is not an object.
    public subscript(key: String) -> Value? { object?[key] }
}

extension Value: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// `null`.
    public init(nilLiteral: ()) { self = .null }
    /// A Boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .integer(value) }
    /// A number with a fraction.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// An array.
    public init(arrayLiteral elements: Value...) { self = .array(elements) }
    /// An object; of equal keys the last wins.
    public init(dictionaryLiteral elements: (String, Value)...) { self = .object(Object(elements)) }
}

extension Value: CustomStringConvertible {
    /// The value as one line of JSON.
    public var description: String { jsonText }
}
