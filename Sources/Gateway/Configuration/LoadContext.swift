/// The path of a key, such as `backends.local.url` or `listen[1].key`.
struct SettingPath: Hashable {
    static let root = SettingPath(text: "")

    let text: String

    /// Names come from the file, so one that would break a line of the log is quoted.
    func child(_ name: String) -> SettingPath {
        let shown = name.unicodeScalars.allSatisfy(isPrintable) ? name : quoted(name)
        return SettingPath(text: text.isEmpty ? shown : "\(text).\(shown)")
    }

    func item(_ index: Int) -> SettingPath { SettingPath(text: "\(text)[\(index)]") }
}

/// What one load needs and collects: where things stand in the file, and every mistake. Confined to that load.
final class LoadContext {
    /// Where a key stands, and how its value was written.
    struct Place {
        var line: Int
        var node: SettingNode
    }

    let file: String
    /// Relative paths in the file start here.
    let directory: String
    let environment: [String: String]
    private var errors: [ConfigurationError] = []
    private(set) var warnings: [ConfigurationWarning] = []
    private var places: [SettingPath: Place] = [:]
    /// Names that came from variables, wherever they turn up again.
    private var hiddenNames: Set<String> = []

    init(file: String, directory: String, environment: [String: String]) {
        self.file = file
        self.directory = directory
        self.environment = environment
    }

    func note(_ path: SettingPath, line: Int, node: SettingNode) { places[path] = Place(line: line, node: node) }

    func place(_ path: SettingPath) -> Place? { places[path] }

    /// Whether the file sets this key.
    func isSet(_ path: SettingPath) -> Bool { places[path] != nil }

    /// Whether a mistake of this very key is known already, so that what follows from it need not be told.
    func hasReported(_ path: SettingPath) -> Bool {
        errors.contains { $0.key == path.text } || places[path]?.node.isInvalid == true
    }

    /// The value of this key for an error: quoted, but not when it came from a variable.
    func found(_ path: SettingPath) -> String { places[path]?.node.found ?? "nothing" }

    /// Keeps names out of all messages.
    func hide(_ names: some Sequence<String>) { hiddenNames.formUnion(names) }

    /// A name for a message: as it is, unless it came from a variable.
    func shown(_ name: String) -> String { hiddenNames.contains(name) ? "(not shown)" : name }

    /// A name for a message in quotes, unless it came from a variable.
    func quotedName(_ name: String) -> String { hiddenNames.contains(name) ? "(not shown)" : quoted(name) }

    /// What may have been meant by a name, as far as that can be shown.
    func hint(for name: String, among names: [String]) -> String {
        guard !hiddenNames.contains(name) else { return "" }
        return Suggestion.hint(for: name, among: names.filter { !hiddenNames.contains($0) })
    }

    /// The line of the key, else of what it stands in.
    func line(_ path: SettingPath) -> Int? {
        if let place = places[path] { return place.line }
        guard let end = path.text.lastIndex(where: { $0 == "." || $0 == "[" }) else { return nil }
        return line(SettingPath(text: String(path.text[..<end])))
    }

    func report(_ path: SettingPath, line: Int? = nil, _ message: String) {
        let line = line ?? self.line(path)
        errors.append(ConfigurationError(file: file, line: line, key: path.text, message: message))
    }

    func report(_ path: SettingPath, _ node: SettingNode, _ mismatch: Mismatch) {
        if case .invalid = node.content { return }
        let found = mismatch.hidesValue ? "another value (not shown)" : node.found
        let hint = mismatch.hint.map { "; \($0)" } ?? ""
        report(path, "expected \(mismatch.expected), found \(found)\(hint)")
    }

    func warn(_ path: SettingPath, _ message: String) {
        warnings.append(ConfigurationWarning(file: file, line: line(path), key: path.text, message: message))
    }

    /// Every mistake in the order of the file; nil when there is none.
    var failure: ConfigurationErrors? {
        guard !errors.isEmpty else { return nil }
        let ordered = errors.enumerated().sorted {
            ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset)
        }
        return ConfigurationErrors(errors: ordered.map(\.element))
    }
}

/// Why a value does not fit its key.
struct Mismatch: Error {
    var expected: String
    var hint: String?
    /// Set for what may hold a secret.
    var hidesValue = false
}

extension LoadContext {
    /// Whether the file itself holds this value, so that whoever reads the file knows it.
    func isLiteral(_ path: SettingPath) -> Bool {
        guard case .scalar(let scalar)? = place(path)?.node.content else { return false }
        return !scalar.hasVariables && !scalar.isNull
    }
}
