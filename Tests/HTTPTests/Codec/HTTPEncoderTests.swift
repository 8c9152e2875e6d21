import HTTP
import Testing

@Suite struct HTTPEncoderTests {
    @Test func responseHead() {
        var output: [UInt8] = []
        HTTPEncoder.appendResponseHead(
            status: 200,
            fields: ["content-type": "text/plain"],
            framing: .length(12),
            date: HTTPDate(unixSeconds: 784_111_777),
            to: &output
        )
        let expected = """
            HTTP/1.1 200 OK⏎date: Sun, 06 Nov 1994 08:49:37 GMT⏎content-type: text/plain⏎content-length: 12⏎⏎
            """
        #expect(output == CodecCase.bytes(expected))
    }

    @Test func framingIsTheEncodersOwn() {
        let fields: HTTPFields = [
            "Content-Length": "1", "x-a": "b", "Transfer-Encoding": "gzip", "Connection": "upgrade", "Date": "never",
        ]
        var output: [UInt8] = []
        HTTPEncoder.appendResponseHead(
            status: 599,
            fields: fields,
            framing: .chunked,
            connection: .close,
            date: HTTPDate(unixSeconds: 0),
            to: &output
        )
        let expected =
            "HTTP/1.1 599 ⏎date: Thu, 01 Jan 1970 00:00:00 GMT⏎x-a: b⏎transfer-encoding: chunked⏎connection: close⏎⏎"
        #expect(output == CodecCase.bytes(expected))
        output = []
        HTTPEncoder.appendResponseHead(status: 204, fields: fields, framing: .none, connection: .keepAlive, to: &output)
        #expect(
            output == CodecCase.bytes("HTTP/1.1 204 No Content⏎x-a: b⏎Date: never⏎connection: keep-alive⏎⏎")
        )
    }

    @Test func requestHead() throws {
        let target = try #require(RequestTarget(checking: "/v1/chat/completions?a=%20"))
        var output: [UInt8] = []
        HTTPEncoder.appendRequestHead(
            method: .post,
            target: target,
            fields: ["host": "a:80", "accept": "*/*"],
            framing: .length(0),
            to: &output
        )
        let expected = "POST /v1/chat/completions?a=%20 HTTP/1.1⏎host: a:80⏎accept: */*⏎content-length: 0⏎⏎"
        #expect(output == CodecCase.bytes(expected))
    }

    @Test(arguments: [BodyFraming.none, .length(3), .chunked])
    func decoderReadsWhatTheEncoderWrites(_ framing: BodyFraming) throws {
        var output: [UInt8] = []
        HTTPEncoder.appendRequestHead(
            method: .put,
            target: RequestTarget("/a"),
            fields: ["host": "a"],
            framing: framing,
            connection: .close,
            to: &output
        )
        switch framing {
        case .chunked:
            ChunkedEncoder.appendChunk([], to: &output)
            ChunkedEncoder.appendChunk(Array("ab".utf8), to: &output)
            ChunkedEncoder.appendChunk(Array("c".utf8), to: &output)
            ChunkedEncoder.appendEnd(trailers: ["x-sum": "1"], to: &output)
        case .length: output += Array("abc".utf8)
        case .none, .untilClose: break
        }
        var expected = ["PUT /a 1.1 \(Transcript.text(of: framing)) close"]
        if framing != .none { expected.append("body abc") }
        expected.append(framing == .chunked ? "end with x-sum=1" : "end")
        #expect(Transcript.requests([output[...]], limits: HTTPLimits()) == expected)
    }

    @Test func chunkSizesAreHexadecimal() {
        var output: [UInt8] = []
        for size in [1, 9, 10, 15, 16, 255, 256, 0x1A2B3C, Int.max] { ChunkedEncoder.appendSize(size, to: &output) }
        #expect(output == CodecCase.bytes("1⏎9⏎a⏎f⏎10⏎ff⏎100⏎1a2b3c⏎7fffffffffffffff⏎"))
    }

    @Test func everyStatusHasItsLine() {
        for status in 100...599 {
            var output: [UInt8] = []
            HTTPEncoder.appendResponseHead(status: status, framing: .none, to: &output)
            #expect(output == CodecCase.bytes("HTTP/1.1 \(status) \(HTTPStatus.reasonPhrase(status))⏎⏎"))
        }
    }

    @Test func continueIsAnInterimResponse() {
        var output: [UInt8] = []
        HTTPEncoder.appendContinue(to: &output)
        HTTPEncoder.appendResponseHead(status: 204, framing: .none, to: &output)
        let said = Transcript.responses([output[...]], to: .post, limits: HTTPLimits())
        #expect(said == ["interim 100", "204 No Content 1.1 none keep", "end"])
    }
}
