import Testing

@testable import Gateway

@Suite struct ModelParameterTests {
    private func params(_ yaml: String, environment: [String: String] = [:]) throws -> [ModelParameter] {
        let text = """
            backends: {mock: {dialect: mock}}
            routes: {/: {model: demo}}
            models:
              demo:
                backend: mock
                params:
                  \(yaml)
            """
        return try configuration(text, environment: environment).models[0].params
    }

    @Test(arguments: [
        ("0", "0"), ("0.70", "0.70"), ("1e-3", "1e-3"), ("1E+400", "1E+400"), ("-0.0", "-0.0"),
        ("12345678901234567890123", "12345678901234567890123"), ("true", "true"), ("True", "true"), ("FALSE", "false"),
        ("null", "null"), ("~", "null"), ("", "null"), ("word", "\"word\""), ("two words", "\"two words\""),
        ("\"1\"", "\"1\""), ("'yes'", "\"yes\""),
        ("\"a\\\"b\\\\c\\n\\t\\u0001é\\u2028\"", "\"a\\\"b\\\\c\\n\\t\\u0001é\\u2028\""),
        ("[1, a, null, [true]]", "[1,\"a\",null,[true]]"), ("{a: 1, b: {c: []}}", "{\"a\":1,\"b\":{\"c\":[]}}"),
        ("{z: 1, a: 2, m: 3}", "{\"z\":1,\"a\":2,\"m\":3}"), ("[]", "[]"), ("{}", "{}"), ("1.2.3", "\"1.2.3\""),
        ("2026-01-01", "\"2026-01-01\""), ("12:30:45", "\"12:30:45\""), ("$$5", "\"$5\""),
        ("1_000", "\"1_000\""),
    ])
    func writes(_ yaml: String, _ json: String) throws {
        #expect(try params("x: \(yaml)") == [ModelParameter(name: "x", json: json)])
    }

    @Test(arguments: [".5", "1.", "+1", "0x1F", "0o17", "007", ".inf", "-.Inf", ".nan", "1.e3"])
    func refusesNumber(_ yaml: String) {
        let failure = #expect(throws: ConfigurationErrors.self) { try params("x: \(yaml)") }
        #expect(
            failure?.description == "headgate.yaml:7: models.demo.params.x: expected a number as JSON writes it, "
                + "such as 0.5 or 1e3, found \(yaml); quote it if it is a text"
        )
    }

    @Test(arguments: ["yes", "No", "on", "OFF"])
    func refusesAmbiguous(_ yaml: String) {
        let failure = #expect(throws: ConfigurationErrors.self) { try params("x: {y: [\(yaml)]}") }
        #expect(
            failure?.description
                == "headgate.yaml:7: models.demo.params.x.y[0]: expected true, false or a quoted text, "
                + "found \"\(yaml)\""
        )
    }

    @Test(arguments: [
        ("messages", "the messages come from the caller"), ("model", "set it beside params, as model"),
        ("stream", "the endpoint decides whether to stream"),
        ("stream_options", "set it on the backend, as stream_options"),
    ])
    func refusesReserved(_ name: String, _ reason: String) {
        let failure = #expect(throws: ConfigurationErrors.self) { try params("\(name): 1") }
        #expect(failure?.description == "headgate.yaml:7: models.demo.params.\(name): cannot be set here: \(reason)")
    }

    @Test func `keeps the order and knows secrets`() throws {
        let all = try params(
            "{max_tokens: 1, user: ${U}, api_key: k, nested: {auth-token: t}, seed: 2}".replacing(
                "${U}",
                with: "\"${U}\""
            ),
            environment: ["U": "u"]
        )
        #expect(all.map(\.name) == ["max_tokens", "user", "api_key", "nested", "seed"])
        #expect(all.map(\.isSecret) == [false, true, true, true, false])
        #expect(
            all.map(\.description) == [
                "max_tokens: 1", "user: <redacted>", "api_key: <redacted>", "nested: <redacted>", "seed: 2",
            ]
        )
    }

    @Test(arguments: [
        ("Authorization", true), ("X-Api-Key", true), ("apikey", true), ("x-goog-api-key", true), ("Cookie", true),
        ("client_secret", true), ("X-Auth", true), ("X-Amz-Security-Token", true), ("max_tokens", false),
        ("X-Title", false), ("HTTP-Referer", false), ("monkeys", false), ("temperature", false),
    ])
    func knowsSecretNames(_ name: String, _ expected: Bool) {
        #expect(looksSecret(name) == expected)
    }
}
