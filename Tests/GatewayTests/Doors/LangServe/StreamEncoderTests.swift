import Runnable
import Testing

@testable import Gateway

struct StreamEncoderTests {
    private static let runID = RunID(high: 0x31f2_f45e_1a67_47f6, low: 0xa422_d4c2_3d5e_5dbd)

    private static func encoder(_ format: StreamFormat, _ output: RouteSettings.Output = .text) -> StreamEncoder {
        StreamEncoder(format: format, output: output, runID: runID, buffer: EventBuffer())
    }

    /// What the encoder made, nil where it had nothing to say.
    private func made(
        _ format: StreamFormat,
        _ output: RouteSettings.Output = .text,
        _ step: (StreamEncoder) -> Bool
    ) -> String? {
        let encoder = Self.encoder(format, output)
        return step(encoder) ? String(decoding: encoder.bytes, as: UTF8.self) : nil
    }

    @Test("the document's own bytes")
    func events() {
        #expect(
            made(.events) { $0.metadata(Self.runID) }
                == "event: metadata\r\ndata: {\"run_id\": \"31f2f45e-1a67-47f6-a422-d4c23d5e5dbd\"}\r\n\r\n"
        )
        #expect(made(.events) { $0.metadata(Self.runID) }?.utf8.count == 0x4d)
        #expect(made(.events) { $0.data(MessageChunk(text: "a")) }?.utf8.count == 0x1a)
        #expect(made(.events) { $0.end() }?.utf8.count == 0xe)
    }

    @Test("LS-38 an empty chunk is data all the same; what only carries usage is not, for text")
    func emptyChunk() {
        #expect(made(.events) { $0.data(MessageChunk(text: "")) } == "event: data\r\ndata: \"\"\r\n\r\n")
        #expect(made(.lines) { $0.data(MessageChunk(text: "")) } == "{\"event\":\"data\",\"data\":\"\"}\n")
        #expect(made(.text) { $0.data(MessageChunk(text: "")) } == nil)
        #expect(made(.events) { $0.data(MessageChunk(isLast: true)) } == nil)
        var usage = MessageChunk()
        usage.usage = UsageMetadata(inputTokens: 1, outputTokens: 2)
        #expect(made(.events) { $0.data(usage) } == nil)
        #expect(made(.text, .message) { $0.data(usage) } == nil)
        #expect(made(.events, .message) { $0.data(usage) } != nil)
    }

    @Test("a last chunk with text is told whole")
    func lastWithText() {
        let chunk = MessageChunk(content: .text("x"), isLast: true)
        #expect(made(.events) { $0.data(chunk) } == "event: data\r\ndata: \"x\"\r\n\r\n")
        #expect(made(.text) { $0.data(chunk) } == "x")
        #expect(made(.lines, .message) { $0.data(chunk) }?.contains(#""chunk_position":"last""#) == true)
    }

    @Test("blocks are their text where text is asked for, and themselves in messages")
    func blocks() {
        let chunk = MessageChunk(
            content: .blocks([["type": "text", "text": "a\u{2028}"], "b", ["type": "image_url"]])
        )
        #expect(made(.events) { $0.data(chunk) } == "event: data\r\ndata: \"a\\u2028b\"\r\n\r\n")
        #expect(made(.text) { $0.data(chunk) } == "a\u{2028}b")
        let message = made(.events, .message) { $0.data(chunk) }
        let expected =
            #"data: {"content":[{"type":"text","text":"a\u2028"},"b",{"type":"image_url"}],"additional_kwargs":"#
        #expect(message?.contains(expected) == true)
    }

    @Test("plain chunks take a short cut to the same bytes")
    func plain() throws {
        let encoder = Self.encoder(.lines, .message)
        var known: [[UInt8]] = []
        for text in ["a", "é\u{85}", ""] {
            _ = encoder.data(MessageChunk(text: text, id: "chatcmpl-1"))
            known.append(encoder.bytes)
        }
        for (bytes, text) in zip(known, ["a", "é\u{85}", ""]) {
            var long: [UInt8] = []
            MessageEncoding.append(MessageChunk(text: text), id: "chatcmpl-1", to: &long)
            #expect(
                String(decoding: bytes, as: UTF8.self)
                    == #"{"event":"data","data":\#(String(decoding: long, as: UTF8.self))}"# + "\n"
            )
        }
    }

    @Test("LS-64 the first chunk's id is the id of all, whatever later ones say")
    func oneID() throws {
        let encoder = Self.encoder(.lines, .message)
        var ids: Set<Value?> = []
        var rare = MessageChunk(id: "chatcmpl-1")
        rare.toolCallChunks = [ToolCallChunk(name: "w", arguments: "", id: "c", index: 0)]
        for chunk in [rare, MessageChunk(text: "a"), MessageChunk(text: "b", id: "other")] {
            _ = encoder.data(chunk)
            ids.insert(try Value(parsing: String(decoding: encoder.bytes, as: UTF8.self))["data"]?["id"])
        }
        _ = encoder.lastPiece()
        let last = try #require(try Value(parsing: String(decoding: encoder.bytes, as: UTF8.self))["data"])
        ids.insert(last["id"])
        #expect(ids == ["chatcmpl-1"])
        #expect(last["chunk_position"] == "last")

        let nameless = Self.encoder(.lines, .message)
        _ = nameless.data(MessageChunk(text: "a"))
        #expect(
            String(decoding: nameless.bytes, as: UTF8.self).contains(
                #""id":"lc_run--31f2f45e-1a67-47f6-a422-d4c23d5e5dbd""#
            )
        )
    }

    @Test("only messages have a last piece of their own")
    func lastPiece() {
        #expect(made(.events) { $0.lastPiece() } == nil)
        #expect(made(.text, .message) { $0.lastPiece() } == nil)
        #expect(made(.events, .message) { $0.lastPiece() } != nil)
    }

    @Test("errors and ends of each format")
    func endings() {
        let error = RunError(.upstreamRate, "slow\u{2029}down")
        let data = #"{"status_code":429,"message":"slow\u2029down","code":"upstream_rate","retryable":true}"#
        #expect(made(.events) { $0.error(error) } == "event: error\r\ndata: \(data)\r\n\r\n")
        #expect(made(.lines) { $0.error(error) } == #"{"event":"error","data":\#(data)}"# + "\n")
        #expect(made(.text) { $0.error(error) } == nil)
        #expect(made(.lines) { $0.end() } == "{\"event\":\"end\"}\n")
        #expect(made(.text) { $0.end() } == nil)
        #expect(made(.text) { $0.metadata(Self.runID) } == nil)
    }
}
