import JSON
import Testing

@Suite struct JSONViewTests {
    @Test func walksAMixedDocument() throws {
        try reading(mixed) { root in
            #expect(root.kind == .object && root.count == 7)
            #expect(root["id"]?.string == "a-1")
            #expect(root["n"]?.elements.map { text(Array($0.raw)) } == ["0", "-1", "2.50", "1e9", "1E-2"])
            #expect(root["text"]?.string == "q \" b \\ n \n u é 😀 raw é 😀 \u{2028}")
            #expect(root["flags"]?.elements.map(\.kind) == [.bool, .bool, .null])
            #expect(root["empty"]?.kind == .object && root["empty"]?.count == 0)
            #expect(root["none"]?.kind == .array && root["none"]?.count == 0)
            #expect(root[""]?["deep"]?[0]?[0]?[0]?["x"]?.string == "\u{2029}")
        }
    }

    @Test func rawIsTheExactSource() throws {
        let source = "  { \"a\" : [ 1 , {\"b\":\"x\\ny\"} ] , \"c\" : 1.0e+02 }  "
        try reading(source) { root in
            #expect(text(Array(root.raw)) == "{ \"a\" : [ 1 , {\"b\":\"x\\ny\"} ] , \"c\" : 1.0e+02 }")
            #expect(root.offset == 2)
            #expect(root["a"].map { text(Array($0.raw)) } == "[ 1 , {\"b\":\"x\\ny\"} ]")
            #expect(root["a"]?[1]?["b"].map { text(Array($0.raw)) } == "\"x\\ny\"")
            #expect(root["c"].map { text(Array($0.raw)) } == "1.0e+02")
        }
    }

