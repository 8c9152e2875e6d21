import Testing

@testable import Gateway

@Suite struct VariableExpansionTests {
    private static let environment = ["A": "one", "B_2": "two", "EMPTY": "", "BRACES": "${A}"]

    @Test(arguments: [
        ("plain", "plain"),
        ("${A}", "one"),
        ("<${A}-${B_2}>", "<one-two>"),
        ("${EMPTY}", ""),
        ("${NONE:-fallback}", "fallback"),
        ("${EMPTY:-fallback}", "fallback"),
        ("${A:-fallback}", "one"),
        ("${NONE:-}", ""),
        ("${NONE:-${A}/${B_2}}", "one/two"),
        ("${NONE:-${NEITHER:-x}}y", "xy"),
        ("${NONE:-a:-b}", "a:-b"),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$$$${A}", "$${A}"),
        ("$$${A}", "$one"),
        ("pa$word $5 $", "pa$word $5 $"),
        ("${BRACES}", "${A}"),
    ])
    func expands(_ source: String, to expected: String) {
        var expansion = VariableExpansion(environment: Self.environment)
        #expect(expansion.expand(source) == expected)
        #expect(expansion.problems.isEmpty)
    }

    @Test(arguments: [
        ("${NONE}", "the environment variable NONE is not set"),
        ("${A", "\"${\" has no closing \"}\"; write $$ for a dollar sign"),
        ("${}", "expected ${NAME} or ${NAME:-default}, found \"${}\""),
        ("${1A}", "expected ${NAME} or ${NAME:-default}, found \"${1A}\""),
        ("${A-x}", "expected ${NAME} or ${NAME:-default}, found \"${A-x}\""),
        ("${A:?x}", "expected ${NAME} or ${NAME:-default}, found \"${A:?x}\""),
        ("${A B}", "expected ${NAME} or ${NAME:-default}, found \"${A B}\""),
        ("${É}", "expected ${NAME} or ${NAME:-default}, found \"${É}\""),
    ])
    func complains(_ source: String, _ expected: String) {
        var expansion = VariableExpansion(environment: Self.environment)
        _ = expansion.expand(source)
        #expect(expansion.problems == [expected])
    }

    @Test func `names every variable that is missing`() {
        #expect(
            mistakes(minimal + "listen: ${HOST}:${PORT}\nlog: {level: \"${LEVEL}\"}") == [
                "headgate.yaml:4: listen: the environment variable HOST is not set",
                "headgate.yaml:4: listen: the environment variable PORT is not set",
                "headgate.yaml:5: log.level: the environment variable LEVEL is not set",
            ]
        )
    }

    @Test func `bounds nesting`() {
        var expansion = VariableExpansion(environment: [:])
        _ = expansion.expand(String(repeating: "${N:-", count: 100) + String(repeating: "}", count: 100))
        #expect(expansion.problems == ["variables are nested too deeply"])
    }

    @Test func `types what a variable brings`() throws {
        let text = """
            listen: 127.0.0.1:${PORT}
            loops: ${LOOPS}
            server: {max_connections: "${MANY}", max_body: "${SIZE:-3MiB}"}
            log: {access: "${ACCESS}"}
            backends: {mock: {dialect: mock}}
            models: {demo: {backend: mock, params: {temperature: "${T}"}}}
            routes: {/: {model: demo}}
            """
        let environment = ["PORT": "9", "LOOPS": "2", "MANY": "77", "ACCESS": "false", "T": "0.5"]
        let loaded = try configuration(text, environment: environment)
        #expect(loaded.listen.map(\.address) == [.ipv4(host: "127.0.0.1", port: 9)])
        #expect(loaded.loops == .fixed(2))
        #expect(loaded.server.maxConnections == 77)
        #expect(loaded.server.maxBody == 3 << 20)
        #expect(!loaded.log.access)
        // In free values quotes make a text; without them the variable's text decides.
        #expect(loaded.models[0].params.map(\.json) == ["\"0.5\""])
        let plain = try configuration(
            """
            backends: {mock: {dialect: mock}}
            models:
              demo:
                backend: mock
                params:
                  temperature: ${T}
            routes: {/: {model: demo}}
            """,
            environment: environment
        )
        #expect(plain.models[0].params.map(\.json) == ["0.5"])
    }
}
