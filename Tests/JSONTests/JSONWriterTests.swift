import JSON
import Testing

@Suite struct JSONWriterTests {
    @Test(arguments: [
        ("", #""""#), ("plain", #""plain""#), ("q\"b\\", #""q\"b\\""#), ("\n\r\t\u{8}\u{C}", #""\n\r\t\b\f""#),
        ("\0\u{1}\u{1F}\u{7F}", "\"\\u0000\\u0001\\u001f\u{7F}\""),
        ("\u{85}\u{2028}\u{2029}", #""\u0085\u2028\u2029""#),
        ("é€😀", "\"é€😀\""), ("\u{84}\u{86}\u{A0}\u{2027}\u{202A}â", "\"\u{84}\u{86}\u{A0}\u{2027}\u{202A}â\""),
        ("/", "\"/\""),
    ])
    func strings(_ string: String, _ expected: String) {
        var out = Array("[".utf8)
        out.appendJSON(string)
        #expect(text(out) == "[" + expected)
    }

    /// At every distance from the 16-byte blocks that the scan works in.
    @Test(arguments: ["\"", "\\", "\n", "\u{0}", "\u{1F}", "\u{85}", "\u{2028}", "\u{2029}", "é", "“", "😀", "\u{C2}"])
    func everyPositionRoundTrips(_ special: String) throws {
        for before in 0..<40 {
            for after in [0, 1, 2, 15, 16, 40] {
                let string =
                    String(repeating: "x", count: before) + special + String(repeating: "z", count: after) + special
                var out: [UInt8] = []
                out.appendJSON(string)
                #expect(try tree(out) == .string(string))
                let line = text(out)
                #expect(!line.unicodeScalars.contains { $0.value < 0x20 || [0x85, 0x2028, 0x2029].contains($0.value) })
                var copy: [UInt8] = []
                try JSONReader().read(out) { copy.appendJSONString(of: $0) }
                #expect(copy == out)
            }
        }
    }

    @Test func integers() {
        for int in [0, 1, 9, 10, 99, 100, -1, -9, -10, 1_234_567_890, .max, .min] {
            var out: [UInt8] = []
            out.appendJSON(int)
            #expect(text(out) == String(int))
        }
    }

    @Test func doubles() throws {
        for double in [0, -0.0, 1, -1.5, 0.1, 1e20, 1e-7, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .pi]
            as [Double]
        {
            var out: [UInt8] = []
            out.appendJSON(double)
            #expect(try JSONReader().read(out) { $0.double?.bitPattern } == double.bitPattern)
        }
        for double in [Double.nan, .infinity, -.infinity] {
            var out: [UInt8] = []
            out.appendJSON(double)
            #expect(text(out) == "null")
        }
    }

    @Test func rawAndBool() {
        var out: [UInt8] = []
        out.appendRaw("{\"é\":")
        out.appendJSON(true)
        out.appendRaw(",")
        out.appendJSON(false)
        out.appendRaw("")
        #expect(text(out) == "{\"é\":true,false")
    }

    @Test(arguments: [
        ("1", "1"), ("1.50e+07", "1.50e+07"), ("\"a b\"", "\"a b\""), ("[ ]", "[]"),
        ("{ \"a b\" : [ 1 , 2 ] }", "{\"a b\":[1,2]}"),
        ("[\n\t1,\r\n \"x \\\" y\" ]", "[1,\"x \\\" y\"]"), ("\"\u{85}\u{2028}\u{2029}\"", "\"\\u0085\\u2028\\u2029\""),
        ("[\"\u{85}\", {\"\u{2028}\": \"a\u{2029} b\"}]", "[\"\\u0085\",{\"\\u2028\":\"a\\u2029 b\"}]"),
        ("[\"\\u2028\\ud800\\/\"]", "[\"\\u2028\\ud800\\/\"]"),
        ("[18446744073709551616, 1e999]", "[18446744073709551616,1e999]"),
        ("null", "null"), (" 1\n", "1"), ("1\n", "1"), ("\n\"a \u{2028}\" ", "\"a \\u2028\""), ("\"a\"\r\n", "\"a\""),
        ("\ttrue", "true"), ("[\"“q” é 😀\"]", "[\"“q” é 😀\"]"),
    ])
    func compactCopies(_ source: String, _ expected: String) {
        #expect(compact(source) == expected)
        #expect(compact(expected) == expected)
    }

    @Test func compactCopiesAppend() throws {
        var out = Array("data: ".utf8)
        try reading("{\"a\": [1, \"\u{2028}\"], \"b\": 2}") { root in
            root["a"].map { out.appendCompactJSON($0.raw) }
            root["b"].map { out.appendCompactJSON($0.raw) }
        }
        #expect(text(out) == "data: [1,\"\\u2028\"]2")
    }

    @Test func compactCopiesKeepEveryValue() throws {
        let copy = compact(mixed)
        #expect(try tree(copy) == tree(mixed))
        #expect(!copy.contains("\n") && !copy.unicodeScalars.contains("\u{2028}"))
        let large = "[" + Array(repeating: mixed, count: 5_000).joined(separator: " , ") + "]"
        #expect(large.utf8.count > 1_000_000)
        #expect(try tree(compact(large)) == tree(large))
    }

    @Test(arguments: [
        (#""a\n\u0041""#, #""a\n\u0041""#), (#""""#, #""""#), ("\"é\u{2028}\"", #""é\u2028""#),
        (#""x\ud800\n""#, "\"x\u{FFFD}\\n\""),
        (#""\ud83d\ude00""#, #""\ud83d\ude00""#),
    ])
    func stringsOfViews(_ source: String, _ expected: String) throws {
        var out: [UInt8] = []
        try reading(source) { out.appendJSONString(of: $0) }
        #expect(Array(text(out).utf8) == Array(expected.utf8))
    }
}
