import Runnable

extension Field {
    /// A key with a reader and a writer of its own.
    static func custom(
        _ name: String,
        _ type: String,
        _ summary: String,
        read: @escaping Read,
        write: @escaping Write
    ) -> Field {
        Field(name: name, type: type, summary: summary, read: read, write: write)
    }

    /// A mapping that may be absent; `name: {}` or nothing behind the colon means all its defaults.
    static func settings<Section: Sendable>(
        _ name: String,
        _ path: any WritableKeyPath<Root, Section?> & Sendable,
        _ fields: [Field<Section>],
        _ defaults: Section,
        _ summary: String
    ) -> Field {
        Field(name: name, summary: summary, children: ConfigurationKey.keys(of: fields, defaults: defaults)) {
            root,
            node,
            place,
            context in
            var section = defaults
            fields.read(into: &section, from: node, at: place, in: context)
            root[keyPath: path] = section
        } write: {
            $0[keyPath: path].map { fields.write($0) }
        }
    }
}

extension ValueType where Value == Double {
    /// Any number that JSON can say.
    static var anyNumber: ValueType {
        ValueType("number") { scalar, _ in
            guard scalar.isTypable, CoreSchema.kind(scalar.text) == .number, let value = Double(scalar.text),
                value.isFinite
            else { return .failure(Mismatch(expected: "a number")) }
            return .success(value)
        } format: {
            .plain("\($0)")
        }
    }

    static func number(_ range: ClosedRange<Double>) -> ValueType {
        let expected = "a number from \(range.lowerBound) to \(range.upperBound)"
        return ValueType("number, \(range.lowerBound) to \(range.upperBound)") { scalar, _ in
            guard scalar.isTypable, CoreSchema.kind(scalar.text) == .number, let value = Double(scalar.text),
                range.contains(value)
            else { return .failure(Mismatch(expected: expected)) }
            return .success(value)
        } format: {
            .plain("\($0)")
        }
    }
}

extension ScalarSetting {
    init(_ scalar: SettingScalar) {
        guard scalar.isTypable else {
            self = .string(scalar.text)
            return
        }
        switch CoreSchema.kind(scalar.text) {
        case .null: self = scalar.isNull ? .null : .string(scalar.text)
        case .boolean: self = .boolean(scalar.text.lowercased() == "true")
        case .number where (try? Value(parsing: scalar.text)) != nil: self = .number(scalar.text)
        case .number, .string: self = .string(scalar.text)
        }
    }

    static func read(_ node: SettingNode, at place: SettingPath, in context: LoadContext) -> ScalarSetting? {
        guard case .scalar(let scalar) = node.content else {
            context.report(place, node, Mismatch(expected: "a text, a number, true, false or null"))
            return nil
        }
        return ScalarSetting(scalar)
    }

    var text: YAMLText {
        switch self {
        case .string(let text): .text(text)
        case .number(let text): .plain(text)
        case .boolean(let value): .plain(value ? "true" : "false")
        case .null: .plain("null")
        }
    }
}
