import HTTP
import Testing

@Suite struct RequestDecoderTests {
    @Test func corpusIsLarge() {
        #expect(RequestCorpus.all.count + ResponseCorpus.all.count >= 150)
    }

    @Test(arguments: RequestCorpus.all)
    func saysTheSameUnderEverySplit(_ example: CodecCase) {
        forEachSplit(example.wire) { name, pieces in
            #expect(Transcript.requests(pieces, limits: example.limits) == example.says, "\(name)")
        }
    }

    @Test func defaultLimitsAreExact() {
        func outcome(_ wire: String, limits: HTTPLimits = HTTPLimits()) -> String? {
            let bytes = CodecCase.bytes(wire)
            let whole = Transcript.requests([bytes[...]], limits: limits)
            #expect(Transcript.requests(bytes.indices.map { bytes[$0...$0] }, limits: limits) == whole)
            return whole.last
        }
        func line(_ count: Int) -> String { "GET /" + String(repeating: "a", count: count - 14) + " HTTP/1.1⏎" }
        #expect(outcome(line(8192) + "Host: a⏎⏎") == "end")
        #expect(outcome(line(8193) + "Host: a⏎⏎") == "refused 414: request line too long")
        func block(_ count: Int) -> String {
            "GET / HTTP/1.1⏎Host: a⏎X: " + String(repeating: "a", count: count - 14) + "⏎⏎"
        }
        #expect(outcome(block(32768)) == "end")
        #expect(outcome(block(32769)) == "refused 431: header fields too large")
        func fields(_ count: Int) -> String {
            "GET / HTTP/1.1⏎Host: a⏎" + String(repeating: "X: y⏎", count: count - 1) + "⏎"
        }
        #expect(outcome(fields(100)) == "end")
        #expect(outcome(fields(101)) == "refused 431: too many header fields")
    }

    @Test func headIsWholeAndLends() throws {
        let wire = CodecCase.bytes(
            "POST /chat/invoke?x=1 HTTP/1.1⏎Host: a.b:80⏎X-One: 1⏎x-one: 2⏎Content-Length: 3⏎⏎abcGET"
        )
        var decoder = RequestDecoder()
        try wire.withUnsafeBytes { bytes in
            var input = bytes
            guard case .head(let head) = try decoder.next(&input) else {
                Issue.record("no head")
                return
            }
            #expect(head.method == .post)
            #expect(head.path == "/chat/invoke")
            #expect(head.query == "x=1")
            #expect(head.host == "a.b:80")
            #expect(head.fields["x-one"] == "1")
            #expect(head.fields.values("X-ONE") == ["1", "2"])
            #expect(head.framing == .length(3))
            #expect(!decoder.isBetweenMessages)
            guard case .body(let body) = try decoder.next(&input) else {
                Issue.record("no body")
                return
            }
            #expect(body.baseAddress == bytes.baseAddress.map { $0 + wire.count - 6 }, "the body is lent, not copied")
            guard case .end(nil) = try decoder.next(&input) else {
                Issue.record("no end")
                return
            }
            #expect(decoder.isBetweenMessages)
            let more = try decoder.next(&input)
            #expect(more == nil)
            #expect(decoder.hasPartialHead)
            #expect(!decoder.isBetweenMessages)
        }
    }

    @Test func emptyLinesAreNotYetAMessage() throws {
        var decoder = RequestDecoder()
        for piece in ["\r", "\n", "\r\n"] {
            let event = try Array(piece.utf8).withUnsafeBytes { bytes in
                var input = bytes
                return try decoder.next(&input) == nil
            }
            #expect(event)
        }
        #expect(decoder.isBetweenMessages)
    }
}
