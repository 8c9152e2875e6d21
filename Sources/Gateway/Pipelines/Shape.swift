import Runnable

/// What a step takes or gives, as far as that is known before anything runs. Requests are validated by it, schemas are written from it,
/// and the loader checks with it which steps can follow each other.
indirect enum Shape: Sendable, Equatable {
    /// Anything that JSON can say.
    case any
    case string
    case number
    case integer
    case boolean
    case list(Shape)
    case object(Members)
    /// What a language model takes: a string, a prompt value, or messages.
    case modelInput
    /// Messages for a placeholder.
    case messages
    /// A message of the model's.
    case message
    /// A message or text: what parsers take.
    case answer
    /// A prompt; text, or messages.
    case prompt(isText: Bool)

    /// What is known of an object.
    struct Members: Sendable, Equatable {
        var all: [Member] = []
        /// Whether others may be there, and pass.
        var isOpen = false

        subscript(key: String) -> Member? { all.first { $0.key == key } }
    }

    /// One member of an object.
    struct Member: Sendable, Equatable {
        var key: String
        var shape: Shape
        var isRequired = true
    }

    /// In words, for people.
    var description: String { words { $0 } }

    /// In words, for messages about the configuration.
    /// - Parameter name: how the name of a member is shown.
    func words(_ name: (String) -> String) -> String {
        switch self {
        case .any: "any value"
        case .string: "a text"
        case .number: "a number"
        case .integer: "a whole number"
        case .boolean: "true or false"
        case .list(let element): element == .any ? "a list" : "a list (each \(element.words(name)))"
        case .object(let members):
            members.all.isEmpty
                ? "an object" : "an object of \(members.all.map { name($0.key) }.joined(separator: ", "))"
        case .modelInput: "a prompt"
        case .messages: "messages"
        case .message: "a model's message"
        case .answer: "a model's answer"
        case .prompt: "a prompt"
        }
    }

    /// The shape, or anything where it has so many parts that nobody could read its schema: shapes inside each other can double with
    /// every step.
    var bounded: Shape {
        var rest = 1000
        count(&rest)
        return rest < 0 ? .any : self
    }

    private func count(_ rest: inout Int) {
        rest -= 1
        guard rest >= 0 else { return }
        switch self {
        case .list(let element): element.count(&rest)
        case .object(let members):
            for member in members.all where rest >= 0 { member.shape.count(&rest) }
        default: break
        }
    }

    /// The members that a value of this shape is known to have; nil when it is no object or nothing is known.
    var members: Members? {
        if case .object(let members) = self { members } else { nil }
    }
}

/// Two runnables that get the same input.
enum ShapeMerging {
    /// What serves both; nil when nothing does.
    /// - Parameter isEither: only one of the two will run, so what just one needs is optional, and what serves one may come.
    static func merge(_ left: Shape, _ right: Shape, isEither: Bool) -> Shape? {
        switch (left, right) {
        case (.object(let first), .object(let second)): merge(first, second, isEither).map { .object($0) }
        case (.list(let first), .list(let second)): merge(first, second, isEither: isEither).map { .list($0) }
        default: left == right ? left : isEither ? .any : both(left, right) ?? both(right, left)
        }
    }

    /// What serves two that differ, in one of the two orders.
    private static func both(_ left: Shape, _ right: Shape) -> Shape? {
        switch (left, right) {
        case (.any, .object(var members)):
            members.isOpen = true  // the other one gets all there is
            return .object(members)
        case (.any, let other): return other
        // A model takes an object with `text` or `messages` as a prompt value; members it does not know do no harm.
        case (.modelInput, .object(var members)):
            if members["text"] != nil || members["messages"] != nil { return .object(members) }
            guard members.isOpen else { return nil }
            members.all.append(Shape.Member(key: "text", shape: .string))
            return .object(members)
        case (.answer, .message): return .message
        case (.answer, .string), (.answer, .modelInput), (.modelInput, .string): return .string
        case (.modelInput, .messages): return .messages
        default: return nil
        }
    }

    private static func merge(_ first: Shape.Members, _ second: Shape.Members, _ isEither: Bool) -> Shape.Members? {
        var merged = Shape.Members(all: [], isOpen: first.isOpen || second.isOpen)
        for member in first.all {
            guard let other = second[member.key] else {
                merged.all.append(
                    Shape.Member(key: member.key, shape: member.shape, isRequired: !isEither && member.isRequired)
                )
                continue
            }
            guard let shape = merge(member.shape, other.shape, isEither: isEither) else { return nil }
            let isRequired = isEither ? member.isRequired && other.isRequired : member.isRequired || other.isRequired
            merged.all.append(Shape.Member(key: member.key, shape: shape, isRequired: isRequired))
        }
        for member in second.all where first[member.key] == nil {
            merged.all.append(
                Shape.Member(key: member.key, shape: member.shape, isRequired: !isEither && member.isRequired)
            )
        }
        return merged
    }
}
