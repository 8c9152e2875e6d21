import HTTP
import Testing

@Suite struct ResponseDecoderTests {
    @Test(arguments: ResponseCorpus.all)
    func saysTheSameUnderEverySplit(_ example: CodecCase) {
        forEachSplit(example.wire) { name, pieces in
            let said = Transcript.responses(pieces, to: example.method, limits: example.limits)
            #expect(said == example.says, "\(name)")
        }
    }

    /// A response of known length, or chunked, that is cut anywhere never looks complete.
    @Test(arguments: ResponseCorpus.all.filter { $0.says.last?.hasPrefix("end") == true })
    func everyTruncationIsSeen(_ example: CodecCase) {
        guard !example.says.contains(where: { $0.contains("until close") }) else { return }
        for count in example.wire.indices {
            let said = Transcript.responses([example.wire[..<count]], to: example.method, limits: example.limits)
            let reason: HTTPParseError.Reason = count == 0 ? .closedBeforeHead : .truncated
            #expect(said.last == "refused 400: \(reason.rawValue)", "cut at \(count)")
        }
    }

    @Test func isReusedForTheNextResponse() throws {
        var decoder = ResponseDecoder()
        for _ in 0..<3 {
            decoder.expect(responseTo: .post)
            #expect(!decoder.isBetweenMessages)
            try Array("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na".utf8).withUnsafeBytes { bytes in
                var input = bytes
                var events = 0
                while try decoder.next(&input) != nil { events += 1 }
                #expect(events == 3)
            }
            #expect(decoder.isBetweenMessages)
        }
        var nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        let event = try decoder.next(&nothing)
        #expect(event == nil)
        let end = try decoder.finish()
        #expect(end == nil)
    }
}
