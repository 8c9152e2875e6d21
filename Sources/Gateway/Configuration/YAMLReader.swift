import Yams

/// Turns YAML text into ``SettingNode``s: lines kept, variables expanded, aliases and merge keys resolved.
///
/// Every mistake is reported to the context. Only broken syntax stops at the first one, since nothing after it can be
/// trusted.
struct YAMLReader {
    let context: LoadContext
    /// Spelling of a renamed duplicate key, and the key it was.
    private var renamed: [String: String] = [:]
    /// Bounds what aliases of aliases can blow up to.
    private var remainingNodes = 100_000

    init(context: LoadContext) { self.context = context }

    /// The document's root; nil when it cannot be read at all, which has then been reported.
    mutating func read(_ text: String) -> SettingNode? {
        // Some editors write a byte order mark; told that the text is UTF-8, the parser takes it for content.
        var text = text.unicodeScalars.first == "\u{feff}" ? String(text.unicodeScalars.dropFirst()) : text
        while true {
            do {
                // The basic resolver leaves typing to us; the default one compiles regular expressions at every start.
                let parser = try Parser(yaml: text, resolver: .basic, constructor: .default, encoding: .utf8)
                guard let root = try parser.nextRoot() else {
                    return SettingNode(content: .map([]), line: 1)
                }
                if let second = try parser.nextRoot() {
                    context.report(.root, line: second.mark?.line, "expected one document, found a second one")
                }
                return convert(root, at: .root, line: root.mark?.line ?? 1, depth: 0)
            } catch YamlError.duplicatedKeysInMapping(let keys, let place) {
                guard let key = keys.first, let next = rename(key, at: place.mark, in: text) else {
                    context.report(.root, line: place.mark.line, "the key \(quoted(keys.first ?? "")) is set twice")
                    return nil
                }
                text = next
            } catch {
                report(error, in: text)
                return nil
            }
        }
    }

