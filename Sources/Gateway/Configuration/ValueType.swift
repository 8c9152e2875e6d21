/// How a scalar of the file becomes a value and back: one per kind of setting.
struct ValueType<Value>: Sendable {
    /// For the reference, such as `duration, 1ms to 24h`.
    let name: String
    let parse: @Sendable (SettingScalar, LoadContext) -> Result<Value, Mismatch>
    let format: @Sendable (Value) -> YAMLText

    init(
        _ name: String,
        parse: @escaping @Sendable (SettingScalar, LoadContext) -> Result<Value, Mismatch>,
        format: @escaping @Sendable (Value) -> YAMLText
    ) {
        self.name = name
        self.parse = parse
        self.format = format
    }

    /// Reads a node, reporting what does not fit.
    func read(_ node: SettingNode, at path: SettingPath, in context: LoadContext) -> Value? {
        guard case .scalar(let scalar) = node.content else {
            context.report(path, node, mismatchOfShape)
            return nil
        }
        switch parse(scalar, context) {
        case .success(let value): return value
        case .failure(let mismatch):
            context.report(path, node, mismatch)
            return nil
        }
    }

    /// What the type expects, learned from its own complaint about null.
    private var mismatchOfShape: Mismatch {
        let null = SettingScalar(text: "", source: "", isPlain: true)
        let context = LoadContext(file: "", directory: "", environment: [:])
        if case .failure(let mismatch) = parse(null, context) {
            return Mismatch(expected: mismatch.expected)
        }
        return Mismatch(expected: name)
    }
}

extension ValueType where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> ValueType {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return ValueType("number, \(range.lowerBound) to \(range.upperBound)") { scalar, _ in
            guard let value = wholeNumber(scalar.text), range.contains(value) else {
                return .failure(Mismatch(expected: expected))
            }
            guard scalar.isTypable else { return .failure(Mismatch(expected: expected, hint: "drop the quotes")) }
            return .success(value)
        } format: {
            .plain("\($0)")
        }
    }

    static func size(_ range: ClosedRange<Int>) -> ValueType {
        let bounds = "\(ByteSize.format(range.lowerBound)) to \(ByteSize.format(range.upperBound))"
        return ValueType("size, \(bounds)") { scalar, _ in
            guard let value = ByteSize.parse(scalar.text) else {
                let isUnitMisspelt = scalar.text.first?.isNumber == true && !scalar.hasVariables
                return .failure(
                    Mismatch(
                        expected: "a size such as 8KiB, 32MiB, 1MB or a number of bytes",
                        hint: isUnitMisspelt ? "the units are B, KB, MB, GB, KiB, MiB and GiB" : nil
                    )
                )
            }
            guard range.contains(value) else { return .failure(Mismatch(expected: "a size from \(bounds)")) }
            return .success(value)
        } format: {
            .plain(ByteSize.format($0))
        }
    }
}

/// Digits only: no sign, no leading zero (which YAML 1.1 reads as octal), no underscores.
func wholeNumber(_ text: String) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text == "0" || text.first != "0" else {
        return nil
    }
    return Int(text)
}

extension ValueType where Value == Duration {
    static func duration(_ range: ClosedRange<Duration>) -> ValueType {
        let bounds = "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
        return ValueType("duration, \(bounds)") { scalar, _ in
            guard let value = DurationText.parse(scalar.text) else {
                let isBare = !scalar.hasVariables && wholeNumber(scalar.text) != nil
                return .failure(
                    Mismatch(
                        expected: "a duration such as 500ms, 10s, 2m or 1h",
                        hint: isBare ? "add the unit: \(scalar.text)s or \(scalar.text)ms" : nil
                    )
                )
            }
            guard range.contains(value) else { return .failure(Mismatch(expected: "a duration from \(bounds)")) }
            return .success(value)
        } format: {
            .plain(DurationText.format($0))
        }
    }
}

extension ValueType where Value == Bool {
    static var boolean: ValueType {
        ValueType("true or false") { scalar, _ in
            switch scalar.isTypable ? scalar.text : "" {
            case "true", "True", "TRUE": return .success(true)
            case "false", "False", "FALSE": return .success(false)
            default: return .failure(Mismatch(expected: "true or false"))
            }
        } format: {
            .plain($0 ? "true" : "false")
        }
    }
}

extension ValueType where Value: RawRepresentable & CaseIterable & Sendable, Value.RawValue == String {
    static var choice: ValueType {
        let names = Value.allCases.map(\.rawValue)
        return ValueType(names.joined(separator: ", ")) { scalar, _ in
            if let value = Value(rawValue: scalar.text) { return .success(value) }
            let closest = scalar.hasVariables ? nil : Suggestion.closest(to: scalar.text, among: names)
            let hint = closest.map { "did you mean \"\($0)\"?" }
            return .failure(Mismatch(expected: "one of \(names.joined(separator: ", "))", hint: hint))
        } format: {
            .text($0.rawValue)
        }
    }
}

extension ValueType where Value == LoopCount {
    static var loops: ValueType {
        ValueType("auto, or 1 to 64") { scalar, _ in
            if scalar.text == "auto" { return .success(.auto) }
            guard scalar.isTypable, let count = wholeNumber(scalar.text), (1...64).contains(count) else {
                return .failure(Mismatch(expected: "auto or a whole number from 1 to 64"))
            }
            return .success(.fixed(count))
        } format: {
            switch $0 {
            case .auto: .plain("auto")
            case .fixed(let count): .plain("\(count)")
            }
        }
    }
}
