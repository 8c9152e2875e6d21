import Testing

@testable import Gateway

@Suite struct ConfigurationDifferenceTests {
    private func difference(_ old: String, _ new: String) throws -> [String] {
        try ConfigurationDifference(from: configuration(old), to: configuration(new)).changes.map(\.description)
    }

    private static let base = """
        listen: 127.0.0.1:0
        backends: {up: {dialect: openai, url: "https://host/v1", api_key: "canary-one-5512", headers: {X-Key: canary-two-5512}}}
        models: {m: {backend: up, params: {stop: [a, b]}}}
        routes: {/: {model: m}, /b: {model: m, output: text}}
        """

    @Test func `the same is no change`() throws {
        let loaded = try configuration(Self.base)
        let difference = ConfigurationDifference(from: loaded, to: loaded)
        #expect(difference.isEmpty)
        #expect("\(difference)" == "no change")
    }

    @Test(arguments: [
        ("output: text", "output: message", ["routes./b.output: text -> message"]),
        ("[a, b]", "[a, c]", ["models.m.params.stop: [\"a\",\"b\"] -> [\"a\",\"c\"]"]),
        ("{/: {model: m}, ", "{", ["routes./: {"]),
        (
            "listen: 127.0.0.1:0", "listen: [127.0.0.1:0, \"unix:/s\"]",
            ["listen: 127.0.0.1:0 -> [127.0.0.1:0, unix:/s]"]
        ),
        (
            "listen: 127.0.0.1:0", "log: {level: debug}",
            ["listen: 127.0.0.1:0 -> 127.0.0.1:8080", "log.level: info -> debug"]
        ),
        ("output: text", "pipeline: [{model: m}]", ["routes./b.model: m -> (absent)"]),
    ])
    func `keys are told with both values`(old: String, new: String, expected: [String]) throws {
        let text = Self.base.replacing(old, with: new).replacing("/b: {model: m, pipeline", with: "/b: {pipeline")
        let changes = try difference(Self.base, text)
        for line in expected { #expect(changes.contains { $0.hasPrefix(line) }, "\(line) is not in \(changes)") }
    }

    @Test func `a value from a default counts as a value`() throws {
        #expect(
            try difference(Self.base, Self.base + "\nserver: {max_connections: 5}") == [
                "server.max_connections: 10000 -> 5"
            ]
        )
    }

    @Test func `what came is one change with all it is`() throws {
        let new = Self.base.replacing("routes: {", with: "routes: {/new: {model: m, output: text}, ")
        let changes = try difference(Self.base, new)
        #expect(changes.count == 1)
        #expect(changes.first?.hasPrefix("routes./new: (absent) -> {model: m, output: text, ") == true)
    }

    @Test(arguments: ["canary-one-5512", "canary-two-5512"])
    func `another secret is a change, and neither is shown`(secret: String) throws {
        let changes = try difference(Self.base, Self.base.replacing(secret, with: "canary-three-5512"))
        #expect(changes == ["backends.up: <redacted> -> <redacted> (another key or header)"])
    }

    @Test func `an old secret is not shown where it is none any more`() throws {
        let new = Self.base.replacing("https://host/v1", with: "https://host/canary-one-5512")
            .replacing("api_key: \"canary-one-5512\"", with: "api_key: other-6612")
        let changes = try difference(Self.base, new)
        #expect(changes.contains("backends.up.url: https://host/v1 -> \"https://host/<redacted>\""))
        #expect(!"\(changes)".contains("canary"))
    }
}
