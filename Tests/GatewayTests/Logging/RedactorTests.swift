import Testing

@testable import Gateway

@Suite struct RedactorTests {
    private func redact(_ text: String, _ secrets: String..., limit: Int = 4096) -> String {
        Redactor(secrets.map { Secret($0) }).redact(text, limit: limit)
    }

    @Test func everyOccurrenceGoes() {
        #expect(redact("sk-canary and sk-canary", "sk-canary") == "<redacted> and <redacted>")
        #expect(redact("xsk-canaryx", "sk-canary") == "x<redacted>x")
        #expect(redact("nothing here", "sk-canary") == "nothing here")
    }

    @Test func shortSecretsAreNotLookedFor() {
        #expect(redact("abcde", "abcde") == "abcde")
        #expect(redact("abcdef", "abcdef") == "<redacted>")
        #expect(redact("", "") == "")
    }

    @Test func overlapsLeaveNoRest() {
        #expect(redact("abcdef123456!", "abcdef123", "123456") == "<redacted>!")
        #expect(redact("abcabcabc!", "abcabc") == "<redacted>!")
        #expect(redact("abcdefghi", "abcdef", "abcdefghi") == "<redacted>")
    }

    @Test func theQuotedFormAndTheBareTokenGoToo() {
        #expect(redact(#"body {"key":"top\"secret"}"#, #"top"secret"#) == #"body {"key":"<redacted>"}"#)
        #expect(redact("sent canary-token-1", "Bearer canary-token-1") == "sent <redacted>")
        #expect(redact("sent Bearer canary-token-1", "Bearer canary-token-1") == "sent <redacted>")
    }

    @Test func longTextIsCutAtACharacterAndNeverInsideASecret() {
        let secret = "sk-canary-0123456789-sk-canary"
        #expect(redact("0123456789", limit: 10) == "0123456789")
        #expect(redact("0123456789x", limit: 10) == "0123456789…")
        #expect(redact("012345678éx", limit: 10) == "012345678é…")
        #expect(redact("0123456😀😀", secret, limit: 10) == "0123456😀…")
        for start in 0..<40 {
            let text = String(repeating: ".", count: start) + secret + secret + "." + secret
            let shown = redact(text, secret, limit: 20)
            #expect(shown.replacing("<redacted>", with: "").allSatisfy { $0 == "." || $0 == "…" }, "\(start): \(shown)")
            #expect(shown.utf8.count <= 20 + "<redacted>…".utf8.count)
        }
    }

    @Test func theConfigurationKnowsItsSecrets() {
        var configuration = Configuration()
        var backend = BackendSettings(name: "b", dialect: .openai)
        backend.apiKey = Secret("key-canary")
        backend.headers = [
            HeaderSetting(name: "X-Key", value: "header-canary", isSecret: true),
            HeaderSetting(name: "X-Open", value: "open", isSecret: false),
        ]
        configuration.backends = [backend]
        var model = ModelSettings(name: "m", backend: "b")
        model.params = [
            ModelParameter(name: "token", json: #""param-canary""#, isSecret: true),
            ModelParameter(name: "top_p", json: "0.123456"),
        ]
        configuration.models = [model]
        #expect(Set(configuration.secrets.map { $0.reveal() }) == ["key-canary", "header-canary", "param-canary"])
    }
}
