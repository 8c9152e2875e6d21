import HTTP
import Testing

@Suite struct SSEDecoderTests {
    /// A stream and the events it holds, as `name|data`.
    struct Fixture: Sendable, CustomTestStringConvertible {
        let name: String
        let wire: [UInt8]
        let events: [String]
        var comments = 0
        var isBetween = true

        var testDescription: String { name }

        init(_ name: String, _ wire: String, _ events: [String], comments: Int = 0, isBetween: Bool = true) {
            self.name = name
            self.wire = Array(wire.utf8)
            self.events = events
            self.comments = comments
            self.isBetween = isBetween
        }
    }

    static let fixtures = [
        Fixture("nothing", "", []),
        Fixture("LF", "data: a\n\ndata: b\n\n", ["|a", "|b"]),
        Fixture("CR LF", "data: a\r\n\r\ndata: b\r\n\r\n", ["|a", "|b"]),
        Fixture("CR", "data: a\r\rdata: b\r\r", ["|a", "|b"]),
        Fixture("mixed line ends", "data: a\r\n\ndata: b\n\r\ndata: c\r\rdata: d\n\r", ["|a", "|b", "|c", "|d"]),
        Fixture("name", "event: x\ndata: a\n\n", ["x|a"]),
        Fixture("name after data", "data: a\nevent: x\n\n", ["x|a"]),
        Fixture("last name counts", "event: x\nevent: yz\ndata: a\n\n", ["yz|a"]),
        Fixture("name is forgotten", "event: x\ndata: a\n\ndata: b\n\n", ["x|a", "|b"]),
        Fixture("name emptied", "event: x\nevent:\ndata: a\n\n", ["|a"]),
        Fixture("several data lines", "data: a\ndata:\ndata: b\n\n", ["|a\n\nb"]),
        Fixture("three data lines, CR LF", "data: a\r\ndata: b\r\ndata: c\r\n\r\n", ["|a\nb\nc"]),
        Fixture("empty data", "data\n\ndata:\n\ndata: \n\n", ["|", "|", "|"]),
        Fixture("two empty data lines", "data\ndata\n\n", ["|\n"]),
        Fixture("one space is dropped", "data:a\n\ndata:  b \n\ndata:\tc\n\n", ["|a", "| b ", "|\tc"]),
        Fixture("colons in data", "data: {\"a\": \"b:c\"}\n\n", ["|{\"a\": \"b:c\"}"]),
        Fixture("no data, no event", "event: x\n\ndata: a\n\nevent: y\n\n", ["|a"]),
        Fixture("empty lines", "\n\n\r\n\rdata: a\n\n\n\n", ["|a"]),
        Fixture("comments", ": ping\n\n:\ndata: a\n:b\ndata: c\n\n", ["|a\nc"], comments: 3),
        Fixture("id and retry", "id: 1\nretry: 5\ndata: a\nid\n\n", ["|a"]),
        Fixture("unknown fields", "Data: x\ndatax: y\n data: z\nfoo\ndata: a\n\n", ["|a"]),
        Fixture("byte order mark", "\u{FEFF}data: a\n\n\u{FEFF}data: b\n\n", ["|a"]),
        Fixture("only a byte order mark", "\u{FEFF}\n\ndata: a\n\n", ["|a"]),
        Fixture("unfinished event", "data: a\n\ndata: b\n", ["|a"], isBetween: false),
        Fixture("unfinished line", "data: a\n\ndata", ["|a"], isBetween: false),
        Fixture(
            "UTF-8 and separators",
            "data: é€😀\u{85}\u{2028}\u{2029}\u{B}\u{C}\u{1C}\n\n",
            ["|é€😀\u{85}\u{2028}\u{2029}\u{B}\u{C}\u{1C}"]
        ),
        Fixture("OpenAI", "data: {\"choices\":[]}\n\ndata: [DONE]\n\n", ["|{\"choices\":[]}", "|[DONE]"]),
        Fixture(
            "LangServe",
            "event: metadata\r\ndata: {\"run_id\": \"1\"}\r\n\r\nevent: data\r\ndata: \"a\"\r\n\r\n"
                + ": ping - 2026-11-22 12:46:42\r\n\r\nevent: end\r\n\r\n",
            ["metadata|{\"run_id\": \"1\"}", "data|\"a\""],
            comments: 1
        ),
    ]

