import Runnable
import Testing

@Suite
struct PartialJSONReaderTests {
    private static let chunks = [
        #"{"a"#, #"": [1"#, #", {"b""#, #": "x"#, #"y"}]"#, #", "c": tr"#, #"ue, "d": nul"#, #"l, "e": 1."#, "5}",
    ]
    private static let steps: [Value] = [
        [:], ["a": [1]], ["a": [1, [:]]], ["a": [1, ["b": "x"]]], ["a": [1, ["b": "xy"]]],
        ["a": [1, ["b": "xy"]], "c": true], ["a": [1, ["b": "xy"]], "c": true, "d": nil, "e": 1],
        ["a": [1, ["b": "xy"]], "c": true, "d": nil, "e": 1.5],
    ]

    @Test("LS-133 values shown while a text streams in")
    func streaming() throws {
        #expect(try shown(Self.chunks) == Self.steps)
        #expect(try shown(["1", "2", "3", " "]) == [1, 12, 123])
        #expect(try shown(["n", "ull"]) == [])
        #expect(try shown([#"{"a":"x\u0"#, "0e9", "\"}"]) == [["a": "x"], ["a": "xé"]])
        #expect(try shown([#"["\ud83d"#, "\\", "ude0", "0\""]) == [[""], ["\u{1F600}"]])
        #expect(try shown(["\"a ", "b` ", "```"]) == ["a", "a b"])
        #expect(try shown(["1", ".", "5", "e", "+", "3"]) == [1, 1.5, .number("1.5e+3")])
        #expect(try shown(["Sure: `", "``js", "on\n{", "}\n``", "`\n}"]) == [[:]])
    }