    /// Gives the first of two equal keys another name, so that the parser reads on and ``convert`` can report both lines.
    private mutating func rename(_ key: String, at mark: Mark, in text: String) -> String? {
        let scalars = text.unicodeScalars
        guard renamed.count < 100, let start = Self.index(of: mark, in: scalars) else { return nil }
        let rest = text[start...]
        for spelling in ["\"\(key)\"", "'\(key)'", key] where rest.hasPrefix(spelling) && !key.isEmpty {
            let name = "duplicate \(renamed.count) of \(key.filter { $0 != "\"" && $0 != "\\" })"
            renamed[name] = renamed[key] ?? key
            return text[..<start] + "\"\(name)\"" + rest.dropFirst(spelling.count)
        }
        return nil
    }

    /// Where a mark points, counting lines and columns as the parser does.
    private static func index(of mark: Mark, in scalars: String.UnicodeScalarView) -> String.Index? {
        var index = scalars.startIndex
        var line = 1
        while line < mark.line, index < scalars.endIndex {
            let scalar = scalars[index]
            index = scalars.index(after: index)
            if scalar == "\r", index < scalars.endIndex, scalars[index] == "\n" { index = scalars.index(after: index) }
            if ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains(scalar) { line += 1 }
        }
        return scalars.index(index, offsetBy: mark.column - 1, limitedBy: scalars.endIndex)
    }

    // MARK: Conversion

    private mutating func convert(_ node: Node, at path: SettingPath, line: Int, depth: Int) -> SettingNode {
        remainingNodes -= 1
        guard remainingNodes > 0, depth < 64 else {
            if remainingNodes == 0 || depth == 64 {
                context.report(
                    path,
                    line: line,
                    depth == 64 ? "is nested too deeply" : "the file holds too many values"
                )
            }
            return SettingNode(content: .invalid, line: line)
        }
        switch node {
        case .scalar(let scalar):
            return SettingNode(content: convert(scalar, at: path, line: line), line: line)
        case .sequence(let sequence):
            refuse(sequence.tag, at: path, line: line)
            let items = sequence.enumerated().map { index, item in
                convert(item, at: path.item(index), line: item.mark?.line ?? line, depth: depth + 1)
            }
            return SettingNode(content: .list(items), line: line)
        case .mapping(let mapping):
            refuse(mapping.tag, at: path, line: line)
            return SettingNode(content: .map(entries(mapping, at: path, depth: depth)), line: line)
        case .alias:
            // The parser resolves aliases; this case exists for emitting.
            return SettingNode(content: .invalid, line: line)
        }
    }

    private func convert(_ scalar: Node.Scalar, at path: SettingPath, line: Int) -> SettingNode.Content {
        let isPlain = scalar.style == .plain
        if isPlain { refuse(scalar.tag, at: path, line: line) }
        var expansion = VariableExpansion(environment: context.environment)
        let text = expansion.expand(scalar.string)
        for problem in expansion.problems { context.report(path, line: line, problem) }
        guard expansion.problems.isEmpty else { return .invalid }
        return .scalar(
            SettingScalar(
                text: text,
                source: scalar.string,
                isPlain: isPlain,
                hasVariables: expansion.hasVariables
            )
        )
    }

    private func refuse(_ tag: Tag, at path: SettingPath, line: Int) {
        let name = tag.description
        guard !["", "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"].contains(name)
        else {
            return
        }
        context.report(path, line: line, "expected a plain value, found the tag \(quoted(name))")
    }

    private mutating func entries(_ mapping: Node.Mapping, at path: SettingPath, depth: Int) -> [SettingEntry] {
        var entries: [SettingEntry] = []
        var merged: [SettingEntry] = []
        var lines: [String: Int] = [:]
        for (keyNode, valueNode) in mapping {
            let line = keyNode.mark?.line ?? mapping.mark?.line ?? 1
            guard let key = name(keyNode, at: path, line: line) else { continue }
            if key == "<<", keyNode.scalar?.style == .plain {
                merged += merge(valueNode, at: path, line: line, depth: depth)
                continue
            }
            if let first = lines[key] {
                context.report(path.child(key), line: line, "is set twice, first on line \(first)")
            } else {
                lines[key] = line
            }
            let value = convert(valueNode, at: path.child(key), line: line, depth: depth + 1)
            entries.append(SettingEntry(key: key, line: line, value: value))
        }
        for entry in merged where lines.updateValue(entry.line, forKey: entry.key) == nil { entries.append(entry) }
        return entries
    }

    /// The entries that `<<: *anchor` or `<<: [*one, *two]` brings; earlier ones win.
    private mutating func merge(_ node: Node, at path: SettingPath, line: Int, depth: Int) -> [SettingEntry] {
        let sources: [Node] = node.sequence.map(Array.init) ?? [node]
        var result: [SettingEntry] = []
        for source in sources {
            guard let mapping = source.mapping, depth < 64 else {
                context.report(path.child("<<"), line: line, "expected a mapping to merge, such as *anchor")
                continue
            }
            for entry in entries(mapping, at: path, depth: depth + 1)
            where !result.contains(where: { $0.key == entry.key }) { result.append(entry) }
        }
        return result
    }

    /// The key's text. Only texts are keys: `1:` and `true:` are read differently by different YAML libraries.
    private func name(_ node: Node, at path: SettingPath, line: Int) -> String? {
        guard let scalar = node.scalar else {
            context.report(
                path,
                line: line,
                "expected a name as key, found a \(node.mapping == nil ? "list" : "mapping")"
            )
            return nil
        }
        if let key = renamed[scalar.string] { return key }
        guard scalar.style != .plain || CoreSchema.kind(scalar.string) == .string else {
            let found = scalar.string.isEmpty ? "nothing" : scalar.string
            context.report(path, line: line, "expected a name as key, found \(found); quote it if it is a name")
            return nil
        }
        return scalar.string
    }

    // MARK: Syntax errors

    private func report(_ error: any Error, in text: String) {
        guard let error = error as? YamlError else {
            context.report(.root, "cannot be read as YAML")
            return
        }
        switch error {
        case .scanner(let place, let problem, let mark, _), .parser(let place, let problem, let mark, _),
            .composer(let place, let problem, let mark, _):
            let about = place.map {
                $0.mark.line == mark.line ? " \($0.text)" : " \($0.text) that begins on line \($0.mark.line)"
            }
            let lines = [place?.mark.line, mark.line].compactMap { $0 }
            let hint = lines.compactMap { self.hint(line: $0, in: text) }.first
            context.report(.root, line: mark.line, "YAML: \(problem)\(about ?? "")\(hint.map { "; \($0)" } ?? "")")
        case .reader(let problem, let offset, _, _):
            let before = offset.map { text.prefix($0) } ?? ""
            context.report(.root, line: before.count { $0.isNewline } + 1, "YAML: \(problem)")
        default:
            context.report(.root, "cannot be read as YAML")
        }
    }

    /// What usually causes a syntax error on such a line.
    private func hint(line: Int, in text: String) -> String? {
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        guard lines.indices.contains(line - 1) else { return nil }
        let content = lines[line - 1]
        let value = content.drop { $0 != ":" }.dropFirst().drop { $0 == " " }
        if content.prefix(while: { $0 == " " || $0 == "\t" }).contains("\t") { return "indent with spaces, not tabs" }
        if value.hasPrefix("[") && value.contains("]:") { return "quote an address that begins with [" }
        if content.contains("{") && content.contains("${") { return "inside { } quote variables: \"${NAME}\"" }
        return nil
    }
}
