import Glibc
import Testing

@testable import JSON

@Suite struct JSONReaderTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-0", "10", "-1", "1.5", "0.0", "1e5", "1E+5", "1e-05", "-0.1e+1", "\"\"",
        "\"a\"",
        "[]", "{}", " [ ] ", "\t{\n}\r", "[1]", "[1,2]", "[[],[]]", "{\"a\":1}", "{\"a\":{\"b\":[{}]}}", "{\"\":0}",
        "{\"a\":1,\"a\":2}", "[\"a\\\"b\"]", "\"\\\\\"", "\"\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\"", "\"\\uABcd\"",
        "\"\\ud83d\\ude00\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\ud800\"", "\"\\ud800x\"", "\"\\ud800\\n\"",
        "\"\u{7F}\"", "\"\u{85}\u{2028}\u{2029}\"", "\"\u{10FFFF}\"", "\"😀\"", "\"{}[],:\"", "\" \"", "[\"  \"  ]",
        "18446744073709551616", "-9223372036854775809", "1e999", "-1e-999", "123456789012345678901234567890.123456789",
        "1e99999999999999999999999", "0e0", "0E1",
    ])
    func accepts(_ text: String) throws {
        #expect(failure(Array(text.utf8)) == nil)
        #expect(failure(Array("[\(text)]".utf8)) == nil)
        #expect(failure(Array(" {\"k\": \(text) }\n".utf8)) == nil)
    }

    /// In every place where a value may stand.
    @Test(arguments: [
        "]", "}", ",", ":", "[", "{", "[1", "[1,", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[1}", "{1:2}", "{a:1}",
        "{\"a\"}",
        "{\"a\":}", "{\"a\":1,}", "{\"a\":1]", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{,}", "{\"a\":1,,}", "{\"a\":1,2}",
        "{null:1}", "{[]:1}", "{\"a\"::1}", "{\"a\":\"b\":1}", "\"", "\"a", "\"\\\"", "\"\\", "\"\\x\"", "\"\\u\"",
        "\"\\u123\"", "\"\\u12g4\"", "\"\\u 123\"", "\"\\U0041\"", "\"\\'\"", "\"\\0\"", "\"\\ud83d\\u\"",
        "\"\\ud800\\x\"",
        "\"a\nb\"", "\"\t\"", "\"\u{0}\"", "\"\u{1F}\"", "'a'", "01", "-01", "00", "-", "+1", "1.", ".5", "-.5", "1.e1",
        "1e",
        "1e+", "1e-", "1ee1", "1.2.3", "1_0", "0x1", "1a", "1\"a\"", "--1", "- 1", "Infinity", "-Infinity", "NaN",
        "nul",
        "nulll", "null\"a\"", "tru", "truee", "True", "fals", "falsey", "none", "undefined", "\u{FEFF}1", "\u{A0}1",
        "1\u{A0}",
        "\u{C}1", "1\u{B}", "\u{0}", "1\u{0}", "\u{2028}1", "//x\n1", "/**/1", "1;", "\"a\"b", "\"a\"\"b\"", "\\\"a\"",
        "\\",
        "é", "@",
    ])
    func refuses(_ text: String) {
        for whole in [text, "[\(text)]", "{\"k\":\(text)}", " \(text) "] {
            #expect(failure(Array(whole.utf8)) != nil, "\(whole)")
        }
    }

    @Test(
        arguments: [
            [0xFF], [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xE0, 0x80, 0x80], [0xE2, 0x80], [0xED, 0xA0, 0x80],
            [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80],
            [0xC3, 0x28], [0xE2, 0x28, 0xA1], [0xF8, 0x88, 0x80, 0x80, 0x80],
        ] as [[UInt8]]
    )
    func refusesInvalidUTF8(_ bytes: [UInt8]) {
        for prefix in ["\"", "[\"é\u{10FFFF}", "{\"a\":\"" + String(repeating: "x", count: 100)] {
            let closing = prefix.first == "{" ? "\"}" : prefix.first == "[" ? "\"]" : "\""
            let text = Array(prefix.utf8) + bytes + Array(closing.utf8)
            #expect(failure(text) == JSONError(.invalidUTF8, offset: prefix.utf8.count))
        }
        #expect(failure(Array("[1,".utf8) + bytes + Array("]".utf8)) == JSONError(.invalidUTF8, offset: 3))
    }

    @Test func everyTruncationFails() throws {
        let whole = Array(mixed.utf8)
        let end = try #require(whole.lastIndex(of: UInt8(ascii: "}")))
        let reader = JSONReader()
        for length in 0...end {
            #expect(throws: JSONError.self) { try reader.read(Array(whole[..<length])) { _ in } }
        }
        for length in end + 1...whole.count { try reader.read(Array(whole[..<length])) { _ in } }
    }

    /// Changing any one byte to anything never reads outside the text and never hangs; the sanitized fuzz target does more.
    @Test func everyChangedByteIsHandled() throws {
        let whole = Array(mixed.utf8)
        let reader = JSONReader()
        for index in whole.indices {
            for byte in [0, 0x22, 0x5C, 0x7B, 0x5D, 0x2C, 0x20, 0x39, 0x80, 0xE2] as [UInt8] {
                var changed = whole
                changed[index] = byte
                do {
                    try reader.read(changed) { _ = Tree($0) }
                } catch {
                    #expect(error is JSONError)
                }
            }
        }
    }

    @Test func limitsDepth() throws {
        func nested(_ depth: Int) -> String {
            (0..<depth).map { $0 % 2 == 0 ? "[" : "{\"a\":" }.joined()
                + (0..<depth).reversed().map { $0 % 2 == 0 ? "]" : "}" }.joined()
        }
        try reading(nested(127)) { #expect($0.kind == .array) }
        try reading(String(repeating: "[", count: 128) + String(repeating: "]", count: 128)) { _ in }
        #expect(
            failure(Array((String(repeating: "[", count: 129) + String(repeating: "]", count: 129)).utf8))
                == JSONError(.tooDeep, offset: 128)
        )
        #expect(failure(Array(repeating: UInt8(ascii: "["), count: 1_000_000))?.reason == .tooDeep)
        #expect(failure(Array("[]".utf8), maximumDepth: 0) == JSONError(.tooDeep, offset: 0))
        #expect(failure(Array("1".utf8), maximumDepth: 0) == nil)
        // Depth is what lies open, not what was opened.
        try reading("[[],[],[[]],{}]", maximumDepth: 3) { #expect($0.count == 4) }
        let deep = 10_000
        let text = String(repeating: "[", count: deep) + String(repeating: "]", count: deep)
        try reading(text, maximumDepth: deep) { root in
            var view = root, depth = 1
            while let inner = view[0] { (view, depth) = (inner, depth + 1) }
            #expect(depth == deep)
        }
    }

    @Test func refusesFourGigabytesWithoutTouchingThem() throws {
        let byte = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 1)
        defer { byte.deallocate() }
        for count in [Int(UInt32.max) - 64, 1 << 32, 5 << 32] {
            let claimed = UnsafeRawBufferPointer(start: byte, count: count)
            #expect(throws: JSONError(.tooLarge)) { try JSONReader().read(claimed, padded: true) { _ in } }
        }
    }

    @Test func readsOnAfterAnError() throws {
        let reader = JSONReader()
        for bad in ["[1,", "\"", "", "{\"a\":tru}", "[[[[", "\u{FEFF}{}", "nope"] {
            #expect(throws: JSONError.self) { try reader.read(Array(bad.utf8)) { _ in } }
            try reader.read(Array("{\"a\":[1,2,3]}".utf8)) { #expect($0["a"]?.count == 3) }
        }
    }

    @Test func passesOnTheBodysErrorAndReadsOn() throws {
        struct Stop: Error {}
        let reader = JSONReader()
        #expect(throws: Stop.self) { try reader.read(Array("1".utf8)) { _ in throw Stop() } }
        #expect(try reader.read(Array("2".utf8)) { $0.int } == 2)
    }

    @Test func paddingDoesNotCount() throws {
        var bytes = Array("[12".utf8)
        bytes.append(contentsOf: repeatElement(UInt8(ascii: "3"), count: 100))
        let reader = JSONReader()
        try bytes.withUnsafeBytes { all in
            let number = UnsafeRawBufferPointer(rebasing: all[1..<3])
            let int = try reader.read(number, padded: true) { $0.int }
            #expect(int == 12)
            let open = UnsafeRawBufferPointer(rebasing: all[..<3])
            #expect(throws: JSONError(.unexpectedEnd, offset: 3)) { try reader.read(open, padded: true) { _ in } }
        }
        bytes = Array("\"a".utf8) + Array(repeating: UInt8(ascii: "\""), count: 100)
        bytes.withUnsafeBytes { all in
            let open = UnsafeRawBufferPointer(rebasing: all[..<2])
            #expect(throws: JSONError(.unclosedString, offset: 0)) { try reader.read(open, padded: true) { _ in } }
        }
    }

    @Test func givesLargeBuffersBack() throws {
        let reader = JSONReader()
        let element = "{\"a\":[1,2,3],\"b\":\"text\"}"
        let text = Array(("[" + Array(repeating: element, count: 40_000).joined(separator: ",") + "]").utf8)
        #expect(text.count > 1_000_000)
        try reader.read(text) { root in
            #expect(root.count == 40_000)
            #expect(root[39_999]?["a"]?[2]?.int == 3)
            #expect(reader.retainedBytes > JSONReader.retainedLimit)
        }
        #expect(reader.retainedBytes <= JSONReader.retainedLimit)
        #expect(throws: JSONError.self) { try reader.read(text + [UInt8(ascii: "x")]) { _ in } }
        #expect(reader.retainedBytes <= JSONReader.retainedLimit)
        #expect(try reader.read(Array("7".utf8)) { $0.int } == 7)
        #expect(reader.retainedBytes > 0)
    }

    @Test func readsLargeStrings() throws {
        let plain = String(repeating: "x", count: 1_000_000)
        let escaped = String(repeating: "\\n", count: 500_000)
        try reading("[\"\(plain)\",\"\(escaped)\"]") { root in
            #expect(root[0]?.string == plain)
            #expect(root[0]?.stringBytes?.count == plain.utf8.count)
            #expect(root[1]?.string == String(repeating: "\n", count: 500_000))
        }
    }

    /// The text ends where the readable memory ends: a read past it would crash this process.
    @Test func neverReadsPastAnUnpaddedText() throws {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let memory = try #require(mmap(nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        defer { munmap(memory, 2 * page) }
        #expect(mprotect(memory + page, page, PROT_NONE) == 0)
        let reader = JSONReader()
        func atPageEnd(_ text: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
            let place = UnsafeMutableRawBufferPointer(start: memory + page - text.count, count: text.count)
            place.copyBytes(from: text)
            try body(UnsafeRawBufferPointer(place))
        }
        for size in 0..<200 {
            let filler = String(repeating: "é", count: size / 2) + String(repeating: "y", count: size % 2)
            for text in [
                "\"\(filler)\"", "[\"\(filler)\", \"\\n\"]", "{\"\(filler)\": 12.5}", "[1,\"\(filler)\u{2028}\"]",
                "-\(size)",
            ] {
                try atPageEnd(Array(text.utf8)) { bytes in
                    try reader.read(bytes) { root in
                        var out: [UInt8] = []
                        out.appendCompactJSON(root.raw)
                        let copy = try tree(out)
                        #expect(copy == Tree(root))
                        root.appendString(to: &out)
                        _ = (root.int, root.double, root.member(filler)?.double, root[1]?.string, root.equals("x"))
                    }
                }
            }
            let broken = Array("[\"\(filler)\",\"\\u12".utf8)
            try atPageEnd(broken) { bytes in
                #expect(throws: JSONError.self) { try reader.read(bytes) { _ in } }
                var out: [UInt8] = []
                out.appendJSON(utf8: bytes)
                let copy = try tree(out)
                #expect(copy == .string(text(broken)))
            }
        }
    }
}
