/// `${VAR}` and `${VAR:-default}` inside a text; `$$` is one `$`, and any other `$` stands for itself.
///
/// The default is used when the variable is unset or empty, as in a shell, and may contain further variables.
struct VariableExpansion {
    let environment: [String: String]
    /// What is wrong, in words that name variables but no values.
    private(set) var problems: [String] = []
    private(set) var hasVariables = false

    init(environment: [String: String]) { self.environment = environment }

    mutating func expand(_ source: String) -> String {
        guard source.utf8.contains(UInt8(ascii: "$")) else { return source }
        return expand(Substring(source), depth: 0)
    }

    private mutating func expand(_ source: Substring, depth: Int) -> String {
        var result = ""
        var rest = source
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...].dropFirst()
            if rest.first == "$" {
                result += "$"
                rest.removeFirst()
            } else if rest.first == "{" {
                hasVariables = true
                guard let close = Self.closingBrace(rest) else {
                    problems.append("\"${\" has no closing \"}\"; write $$ for a dollar sign")
                    return result
                }
                result += value(of: rest[..<close].dropFirst(), depth: depth)
                rest = rest[close...].dropFirst()
            } else {
                result += "$"
            }
        }
        return result + rest
    }

    /// The value of what stands between the braces.
    private mutating func value(of reference: Substring, depth: Int) -> String {
        let name = reference.prefix { $0 == "_" || ($0.isASCII && ($0.isLetter || $0.isNumber)) }
        let rest = reference.dropFirst(name.count)
        guard let first = name.first, !first.isNumber, rest.isEmpty || rest.hasPrefix(":-") else {
            problems.append("expected ${NAME} or ${NAME:-default}, found \(quoted("${" + reference + "}"))")
            return ""
        }
        let value = environment[String(name)]
        if rest.isEmpty {
            if value == nil { problems.append("the environment variable \(name) is not set") }
            return value ?? ""
        }
        if let value, !value.isEmpty { return value }
        guard depth < 8 else {
            problems.append("variables are nested too deeply")
            return ""
        }
        return expand(rest.dropFirst(2), depth: depth + 1)
    }

    /// The brace that closes the one `text` begins with.
    private static func closingBrace(_ text: Substring) -> Substring.Index? {
        var depth = 0
        var previous: Character?
        for index in text.indices {
            switch text[index] {
            case "{" where depth == 0 || previous == "$": depth += 1
            case "}":
                depth -= 1
                if depth == 0 { return index }
            default: break
            }
            previous = text[index]
        }
        return nil
    }
}
