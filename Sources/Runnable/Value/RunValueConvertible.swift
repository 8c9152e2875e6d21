/// A type that can flow through a pipeline made at run time, and be shown in events.
public protocol RunValueConvertible: Sendable {
    /// The same as a run value.
    var runValue: RunValue { get }
}

extension RunValue: RunValueConvertible {
    /// Itself.
    public var runValue: RunValue { self }

    /// Anything as a run value: itself if its type says how, else its description as text.
    public init(describing value: some Sendable) {
        if let value = value as? any RunValueConvertible {
            self = value.runValue
        } else {
            self = .string(String(describing: value))
        }
    }
}

extension Value: RunValueConvertible {
    /// JSON.
    public var runValue: RunValue { .value(self) }
}

extension Value.Object: RunValueConvertible {
    /// A JSON object.
    public var runValue: RunValue { .value(.object(self)) }
}

extension String: RunValueConvertible {
    /// A JSON string.
    public var runValue: RunValue { .string(self) }
}

extension Int: RunValueConvertible {
    /// A JSON number.
    public var runValue: RunValue { .value(.integer(self)) }
}

extension Double: RunValueConvertible {
    /// A JSON number, null for what JSON cannot say.
    public var runValue: RunValue { .value(.double(self)) }
}

extension Bool: RunValueConvertible {
    /// A JSON Boolean.
    public var runValue: RunValue { .value(.bool(self)) }
}

extension Message: RunValueConvertible {
    /// A message.
    public var runValue: RunValue { .message(self) }
}

extension MessageChunk: RunValueConvertible {
    /// A piece of a message.
    public var runValue: RunValue { .chunk(self) }
}

extension ChatPrompt: RunValueConvertible {
    /// A prompt.
    public var runValue: RunValue { .prompt(self) }
}

extension Array: RunValueConvertible where Element: RunValueConvertible {
    /// A list.
    public var runValue: RunValue { RunValue(map(\.runValue)) }
}

extension Optional: RunValueConvertible where Wrapped: RunValueConvertible {
    /// The value, or null.
    public var runValue: RunValue { self?.runValue ?? .null }
}