    @Test func countsValuesAndKeys() throws {
        for (source, count) in [("1", 1), ("[]", 1), ("{}", 1), (#"{"a":[1,{"b":null}],"a":"x"}"#, 9)] {
            try reading(source) { #expect($0.nodeCount == count, "\(source)") }
        }
        try reading(#"[[1,2],{"a":3}]"#) { root in
            #expect(root[0]?.nodeCount == 3)
            #expect(root[1]?.nodeCount == 3)
        }
    }

    @Test func theLastOfEqualKeysCounts() throws {
        try reading(#"{"a":1,"b":2,"a":3,"\u0061":4,"ab":5}"#) { root in
            #expect(root["a"]?.int == 4)
            #expect(root.member("a")?.int == 4)
            #expect(root.count == 5)
            #expect(root.members.map { $0.key.string } == ["a", "b", "a", "a", "ab"])
        }
        try reading(#"{"\u0061":4,"a":{"x":1}}"#) { #expect($0["a"]?["x"]?.int == 1) }
    }

    @Test func findsKeysByTheirDecodedBytes() throws {
        try reading(#"{"\u00e9":1,"":2,"a\"b":3,"\ud83d\ude00":4,"\u0000":5,"\ud800":6,"aa":7}"#) { root in
            #expect(root["é"]?.int == 1)
            #expect(root[""]?.int == 2)
            #expect(root["a\"b"]?.int == 3)
            #expect(root["😀"]?.int == 4)
            #expect(root.member("\0")?.int == 5)
            #expect(root.member("\u{FFFD}")?.int == 6)
            // Bytes are compared, not characters: e with a combining accent is another key.
            #expect(root.member("e\u{301}") == nil)
            #expect(root["a"] == nil && root["aaa"] == nil && root["b"] == nil)
        }
    }

    @Test func wrongTypesGiveNil() throws {
        try reading(#"[1,"a",null,true,{},[]]"#) { root in
            #expect(root["a"] == nil && root.member("a") == nil && root[6] == nil && root[-1] == nil)
            for (index, element) in root.elements.enumerated() {
                #expect((element.int != nil) == (index == 0))
                #expect((element.double != nil) == (index == 0))
                #expect((element.string != nil) == (index == 1))
                #expect((element.stringBytes != nil) == (index == 1))
                #expect(element.isNull == (index == 2))
                #expect((element.bool != nil) == (index == 3))
                #expect(element["k"] == nil && element[0] == nil && element.count == 0)
                #expect(element.elements.map(\.kind).isEmpty && element.members.map(\.key.kind).isEmpty)
                #expect(!element.equals("") && element.equals("a") == (index == 1))
                var bytes: [UInt8] = []
                #expect(element.appendString(to: &bytes) == (index == 1))
            }
        }
    }

    @Test func walkingClosuresMayThrow() throws {
        struct Found: Error { let index: Int }
        try reading(#"{"a":[5,6,7]}"#) { root in
            var keys: [String] = []
            root.forEachMember { key, value in keys.append("\(key.string ?? "")\(value.count)") }
            #expect(keys == ["a3"])
            #expect(throws: Found.self) {
                try root["a"]?.forEachElement { if $0.int == 6 { throw Found(index: 1) } }
            }
            root.forEachElement { _ in Issue.record("an object has no elements") }
            root["a"]?.forEachMember { _, _ in Issue.record("an array has no members") }
        }
    }

    @Test(
        arguments: [
            ("0", 0, 0), ("-0", 0, 0), ("7", 7, 7), ("-12", -12, -12), ("1.0", nil, 1), ("1e3", nil, 1000),
            ("-2.5", nil, -2.5),
            ("9223372036854775807", .max, 0x1p63),
            ("-9223372036854775808", .min, -0x1p63),
            ("9223372036854775808", nil, 0x1p63),
            ("-9223372036854775809", nil, -0x1p63),
            ("18446744073709551615", nil, 0x1p64),
            ("18446744073709551616", nil, 0x1p64),
            ("99999999999999999999999999", nil, 1e26), ("1e999", nil, nil), ("-1e999", nil, nil), ("1e-999", nil, 0),
            ("0.1", nil, 0.1), ("1.7976931348623157e308", nil, .greatestFiniteMagnitude),
            ("5e-324", nil, .leastNonzeroMagnitude),
            ("0e99999999999999999999", nil, 0), ("2.2250738585072011e-308", nil, .leastNormalMagnitude.nextDown),
        ] as [(String, Int?, Double?)]
    )
    func numbers(_ source: String, _ int: Int?, _ double: Double?) throws {
        try reading("[\(source)]") { root in
            #expect(root[0]?.int == int)
            #expect(root[0]?.double == double)
            #expect(root[0].map { text(Array($0.raw)) } == source)
        }
    }

    @Test(arguments: [
        (#""""#, ""), (#""plain""#, "plain"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
        (#""\u0041\u00e9\u20AC""#, "Aé€"),
        (#""\ud83d\ude00""#, "😀"), (#""\uDBFF\uDFFF""#, "\u{10FFFF}"), (#""\ud800""#, "\u{FFFD}"),
        (#""\udc00""#, "\u{FFFD}"),
        (#""a\ud800b""#, "a\u{FFFD}b"), (#""\ud800\u0041""#, "\u{FFFD}A"), (#""\udc00\ud800""#, "\u{FFFD}\u{FFFD}"),
        (#""\ud800\ud83d\ude00""#, "\u{FFFD}😀"), (#""\u0085\u2028\u2029""#, "\u{85}\u{2028}\u{2029}"),
        (#""\u0000""#, "\0"),
        ("\"\u{85}\u{2028}\u{2029}\"", "\u{85}\u{2028}\u{2029}"), (#""x\\""#, "x\\"), (#""\\u0041""#, "\\u0041"),
        (#""long enough to leave the small form\n, twice\n""#, "long enough to leave the small form\n, twice\n"),
    ])
    func strings(_ source: String, _ value: String) throws {
        try reading(source) { view in
            #expect(view.string.map { Array($0.utf8) } == Array(value.utf8))
            var bytes: [UInt8] = [1]
            #expect(view.appendString(to: &bytes) && bytes == [1] + Array(value.utf8))
            #expect((view.stringBytes == nil) == source.contains("\\"))
            for (other, expected) in [(value, true), (value + "x", false), (String(value.dropLast()) + "é", false)] {
                Array(other.utf8).withUnsafeBytes { #expect(view.equals($0) == expected) }
            }
        }
    }

    @Test func comparesWithLiterals() throws {
        try reading(#"["assistant","a\u0062c",""]"#) { root in
            #expect(root[0]?.equals("assistant") == true && root[0]?.equals("assistan") == false)
            #expect(root[1]?.equals("abc") == true && root[1]?.equals("ab") == false && root[1]?.equals("a") == false)
            #expect(root[2]?.equals("") == true && root[2]?.equals("a") == false)
        }
    }
}
