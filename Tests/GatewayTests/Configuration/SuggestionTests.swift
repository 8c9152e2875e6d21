import Testing

@testable import Gateway

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("kitten", "sitting", 3), ("ab", "ba", 1), ("", "abc", 3), ("abc", "", 3), ("same", "same", 0),
        ("url", "uri", 1),
    ])
    func measures(_ from: String, _ to: String, _ expected: Int) {
        #expect(Suggestion.distance(from, to) == expected)
        #expect(Suggestion.distance(to, from) == expected)
    }

    @Test(arguments: [
        ("max_bdy", "max_body"), ("MAX_BODY", "max_body"), ("api_base", "url"), ("apikey", "api_key"), ("ur", "url"),
        ("temperature", nil), ("zzz", nil),
    ])
    func finds(_ name: String, _ expected: String?) {
        #expect(Suggestion.closest(to: name, among: ["max_body", "url", "api_key", "log"]) == expected)
    }

    @Test func `names what is there once`() {
        #expect(Suggestion.hint(for: "zzz", among: ["a", "e", "e"]) == "; expected one of a, e")
    }

    @Test func `points at params`() {
        #expect(
            Suggestion.hint(for: "temperature", among: ["backend", "params"])
                == "; did you mean \"params.temperature\"?"
        )
    }
}
