import HTTP
import Testing

@Suite struct SSEEncoderTests {
    @Test func writesLangServesBytes() {
        var output: [UInt8] = []
        Array("\"a\"".utf8).withUnsafeBytes { SSEEncoder.append(event: "data", data: $0, to: &output) }
        SSEEncoder.append(event: "data", to: &output) { $0 += Array("1".utf8) }
        SSEEncoder.append(event: "end", to: &output)
        SSEEncoder.appendComment("ping", to: &output)
        Array("[DONE]".utf8).withUnsafeBytes { SSEEncoder.append(data: $0, to: &output) }
        let expected = "event: data⏎data: \"a\"⏎⏎event: data⏎data: 1⏎⏎event: end⏎⏎: ping⏎⏎data: [DONE]⏎⏎"
        #expect(output == CodecCase.bytes(expected))
    }

    @Test func errorsOfTheWriterComeThrough() {
        struct Stop: Error {}
        var output: [UInt8] = []
        #expect(throws: Stop.self) { try SSEEncoder.append(event: "x", to: &output) { _ throws(Stop) in throw Stop() } }
    }
}
