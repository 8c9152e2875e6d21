import Testing

@testable import Gateway

/// Builds a file that sets one key of the reference.
enum Document {
    /// The smallest file around `backends.NAME.url`, `listen[].key` and their like.
    static func setting(_ path: String, to value: YAMLText) -> String {
        let isMock = !path.hasPrefix("backends.NAME") || path.hasPrefix("backends.NAME.mock")
        let backend: YAMLText =
            isMock
            ? .map([("dialect", .text("mock"))])
            : .map([("dialect", .text("openai")), ("url", .text("https://127.0.0.1"))])
        var root = YAMLText.map([
            ("backends", .map([("NAME", backend)])),
            ("models", .map([("NAME", .map([("backend", .text("NAME"))]))])),
            ("routes", .map([("/", .map([("model", .text("NAME"))]))])),
        ])
        if path.hasPrefix("listen[]") { root = insert(["listen", "[]", "address"], .text("unix:/a"), into: root) }
        if path.hasPrefix("routes.PATH.pipeline") { root = insert(["routes"], pipeline(around: path), into: root) }
        let steps = path.replacing("[]", with: ".[]").split(separator: ".").map { $0 == "PATH" ? "/" : String($0) }
        return insert(steps[...], value, into: root).block()
    }

    /// A route with a pipeline instead of a model: a step of the kind that the path names, or with what it decorates.
    private static func pipeline(around path: String) -> YAMLText {
        let key = path.split(separator: ".").dropFirst(3).first.map(String.init)
        var step: [(key: String, value: YAMLText)] = []
        if let key, !StepSettings.kinds.contains(key) { step.append(("model", .text("NAME"))) }
        if path.contains(".rate_limit") { step.append(("rate_limit", .map([("per_second", .plain("1"))]))) }
        return .map([("/", .map([("pipeline", step.isEmpty ? .list([]) : .list([.map(step)]))]))])
    }

    private static func insert(_ steps: ArraySlice<String>, _ value: YAMLText, into text: YAMLText?) -> YAMLText {
        guard let step = steps.first else { return value }
        if step == "[]" {
            if case .list(let items)? = text { return .list([insert(steps.dropFirst(), value, into: items.first)]) }
            return .list([insert(steps.dropFirst(), value, into: nil)])
        }
        var entries: [(key: String, value: YAMLText)] = []
        if case .map(let existing)? = text { entries = existing }
        let index = entries.firstIndex { $0.key == step }
        let inserted = insert(steps.dropFirst(), value, into: index.map { entries[$0].value })
        if let index { entries[index].value = inserted } else { entries.append((step, inserted)) }
        return .map(entries)
    }
}

@Suite struct ConfigurationReferenceTests {
    private static let keys = ConfigurationReference.keys
    /// Maps whose keys the operator chooses.
    private static let open = ["backends.NAME.headers", "models.NAME.params"]
    private static var settable: [ConfigurationKey] { keys.filter { $0.type != "mapping" } }

    @Test func `describes every key once`() {
        #expect(Set(Self.keys.map(\.path)).count == Self.keys.count)
        #expect(Self.keys.allSatisfy { !$0.type.isEmpty && $0.summary.hasSuffix(".") })
        #expect(Self.settable.count > 60)
        for section in ["listen", "loops", "server", "log", "backends", "models", "routes"] {
            #expect(Self.keys.contains { $0.path == section })
        }
    }

    @Test(arguments: settable.filter { $0.defaultValue != nil && $0.path != "listen" }.map(\.path))
    func `states the default`(_ path: String) throws {
        let value = try #require(Self.keys.first { $0.path == path }?.defaultValue)
        let without = try configuration(
            Document.setting("backends", to: .map([("NAME", .map([("dialect", .text("mock"))]))]))
        )
        let with = try configuration(Document.setting(path, to: .plain(value)))
        // Setting a key to its default changes nothing but the backend or the step the document needs for it.
        if path.hasPrefix("routes.PATH.pipeline") {
            let section = String(path[..<(path.lastIndex(of: ".") ?? path.endIndex)])
            let value: YAMLText = section.hasSuffix("rate_limit") ? .map([("per_second", .plain("1"))]) : .map([])
            #expect(with == (try configuration(Document.setting(section, to: value))))
        } else if path.hasPrefix("backends.NAME"), !path.contains(".mock.") {
            #expect(with == (try configuration(Document.setting("backends.NAME.dialect", to: .text("openai")))))
        } else {
            #expect(with == without)
        }
    }

    @Test(arguments: settable.map(\.path))
    func `refuses another type`(_ path: String) {
        var wrong: YAMLText = path == "listen" ? .list([.list([])]) : .list([.list([.plain("1")])])
        if path.hasSuffix(".fallbacks") { wrong = .list([wrong]) }  // a list of lists of steps is right
        let found = mistakes(Document.setting(path, to: wrong))
        let named = path.replacing("PATH", with: "/").replacing("[]", with: "[0]")
        #expect(found.contains { $0.contains(": \(named)") && $0.contains("found a list") }, "\(found)")
    }

    @Test(arguments: settable.filter { key in !open.contains { key.path.hasPrefix($0) } }.map(\.path))
    func `knows no other key`(_ path: String) {
        guard path.contains(".") else { return }
        let found = mistakes(Document.setting(path + "_x", to: .plain("1")))
        #expect(found.contains { $0.contains("_x: no such key") }, "\(found)")
    }

    @Test func `renders markdown`() {
        let text = ConfigurationReference.markdown
        #expect(text.contains("| `server.max_body` | size, 1KiB to 1GiB | `32MiB` | Larger request bodies get 413. |"))
        #expect(text.contains("| `backends.NAME.dialect` | openai, mock | *required* |"))
        #expect(text.contains("| `routes.PATH.model` | name of a model | a `pipeline` instead | The model it runs;"))
        #expect(text.contains("| `models.NAME.timeouts.head` | duration, 1ms to 24h | the backend's |"))
        for key in Self.settable { #expect(text.contains("| `\(key.path)` |"), "\(key.path)") }
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") }
        #expect(rows.count == Self.settable.count)
    }
}
