import Foundation
import Testing

@testable import Gateway

@Suite struct SecretTests {
    private let canary = "CANARY-6c1f"

    private func shown(_ value: Any) -> String {
        var text = "\(value) \(String(reflecting: value))"
        dump(value, to: &text)
        return text
    }

    @Test func `no way of printing shows a secret`() {
        let secret = Secret(canary)
        #expect(secret.reveal() == canary)
        #expect("\(secret)" == "<redacted>")
        #expect(String(reflecting: secret) == "<redacted>")
        #expect(!shown(secret).contains(canary))
        #expect(!shown([secret]).contains(canary))
        #expect(!shown(Optional(secret) as Any).contains(canary))
        #expect(!shown(HeaderSetting(name: "Authorization", value: canary, isSecret: true)).contains(canary))
    }

    @Test func `nothing a loaded configuration prints shows one`() throws {
        try withFolder { folder in
            try folder.write("key", canary + "-file", mode: 0o644)
            let file = try folder.write(
                "headgate.yaml",
                """
                backends:
                  a: {dialect: openai, url: "http://h/v1", api_key: "${K}", headers: {X-Secret: \(canary), X-B: "${K}"}}
                  b: {dialect: openai, url: "http://h/v1", api_key: \(canary)}
                  c: {dialect: openai, url: "http://h/v1", api_key_file: key}
                models: {m: {backend: a, params: {api_key: \(canary), user: "${K}", deep: {password: [\(canary)]}}}}
                routes: {/: {model: m}}
                """,
                mode: 0o644
            )
            let loaded = try ConfigurationLoader.load(file: file, environment: ["K": canary]).get()
            #expect(loaded.backends.allSatisfy { $0.apiKey?.reveal().hasPrefix(canary) == true })
            #expect(!loaded.warnings.isEmpty)
            #expect(!EffectiveConfiguration.yaml(loaded).contains(canary))
            #expect(!shown(loaded.warnings).contains(canary))
            #expect(!shown(loaded.backends).contains(canary))
            #expect(EffectiveConfiguration.yaml(loaded).contains("api_key: \"<redacted>\""))
            #expect(EffectiveConfiguration.yaml(loaded).contains("X-Secret: \"<redacted>\""))
            #expect(EffectiveConfiguration.yaml(loaded).contains("api_key_file: \(folder.path)/key"))
        }
    }

    /// A variable in the wrong place, in every place: what it holds is never repeated.
    @Test(arguments: ConfigurationReference.keys.map(\.path))
    func `no error shows a variable`(_ path: String) {
        for (value, environment) in [
            ("${K}", ["K": canary]), ("${K}", ["K": "https://u:\(canary)@h/"]), ("x${K}", ["K": " \(canary)\n"]),
            ("${NONE}", ["K": canary]), ("${K:?}", ["K": canary]),
        ] {
            let text = Document.setting(path, to: .text("PLACEHOLDER")).replacing("PLACEHOLDER", with: "\"\(value)\"")
            let found = mistakes(text, environment: environment)
            #expect(!found.joined().contains(canary), "\(found)")
        }
    }

    @Test(arguments: [
        "api_key: \"CANARY 1\"", "api_key: [CANARY]", "api_key: {CANARY: CANARY}", "api_key: \"CANARY\\n\"",
        "api_key: \"${A:-CANARY x}\"", "headers: {Authorization: \"CANARY\\n\"}",
        "headers: {Authorization: \"é CANARY\"}",
        "headers: {Authorization: \"${A:-CANARY\\n}\"}", "url: \"https://me:CANARY@h/\"", "url: \"https://CANARY@h\"",
        "url: \"https://h/?key=CANARY\"", "url: \"h#CANARY\"", "url: \"CANARY@\"",
    ])
    func `no error shows a secret in the file`(_ key: String) {
        let text = "backends: {b: {dialect: openai, \(key)}}\nmodels: {m: {backend: b}}\nroutes: {/: {model: m}}"
        let found = mistakes(text)
        #expect(!found.isEmpty)
        #expect(!found.joined().replacing("b.api_key.CANARY", with: "").contains("CANARY"), "\(found)")
    }
}