    @Test("LS-133 differences of the values shown")
    func differences() throws {
        var previous: Value?
        var patches: [String] = []
        for value in try shown(Self.chunks) {
            let patch = JSONPatch.difference(from: previous, to: value)
            #expect(try JSONPatch.apply(patch, to: previous) == value)
            patches.append(Value.array(patch.map(\.wireValue)).jsonText)
            previous = value
        }
        #expect(
            patches == [
                #"[{"op":"replace","path":"","value":{}}]"#, #"[{"op":"add","path":"/a","value":[1]}]"#,
                #"[{"op":"add","path":"/a/1","value":{}}]"#, #"[{"op":"add","path":"/a/1/b","value":"x"}]"#,
                #"[{"op":"replace","path":"/a/1/b","value":"xy"}]"#, #"[{"op":"add","path":"/c","value":true}]"#,
                #"[{"op":"add","path":"/d","value":null},{"op":"add","path":"/e","value":1}]"#,
                #"[{"op":"replace","path":"/e","value":1.5}]"#,
            ]
        )
    }

    private static let texts: [(String, Value?)] = [
        (chunks.joined(), steps.last), (#"{"a":1,"#, ["a": 1]), (#"{"a":tr"#, [:]), (#"{"a":1."#, ["a": 1]),
        (#""abc"#, "abc"),
        ("12", 12), ("tru", nil), (#"{"a":1}}"#, .null), (#"{"a"]"#, .null), (#"abc {"a":1}"#, nil), ("", nil),
        ("-", nil),
        ("```json\n{\"a\": 1}\n```", ["a": 1]), ("Here:\n```json\n{\"a\": 1}\n``` ok :}", ["a": 1]), ("`{}`", [:]),
        ("x ```\n[1]\n``` y ```json\n[2]\n```", [1]), ("x ```js\n{}```", nil), ("x ```json", nil),
        ("x ```jso{}```", nil),
        ("[note] ```json\n{\"a\":1}\n```", ["a": 1]), ("\"a\nb\tc\"", "a\nb\tc"), (#"{"a":"x  "#, ["a": "x"]),
        (#"["\u00e9\ud83d\ude00\ud83dx\ude00\ud83d\n"]"#, ["é\u{1F600}\u{FFFD}x\u{FFFD}\u{FFFD}\n"]),
        (#""a\ud83d"#, "a"),
        (#""a\"#, "a"), (#"{"a":"\x"}"#, nil), (#"{"\q":1}"#, nil), ("[1,]", nil), ("[1 2", [1]), ("{'a':1}", nil),
        ("[01", [0]),
        ("[-]", nil), ("1.5e", 1.5), ("1.x", 1), ("true false", true), ("truex", true), ("[nul]", nil),
        (" null ", .null),
        (
            #"{"a":[{"b":[]},[[]],{}],"c":{"d":{}},"e":-0.5E-3}"#,
            ["a": [["b": []], [[]], [:]], "c": ["d": [:]], "e": .number("-0.5E-3")]
        ),
        (#"{"a":1,"b":2,"a":[3]}"#, ["a": [3], "b": 2]), (#"{"":{"":""}}"#, ["": ["": ""]]),
        (#"{"a":1} "]" "#, ["a": 1]),
        ("1} ", .null), ("```{\"a\":[1```", ["a": [1]]), ("```{\"a\":[1``` :]", nil), ("NaN", nil), ("{\"a\" 1", [:]),
        ("[\"é e\u{301}\r\n😀\"", ["é e\u{301}\r\n😀"]),
    ]

    @Test("LS-133 whole texts, and the same however they are cut", arguments: texts)
    func everySplit(_ text: String, _ expected: Value?) throws {
        #expect((try? PartialJSONReader.parse(text)) == expected)
        for pieces in Pieces.every(of: text) {
            var reader = PartialJSONReader()
            var previous: Value?
            for piece in pieces {
                let isChanged = reader.push(piece)
                let value = reader.current
                #expect(isChanged || value == previous, "\(pieces)")
                #expect(value != .null)
                if let previous, !text.contains("\"a\":[3]") {
                    #expect(value?.hasGrown(from: previous) == true, "\(pieces)")
                }
                previous = value
            }
            #expect((try? reader.finish()) == expected, "\(pieces)")
        }
    }

    @Test("what is shown is what the text as far as it has come would be", arguments: texts)
    func prefixes(_ whole: String, _: Value?) throws {
        var reader = PartialJSONReader()
        var text = ""
        for scalar in whole.unicodeScalars {
            text.unicodeScalars.append(scalar)
            _ = reader.push(String(scalar))
            guard let value = reader.current, let whole = try? PartialJSONReader.parse(text), !whole.isNull else {
                continue
            }
            #expect(value == whole || text.contains("[note]"), "\(text)")
        }
    }

    @Test("a later value under the same key counts")
    func repeatedKeys() throws {
        #expect(
            try shown([#"{"a":[1],"b":2,"#, #""a":"#, "[", "3", "]}"]) == [
                ["a": [1], "b": 2], ["a": [], "b": 2], ["a": [3], "b": 2],
            ]
        )
    }

    @Test("nesting is bounded, and hostile brackets end quietly")
    func depth() throws {
        let deepest = String(repeating: "[", count: 128)
        var value = try PartialJSONReader.parse(deepest)
        for _ in 1..<128 { value = try #require(value.array?.first) }
        #expect(value == [])
        for opening in ["[", "{\"a\":"] {
            let text = String(repeating: opening, count: 100_000)
            let error = #expect(throws: ValueParseError.self) { try PartialJSONReader.parse(text) }
            #expect(error?.reason == "nested too deeply" && error?.offset == 128 * opening.utf8.count)
        }
        #expect(throws: ValueParseError.self) {
            try PartialJSONReader.parse("x" + String(repeating: "[", count: 100_000))
        }
    }

    @Test("errors say where")
    func offsets() {
        #expect(throws: ValueParseError.self) { try PartialJSONReader.parse("") }
        let inside = #expect(throws: ValueParseError.self) { try PartialJSONReader.parse("{\"a\":x}") }
        #expect(inside?.offset == 5)
        let escape = #expect(throws: ValueParseError.self) { try PartialJSONReader.parse("[\"é\\x\"]") }
        #expect(escape?.offset == 5)
        let fenced = #expect(throws: ValueParseError.self) { try PartialJSONReader.parse("see ```json {\"a\":x}```") }
        #expect(fenced?.offset == 17)
    }

    @Test("random text is read without harm, and the same however it is cut")
    func randomText() {
        let parts = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "u", "d83d", "1", "-", ".", "e", "true", "null", "a", " ", "`",
            "```", "json", "é",
        ]
        var state: UInt64 = 7
        for _ in 0..<1500 {
            var text = ""
            for _ in 0..<(1 + Int(state >> 60)) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += parts[Int(state >> 33) % parts.count]
            }
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let whole = try? PartialJSONReader.parse(text)
            for pieces in Pieces.every(of: text, random: 1) {
                var reader = PartialJSONReader()
                for piece in pieces { _ = reader.push(piece) }
                #expect((try? reader.finish()) == whole, "\(pieces)")
            }
        }
    }

    @Test("a large text in small pieces is read in place")
    func largeText() throws {
        var reader = PartialJSONReader()
        _ = reader.push("{\"list\":[")
        for number in 0..<50_000 { _ = reader.push("{\"n\":\(number),\"s\":\"") && reader.push("x\"},") }
        _ = reader.push("\"")
        for _ in 0..<200_000 { _ = reader.push("text") }
        let list = try #require(try reader.finish()["list"]?.array)
        #expect(
            list.count == 50_001 && list[49_999] == ["n": 49_999, "s": "x"] && list.last?.string?.utf8.count == 800_000
        )
    }

    private func shown(_ pieces: [String]) throws -> [Value] {
        var reader = PartialJSONReader()
        var shown: [Value] = []
        for piece in pieces where reader.push(piece) {
            let value = try #require(reader.current)
            if value != shown.last { shown.append(value) }
        }
        return shown
    }
}

extension Value {
    /// Whether an older value can have become this one by growing at its end.
    fileprivate func hasGrown(from old: Value) -> Bool {
        switch (old, self) {
        case (.string(let old), .string(let new)), (.number(let old), .number(let new)):
            new.unicodeScalars.starts(with: old.unicodeScalars)
        case (.array(let old), .array(let new)):
            old.count <= new.count && zip(old, new).dropLast().allSatisfy { $0 == $1 }
                && (old.isEmpty || new[old.count - 1].hasGrown(from: old[old.count - 1]))
        case (.object(let old), .object(let new)):
            old.count <= new.count && zip(old, new).allSatisfy { $0.key == $1.key && $1.value.hasGrown(from: $0.value) }
        default: old == self
        }
    }
}