    private func events(_ pieces: [ArraySlice<UInt8>], _ decoder: inout SSEDecoder) throws -> [String] {
        var events: [String] = []
        for piece in pieces {
            // In memory of its own, gone before the next piece comes.
            try [UInt8](piece).withUnsafeBytes { bytes in
                try decoder.feed(bytes) {
                    events.append(
                        String(decoding: $0.name, as: UTF8.self) + "|" + String(decoding: $0.data, as: UTF8.self)
                    )
                }
            }
        }
        return events
    }

    @Test(arguments: fixtures)
    func saysTheSameUnderEverySplit(_ fixture: Fixture) {
        forEachSplit(fixture.wire) { name, pieces in
            var decoder = SSEDecoder()
            #expect(throws: Never.self, "\(name)") {
                let said = try events(pieces, &decoder)
                #expect(said == fixture.events, "\(name)")
            }
            #expect(decoder.commentCount == fixture.comments, "\(name)")
            #expect(decoder.isBetweenEvents == fixture.isBetween, "\(name)")
        }
    }

    @Test(arguments: fixtures)
    func everyTruncationHasTheEventsBeforeIt(_ fixture: Fixture) throws {
        for count in fixture.wire.indices {
            var decoder = SSEDecoder()
            let said = try events([fixture.wire[..<count]], &decoder)
            #expect(fixture.events.starts(with: said))
        }
    }

    @Test func canReportEventsWithoutData() throws {
        forEachSplit(Array("event: data\r\ndata: a\r\n\r\nevent: end\r\n\r\n\r\n: x\r\n\r\n".utf8)) { name, pieces in
            var decoder = SSEDecoder(reportsEventsWithoutData: true)
            #expect(throws: Never.self) {
                let said = try events(pieces, &decoder)
                #expect(said == ["data|a", "end|"], "\(name)")
            }
        }
    }

    @Test(arguments: [
        ("data: 89\n\ndata: 890\n\n", 1), ("data: 89\ndata\n\n", 0), ("data: 890", 0), (": 34567890\n", 0),
        ("event: 8\n\ndata: a\n\n123456789\n\n1234567890", 1),
    ])
    func eventsAreBounded(_ wire: String, _ expected: Int) {
        forEachSplit(Array(wire.utf8)) { name, pieces in
            var decoder = SSEDecoder(maximumEventBytes: 8)
            var count = 0
            #expect(throws: SSEError.eventTooLarge, "\(name)") {
                for piece in pieces {
                    try [UInt8](piece).withUnsafeBytes { bytes in try decoder.feed(bytes) { _ in count += 1 } }
                }
            }
            #expect(count == expected, "\(name)")
        }
    }

    @Test func wholeEventsAreLent() throws {
        let wire = Array("event: x\ndata: abc\n\n".utf8)
        var decoder = SSEDecoder()
        try wire.withUnsafeBytes { bytes in
            try decoder.feed(bytes) { event in
                #expect(event.data.baseAddress == bytes.baseAddress.map { $0 + 15 })
                #expect(event.name.baseAddress == bytes.baseAddress.map { $0 + 7 })
            }
        }
    }

    @Test func consumersErrorComesThrough() {
        struct Stop: Error {}
        var decoder = SSEDecoder()
        #expect(throws: Stop.self) {
            try Array("data: a\n\n".utf8).withUnsafeBytes { bytes in try decoder.feed(bytes) { _ in throw Stop() } }
        }
    }
}
