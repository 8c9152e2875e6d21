import Runnable
import Testing

@Suite
struct ValueTests {
    @Test("objects keep their order, compare without it, and the last of equal keys wins")
    func objects() {
        let object: Value.Object = ["b": 1, "a": 2, "b": 3]
        #expect(object.keys == ["b", "a"])
        #expect(object["b"] == 3 && object["c"] == nil)
        #expect(object == ["a": 2, "b": 3] && object != ["a": 2] && object != ["a": 2, "c": 3])
        #expect(object.hashValue == (["a": 2, "b": 3] as Value.Object).hashValue)
    }

    @Test("large objects look up, replace and remove as small ones do")
    func largeObject() {
        var object = Value.Object()
        for number in 0..<100 { object["k\(number)"] = .integer(number) }
        for number in 0..<100 { #expect(object["k\(number)"]?.integer == number) }
        object["k50"] = "x"
        #expect(object.count == 100 && object[50].value == "x")
        for number in stride(from: 0, to: 100, by: 2) { object["k\(number)"] = nil }
        #expect(object.keys == stride(from: 1, to: 100, by: 2).map { "k\($0)" })
        for number in 0..<45 { object["k\(2 * number + 1)"] = nil }
        #expect(object.count == 5 && object["k99"]?.integer == 99 && object["k1"] == nil)
        object["new"] = 1
        #expect(object.keys.last == "new")
    }

    @Test("numbers keep their text")
    func numbers() throws {
        for text in ["0", "-0", "1e3", "1.50", "12345678901234567890123", "-1.5E+10"] {
            #expect(try Value(parsing: text) == .number(text))
            #expect(try Value(parsing: text).jsonText == text)
        }
        #expect(Value.double(.nan).isNull)
        #expect(Value.double(1.5).jsonText == "1.5")
    }

    @Test("line separators and control characters are escaped in text")
    func escapes() throws {
        let value: Value = ["k\n": "a\"b\\c\u{1}\u{85}\u{2028}\u{2029}é\u{1F600}\u{7F}"]
        #expect(
            value.jsonText == #"{"k\n":"a\"b\\c\u0001\u0085\u2028\u2029é"# + "\u{1F600}\u{7F}\"}"
        )
        #expect(try Value(parsing: value.jsonText) == value)
    }

    @Test(
        "JSON texts are read",
        arguments: [
            (" null\n", nil), ("[]", []), ("{ }", [:]), ("[1 , true,\t\"x\"]", [1, true, "x"]),
            (#"{"a":{"b":[null]},"a":1}"#, ["a": 1]), (#""\u0041\/\b\f\n\r\t\\\"""#, "A/\u{8}\u{C}\n\r\t\\\""),
            (#""\ud83d\ude00""#, "\u{1F600}"), (#""\ud83d""#, "\u{FFFD}"), (#""\ude00x""#, "\u{FFFD}x"),
            (#""\ud83d\u0041""#, "\u{FFFD}A"), (#""\ud83d\ud83d\ude00""#, "\u{FFFD}\u{1F600}"),
        ] as [(String, Value)]
    )
    func reading(_ text: String, _ value: Value) throws {
        #expect(try Value(parsing: text) == value)
    }

    @Test(
        "what is not JSON is refused",
        arguments: [
            "", " ", "nul", "truex", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "01", "-", "1.",
            ".5", "1e", "+1", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"a\nb\"", "1 1", "[", "{", "NaN",
            "'a'", "[1]]", "\u{FEFF}1", "--1", "1e+",
        ]
    )
    func refusing(_ text: String) {
        #expect(throws: ValueParseError.self) { try Value(parsing: text) }
    }

    @Test("nesting is bounded")
    func depth() throws {
        let deepest = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        _ = try Value(parsing: deepest)
        let error = #expect(throws: ValueParseError.self) { try Value(parsing: "[" + deepest + "]") }
        #expect(error?.reason == "nested too deeply" && error?.offset == 129)
    }
}
