import HTTP
import Testing

@Suite struct HTTPFieldsTests {
    @Test func namesHaveNoCase() {
        var fields: HTTPFields = ["Content-Type": "a/b", "X": "1", "x": "2"]
        #expect(fields["content-type"] == "a/b")
        #expect(fields.values("X") == ["1", "2"])
        #expect(fields["Y"] == nil)
        #expect(fields.contains("CONTENT-TYPE"))
        fields.remove("x")
        #expect(fields == ["content-type": "a/b"])
        fields.set("CONTENT-type", "c/d")
        #expect(fields.values("content-type") == ["c/d"])
        #expect(fields.count == 1)
    }

    @Test(arguments: ["a\r\nb: c", "a\nb", "a\rb", "a\0", "\u{1B}[0m", "a\u{7F}", " a", "a ", "\ta", "12345678\n"])
    func refusesWhatCouldSplitAMessage(_ value: String) {
        var fields: HTTPFields = ["a": "b"]
        let appended = fields.append("x", checking: value)
        let replaced = fields.set("a", checking: value)
        #expect(!appended && !replaced)
        #expect(fields == ["a": "b"])
    }

    @Test(arguments: ["", "a", "a b", "a\tb", "é", "12345678", "123456789"])
    func takesGoodValues(_ value: String) {
        var fields = HTTPFields()
        let appended = fields.append("x", checking: value)
        #expect(appended)
        #expect(fields["x"] == value)
        let replaced = fields.set("x", checking: value + "!")
        #expect(replaced)
        #expect(fields.values("x") == [value + "!"])
    }

    @Test(arguments: ["", "a b", "a:", "é", "a\r", "a\0", "(", "a\u{7F}"])
    func refusesBadTokens(_ text: String) {
        #expect(HTTPToken(checking: text) == nil)
        #expect(HTTPMethod(checking: text) == nil)
        var fields = HTTPFields()
        let accepted = Array(text.utf8).withUnsafeBytes { fields.append($0, checking: $0) }
        #expect(!accepted)
    }

    @Test func tokensAreRFC9110s() {
        let tokens = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        for byte in UInt8.min...UInt8.max {
            var fields = HTTPFields()
            let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
            let accepted = [byte].withUnsafeBytes { fields.append($0, checking: nothing) }
            #expect(accepted == tokens.contains(byte), "\(byte)")
        }
    }

    @Test func valuesAreRFC9110s() {
        // At every place of a value longer than one machine word.
        for byte in UInt8.min...UInt8.max {
            for place in 1..<18 {
                var value = [UInt8](repeating: 0x61, count: 19)
                value[place] = byte
                var fields = HTTPFields()
                let accepted = value.withUnsafeBytes { value in
                    [UInt8(ascii: "x")].withUnsafeBytes { fields.append($0, checking: value) }
                }
                #expect(accepted == ((byte >= 0x20 && byte != 0x7F) || byte == 9), "\(byte) at \(place)")
            }
        }
    }

    @Test func encodesAsLines() throws {
        var fields: HTTPFields = ["a": "b"]
        fields.append("n", -12)
        let token = try #require(HTTPToken(checking: "X-Y"))
        let accepted = fields.append(token, checking: "z")
        #expect(accepted)
        var output: [UInt8] = []
        fields.append(to: &output)
        #expect(output == CodecCase.bytes("a: b⏎n: -12⏎X-Y: z⏎"))
        var twice = fields
        twice.append(contentsOf: fields)
        #expect(twice.count == 6)
    }

    @Test func parsedFieldsCanBeChangedAndSent() throws {
        var decoder = RequestDecoder()
        var parsed = HTTPFields()
        try CodecCase.bytes("GET / HTTP/1.1⏎Host:a⏎X:  1 ⏎Y: 2⏎X: 3⏎⏎").withUnsafeBytes { bytes in
            var input = bytes
            if case .head(let head) = try decoder.next(&input) { parsed = head.fields }
        }
        #expect(parsed == ["host": "a", "x": "1", "y": "2", "x": "3"])
        var output: [UInt8] = []
        parsed.append(to: &output)
        #expect(output == CodecCase.bytes("Host: a⏎X: 1⏎Y: 2⏎X: 3⏎"))
        parsed.remove("x")
        parsed.append("z", "4")
        output = []
        parsed.append(to: &output)
        #expect(output == CodecCase.bytes("Host: a⏎Y: 2⏎z: 4⏎"))
    }

    @Test func listsAreSearchedByElement() {
        let fields: HTTPFields = ["accept": "text/html, Application/JSON ,", "accept": "text/plain;q=1"]
        #expect(fields.contains("accept", element: "application/json"))
        #expect(fields.contains("Accept", element: "text/plain;q=1"))
        #expect(!fields.contains("accept", element: "text/plain"))
        #expect(!fields.contains("accept", element: "json"))
    }

    @Test func printingShowsNoValue() {
        let fields: HTTPFields = ["authorization": "Bearer secret", "host": "a"]
        #expect("\(fields)" == "[authorization, host]")
        #expect(String(reflecting: fields) == "[authorization, host]")
        var dumped = ""
        dump(fields, to: &dumped)
        #expect(!dumped.contains("secret"))
    }
}
