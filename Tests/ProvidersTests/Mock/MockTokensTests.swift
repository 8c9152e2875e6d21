import JSON
import Providers
import Testing

struct MockTokensTests {
    @Test("there are 61 words, all different, so that any change of order shows")
    func words() {
        #expect(MockTokens.words.count == 61)
        #expect(Set(MockTokens.words).count == 61)
    }

    @Test("token i of words is word i modulo 61, with a space before all but the first")
    func rule() {
        let tokens = MockTokens(words: 130)
        for index in 0..<130 {
            #expect(tokens.text(at: index) == (index == 0 ? "" : " ") + MockTokens.words[index % 61])
        }
    }

    @Test(
        "a text's tokens add up to the text",
        arguments: [
            ("", []), ("one", ["one"]), ("one two", ["one", " two"]), ("  a\t b\n", ["  a", "\t b", "\n"]),
            ("naïve 東京 🙂", ["naïve", " 東京", " 🙂"]), (" ", [" "]),
        ]
    )
    func splitting(text: String, expected: [String]) {
        let tokens = MockTokens(text: text)
        #expect((0..<tokens.count).map { tokens.text(at: $0) } == expected)
        #expect(tokens.text == text)
    }

    @Test("a limit cuts, and says so")
    func limits() {
        #expect(MockTokens(words: 3, limit: 5).count == 3)
        #expect(!MockTokens(words: 3, limit: 3).isCut)
        #expect(MockTokens(words: 3, limit: 2).isCut)
        let text = MockTokens(text: "a b c", limit: 2)
        #expect(text.text == "a b")
        #expect(text.isCut)
        #expect(MockTokens(text: "a b", limit: 0).text == "")
    }

    @Test("quoted tokens are JSON strings", arguments: ["the river", "say \"no\"\\\n\u{2028} naïve 🙂 \u{1}"])
    func quoting(text: String) throws {
        for tokens in [MockTokens(text: text), MockTokens(words: 100)] {
            let reader = JSONReader()
            var joined = ""
            for index in 0..<tokens.count {
                var bytes: [UInt8] = []
                tokens.appendQuoted(index, to: &bytes)
                joined += try #require(try reader.read(bytes) { $0.string })
            }
            var whole: [UInt8] = []
            tokens.appendQuoted(to: &whole)
            #expect(joined == tokens.text)
            #expect(try reader.read(whole) { $0.string } == tokens.text)
        }
    }

    @Test("arguments of a call come in pieces of 8 bytes that cut no character")
    func pieces() {
        let tokens = MockScript.Tool(name: "f", arguments: #"{"city":"東京 🙂"}"#).tokens
        #expect((0..<tokens.count).map { tokens.text(at: $0) } == [#"{"city":"#, #""東京 "#, #"🙂"}"#])
    }

    @Test("words of a prompt", arguments: [("", 0), ("a", 1), (" a  b\nc ", 3), ("naïve 東京", 2)])
    func counting(text: String, count: Int) {
        #expect(MockTokens.countWords(text.utf8) == count)
    }
}
