extension Field<ModelSettings> {
    /// Fields the gateway writes itself.
    static var reserved: [String: String] {
        [
            "messages": "the messages come from the caller",
            "model": "set it beside params, as model",
            "stream": "the endpoint decides whether to stream",
            "stream_options": "set it on the backend, as stream_options",
        ]
    }

    static var params: Field {
        Field(
            name: "params",
            type: "names with any values",
            summary: "Sent upstream as they are, such as `temperature`; numbers keep their digits."
        ) { root, node, place, context in
            guard let entries = node.entries(at: place, in: context) else { return }
            for entry in entries {
                let place = place.child(entry.key)
                context.note(place, line: entry.line, node: entry.value)
                if let reason = reserved[entry.key] {
                    context.report(place, "cannot be set here: \(reason)")
                    continue
                }
                var writer = ParameterWriter(context: context, isSecret: looksSecret(entry.key))
                writer.append(entry.value, at: place)
                root.params.append(ModelParameter(name: entry.key, json: writer.json, isSecret: writer.isSecret))
            }
        } write: { root in
            guard !root.params.isEmpty else { return nil }
            return .map(
                root.params.map {
                    (key: $0.name, value: $0.isSecret ? .text(Secret.redacted) : .plain(escape($0.json)))
                }
            )
        }
    }

    /// JSON is YAML, but a dollar sign would be expanded by the next load.
    private static func escape(_ json: String) -> String {
        json.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$")
    }
}

/// Writes a YAML value as compact JSON.
private struct ParameterWriter {
    let context: LoadContext
    var json = ""
    var isSecret: Bool

    mutating func append(_ node: SettingNode, at path: SettingPath) {
        switch node.content {
        case .invalid: json += "null"
        case .scalar(let scalar): append(scalar, node, at: path)
        case .list(let items):
            json += "["
            for (index, item) in items.enumerated() {
                if index > 0 { json += "," }
                append(item, at: path.item(index))
            }
            json += "]"
        case .map(let entries):
            json += "{"
            for (index, entry) in entries.enumerated() {
                if index > 0 { json += "," }
                appendString(entry.key)
                json += ":"
                isSecret = isSecret || looksSecret(entry.key)
                context.note(path.child(entry.key), line: entry.line, node: entry.value)
                append(entry.value, at: path.child(entry.key))
            }
            json += "}"
        }
    }

    private mutating func append(_ scalar: SettingScalar, _ node: SettingNode, at path: SettingPath) {
        isSecret = isSecret || scalar.hasVariables
        guard scalar.isPlain else {
            appendString(scalar.text)
            return
        }
        switch CoreSchema.kind(scalar.text) {
        case .null:
            json += "null"
        case .boolean:
            json += scalar.text.lowercased()
        case .number where Self.isJSONNumber(scalar.text):
            json += scalar.text
        case .number:
            let expected = "a number as JSON writes it, such as 0.5 or 1e3"
            context.report(path, node, Mismatch(expected: expected, hint: "quote it if it is a text"))
        case .string where ["yes", "no", "on", "off"].contains(scalar.text.lowercased()):
            // YAML 1.1 reads these as booleans, 1.2 as texts: the writer has to say.
            context.report(path, node, Mismatch(expected: "true, false or a quoted text"))
        case .string:
            appendString(scalar.text)
        }
    }

    private mutating func appendString(_ text: String) {
        json += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json += "\\\""
            case "\\": json += "\\\\"
            case "\n": json += "\\n"
            case "\r": json += "\\r"
            case "\t": json += "\\t"
            case _ where scalar.value < 0x20 || [0x7f, 0x85, 0x2028, 0x2029].contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: json.unicodeScalars.append(scalar)
            }
        }
        json += "\""
    }

    /// RFC 8259, section 6: no plus sign, no leading zeros, digits on both sides of the point.
    private static func isJSONNumber(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func digits(_ rest: inout Substring.UTF8View) -> Int {
            let count = rest.prefix { (0x30...0x39).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let leadsWithZero = rest.first == UInt8(ascii: "0")
        let whole = digits(&rest)
        guard whole > 0, !leadsWithZero || whole == 1 else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard digits(&rest) > 0 else { return false }
        }
        if let e = rest.first, e == UInt8(ascii: "e") || e == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard digits(&rest) > 0 else { return false }
        }
        return rest.isEmpty
    }
}
