import JSON
import Testing

@Suite struct JSONErrorTests {
    @Test(
        arguments: [
            ("", .empty, nil), (" \n\t ", .empty, nil),
            ("\u{FEFF}{}", .byteOrderMark, 0), ("\u{FEFF}", .byteOrderMark, 0), ("\u{FEFF}\"a", .byteOrderMark, 0),
            ("[1", .unexpectedEnd, 2), ("{", .unexpectedEnd, 1), ("{\"a\"", .unexpectedEnd, 4),
            ("{\"a\":", .unexpectedEnd, 5),
            ("{\"a\":1,", .unexpectedEnd, 7), ("[1] ", nil, nil),
            ("[1]x", .trailingContent, 3), ("1 2", .trailingContent, 2), ("{}{}", .trailingContent, 2),
            ("[]]", .trailingContent, 2),
            ("\"a\" \"b\"", .trailingContent, 4), ("null,", .trailingContent, 4),
            ("[\"ab", .unclosedString, 1), ("[\"a\", \"b\\\"]", .unclosedString, 6), ("\"\\", .unclosedString, 0),
            ("[\"a\u{1}\"]", .controlCharacter, 3), ("\"\n\"", .controlCharacter, 1),
            ("[\"\\\"\u{0}\"]", .controlCharacter, 4),
            ("[1,]", .unexpectedCharacter, 3), ("{]", .unexpectedCharacter, 1), ("{\"a\" 1}", .unexpectedCharacter, 5),
            ("[1 2]", .unexpectedCharacter, 3), ("[\u{0}]", .unexpectedCharacter, 1),
            ("\u{0}", .unexpectedCharacter, 0),
            ("'a'", .unexpectedCharacter, 0), ("[é]", .unexpectedCharacter, 1), ("[1}", .unexpectedCharacter, 2),
            ("[01]", .invalidNumber, 2), ("[1.]", .invalidNumber, 3), ("-", .invalidNumber, 1),
            ("[1e+]", .invalidNumber, 4),
            ("12a", .invalidNumber, 2), ("1\u{0}", .invalidNumber, 1), ("1\"a\"", .invalidNumber, 1),
            ("[nul]", .invalidLiteral, 1), ("truex", .invalidLiteral, 4), ("f", .invalidLiteral, 0),
            ("t\"rue\"", .invalidLiteral, 0),
            ("[\"a\\x\"]", .invalidEscape, 3), ("\"\\u12\"", .invalidEscape, 1),
            ("\"\\ud83d\\u12\"", .invalidEscape, 7),
            ("{\"\\u00zz\":1}", .invalidEscape, 2),
        ] as [(String, JSONError.Reason?, Int?)]
    )
    func tellsReasonAndOffset(_ text: String, _ reason: JSONError.Reason?, _ offset: Int?) {
        #expect(failure(Array(text.utf8)) == reason.map { JSONError($0, offset: offset) })
    }

    @Test func describesItselfWithoutTheText() {
        #expect(JSONError(.unexpectedEnd, offset: 12).description == "unexpected end at byte 12")
        #expect(JSONError(.empty).description == "no value")
    }
}
