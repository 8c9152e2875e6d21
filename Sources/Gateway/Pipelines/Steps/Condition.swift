import Runnable

/// A branch's test of its input. What is not there, or of another type than a test is about, does not pass it.
struct Condition: Sendable {
    private let path: [String]
    private let tests: [ConditionSettings.Test]

    init(_ settings: ConditionSettings) {
        path = settings.field?.split(separator: ".").map(String.init) ?? []
        tests = settings.tests
    }

    /// Whether all tests pass.
    func holds(for input: RunValue) -> Bool {
        var value: RunValue? = input
        for key in path { value = value?[key] }
        return tests.allSatisfy { passes($0, value) }
    }

    private func passes(_ test: ConditionSettings.Test, _ value: RunValue?) -> Bool {
        let json = value?.json
        // A message is as good as its text.
        let text = json?.string ?? value?.parsedText
        switch test {
        case .equals(let scalar): return Self.equals(value, scalar)
        case .oneOf(let scalars): return scalars.contains { Self.equals(value, $0) }
        case .exists(let isWanted): return (value.map { !$0.isNull } ?? false) == isWanted
        case .contains(let part):
            if let text { return part.isEmpty || text.contains(part) }
            return json?.array?.contains(.string(part)) ?? false
        case .startsWith(let start): return text?.hasPrefix(start) ?? false
        case .above(let bound): return (json?.double).map { $0 > bound } ?? false
        case .below(let bound): return (json?.double).map { $0 < bound } ?? false
        case .longer(let count): return Self.length(value, text).map { $0 > count } ?? false
        case .kind(let kind): return Self.kind(json) == kind
        }
    }

    private static func equals(_ value: RunValue?, _ scalar: ScalarSetting) -> Bool {
        switch (value?.json, scalar) {
        case (.null?, .null): true
        case (.bool(let value)?, .boolean(let wanted)): value == wanted
        case (.string(let value)?, .string(let wanted)): value == wanted
        case (.number(let value)?, .number(let wanted)): value == wanted || Double(value) == Double(wanted)
        default: (value?.parsedText).map { .string($0) == scalar } ?? false
        }
    }

    private static func length(_ value: RunValue?, _ text: String?) -> Int? {
        if let text { return text.count }
        return value?.elements?.count ?? value?.members?.all.count
    }

    private static func kind(_ value: Value?) -> ConditionSettings.ValueKind? {
        switch value {
        case .null?: .null
        case .bool?: .boolean
        case .number?: .number
        case .string?: .string
        case .array?: .list
        case .object?: .object
        case nil: nil
        }
    }
}
