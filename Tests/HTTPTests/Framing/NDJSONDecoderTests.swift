import HTTP
import Testing

@Suite struct NDJSONDecoderTests {
    @Test(arguments: [
        ("", []), ("{}\n", ["{}"]), ("{\"a\":1}\r\n[2]\n", ["{\"a\":1}", "[2]"]), ("1\n\n\r\n2\n", ["1", "2"]),
        ("1\n2", ["1", "2"]), ("\"é\"\n\"\u{2028}\"\r\n", ["\"é\"", "\"\u{2028}\""]), ("1\r2\n", ["1\r2"]),
    ])
    func saysTheSameUnderEverySplit(_ wire: String, _ expected: [String]) {
        forEachSplit(Array(wire.utf8)) { name, pieces in
            var decoder = NDJSONDecoder()
            var lines: [String] = []
            #expect(throws: Never.self) {
                for piece in pieces {
                    try [UInt8](piece).withUnsafeBytes { bytes in
                        try decoder.feed(bytes) { lines.append(String(decoding: $0, as: UTF8.self)) }
                    }
                }
            }
            decoder.finish { lines.append(String(decoding: $0, as: UTF8.self)) }
            #expect(lines == expected, "\(name)")
            #expect(decoder.isBetweenLines)
        }
    }

    @Test(arguments: [("12345\n123456\n", 1), ("123456", 0), ("1\n12345", 1)])
    func linesAreBounded(_ wire: String, _ expected: Int) {
        forEachSplit(Array(wire.utf8)) { name, pieces in
            var decoder = NDJSONDecoder(maximumLineBytes: 5)
            var count = 0
            var isRefused = false
            do {
                for piece in pieces {
                    try [UInt8](piece).withUnsafeBytes { bytes in try decoder.feed(bytes) { _ in count += 1 } }
                }
            } catch {
                isRefused = error as? NDJSONError == .lineTooLarge
            }
            #expect(isRefused == (wire != "1\n12345"), "\(name)")
            #expect(count == expected, "\(name)")
        }
    }
}
