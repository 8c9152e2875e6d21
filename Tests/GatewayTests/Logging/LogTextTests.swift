import Testing

@testable import Gateway

@Suite struct LogTextTests {
    private func written(_ body: (inout LineBuffer) -> Void) -> String {
        var line = LineBuffer(capacity: 1)
        body(&line)
        return String(decoding: line.bytes, as: UTF8.self)
    }

    private func json(_ text: String) -> String { written { LogText.appendJSON(text, to: &$0) } }

    private func value(_ text: String) -> String { written { LogText.appendValue(text, to: &$0) } }

    private func message(_ text: String) -> String { written { LogText.appendMessage(text, to: &$0) } }

    @Test(arguments: [
        ("", #""""#),
        ("plain", "plain"),
        ("/chat/{id}", "/chat/{id}"),
        ("two words", #""two words""#),
        ("a=b", #""a=b""#),
        (#"a"b"#, #""a\"b""#),
        (#"a\b"#, #""a\\b""#),
        ("a\nb", #""a\nb""#),
        ("a\r\tb", #""a\r\tb""#),
        ("\u{1B}[31mred", #""\u{1b}[31mred""#),
        ("\u{0}\u{7F}", #""\u{00}\u{7f}""#),
        ("é 漢字 😀", #""é 漢字 😀""#),
        ("\u{85}\u{9B}\u{2028}\u{2029}\u{202E}", #""\u{85}\u{9b}\u{2028}\u{2029}\u{202e}""#),
        ("\u{E0041}", #""\u{0e0041}""#),
    ])
    func valuesCannotBeMisread(text: String, expected: String) {
        #expect(value(text) == expected)
    }

    @Test(arguments: [
        ("plain", #""plain""#),
        (#"a"b\c"#, #""a\"b\\c""#),
        ("a\nb\u{1B}\u{7F}", #""a\nb\u001b\u007f""#),
        ("é😀", #""é😀""#),
        ("\u{85}\u{2028}\u{E0041}", #""\u0085\u2028\udb40\udc41""#),
    ])
    func jsonStringsAreOneLine(text: String, expected: String) {
        #expect(json(text) == expected)
    }

    @Test func messagesKeepTheirQuotesAndNothingThatEndsALine() {
        #expect(message(#"said "no" = 1"#) == #"said "no" = 1"#)
        #expect(message("a\nERROR b") == #"a\nERROR b"#)
        #expect(message("\u{1B}[2J") == #"\u{1b}[2J"#)
    }

    @Test func namesOfFieldsAreWords() {
        #expect(written { LogText.appendKey("a b\n=\"é.c-d_1", to: &$0) } == "a_b_____.c-d_1")
        #expect(written { LogText.appendKey("", to: &$0) } == "_")
    }

    /// Whatever is written, no form of it holds a byte or a character that could end the line or steer a terminal.
    @Test func noScalarEscapesEscaping() {
        for number in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(number), number < 0x3000 || number > 0xD000 else { continue }
            guard number < 0xFFFF || number % 251 == 0 || number >> 8 == 0xE00 else { continue }
            for form in [json(String(scalar)), value(String(scalar)), message(String(scalar))] {
                let bad = form.unicodeScalars.contains { scalar in
                    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                        || (0x2028...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
                }
                if bad { Issue.record("U+\(String(number, radix: 16)) came through as \(form.debugDescription)") }
            }
        }
    }
}
