import JSON
import Runnable
import Testing

@testable import Providers

extension OpenAIErrors {
    static let plain = OpenAIErrors(redaction: Redaction([]))
}

/// A decoder with a reader of its own.
final class OpenAIDecoding: StreamDecoding {
    private let decoder: OpenAIStreamDecoder
    private let reader = JSONReader()

    init(_ options: OpenAIModelOptions = OpenAIModelOptions(model: "m")) {
        decoder = OpenAIStreamDecoder(options, errors: .plain)
    }

    var isComplete: Bool { decoder.isComplete }
    func feed(_ bytes: [UInt8]) { decoder.feed(bytes, reader: reader) }
    func finish() { decoder.finish(isProven: true) }
    func finish(isProven: Bool) { decoder.finish(isProven: isProven) }
    func next() throws -> MessageChunk? { try decoder.next() }
}

@Suite struct OpenAIStreamDecoderTests {
    private let conformance = StreamConformance { OpenAIDecoding() }

    @Test(arguments: OpenAIFixtures.all) func addsUp(_ fixture: StreamFixture) throws {
        try conformance.checkSum(fixture)
    }

    @Test(arguments: OpenAIFixtures.all) func splitsDoNotMatter(_ fixture: StreamFixture) throws {
        try conformance.checkEverySplit(fixture)
    }

    @Test(arguments: OpenAIFixtures.all) func cutsAreNoticed(_ fixture: StreamFixture) throws {
        try conformance.checkEveryCut(fixture)
    }

    /// Behind the finish reason: only framing that proves the end makes up for a missing end mark, and nothing for half an event.
    @Test(arguments: [
        ("", true, true), ("", false, false), ("data: [DONE]", true, true), ("data: [DONE]", false, true),
        ("data: [DONE]\n", false, true), ("data: [DON", true, false), ("data: [DON", false, false),
        ("data: {\"choices\":[],\"usage\":{\"prom", true, false), ("data: {\"choices\":[]}\n", true, false),
        ("da", true, false), (": pi", true, true), (": pi", false, false), ("\n", true, true),
    ])
    func endsBehindAFinishReason(_ rest: String, isProven: Bool, isComplete: Bool) throws {
        let decoder = OpenAIDecoding()
        decoder.feed(Array("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\(rest)".utf8))
        decoder.finish(isProven: isProven)
        if isComplete {
            #expect(try decoder.next()?.isLast == true)
        } else {
            let error = #expect(throws: RunError.self) { while try decoder.next() != nil {} }
            #expect(error?.code == .truncated)
        }
    }

    @Test func oneTextChunkIsOneWithoutExtras() throws {
        let decoder = OpenAIDecoding()
        decoder.feed(Array(#"data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hello"}}]}"#.utf8) + [10, 10])
        let chunk = try #require(try decoder.next())
        #expect(chunk == MessageChunk(text: "Hello", id: "c"))
        #expect(chunk.isPlain)
    }

    @Test func roleAndEmptyDeltasMakeNoChunk() throws {
        let decoder = OpenAIDecoding()
        for delta in [#"{"role":"assistant"}"#, #"{"content":""}"#, #"{"content":null,"reasoning":""}"#, "{}", "null"] {
            decoder.feed(Array("data: {\"choices\":[{\"delta\":\(delta)}]}\n\n".utf8))
        }
        decoder.feed(Array(": ping\n\ndata: {\"choices\":[]}\n\n".utf8))
        #expect(try decoder.next() == nil)
    }

    @Test func logProbabilitiesAddUp() throws {
        let event =
            #"data: {"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-0.10}]}}]}"#
        let chunks = try conformance.chunks([Array("\(event)\n\n\(event)\n\ndata: [DONE]\n\n".utf8)])
        var sum = chunks[0]
        for chunk in chunks.dropFirst() { try sum.add(chunk) }
        let token: Value = ["token": "a", "logprob": .number("-0.10")]
        #expect(sum.responseMetadata["logprobs"]?["content"] == [token, token])
    }

    /// What failed comes after what was whole before it.
    private func failure(_ body: String, chunksBefore: Int = 0) throws -> RunError? {
        let decoder = OpenAIDecoding()
        decoder.feed(Array(body.utf8))
        for _ in 0..<chunksBefore { #expect(try decoder.next() != nil) }
        do {
            if let chunk = try decoder.next() { Issue.record("unexpected \(chunk)") }
            return nil
        } catch let error as RunError {
            return error
        }
    }

    @Test(arguments: [
        (
            #"data: {"error":{"message":"Rate limit","type":"rate_limit_error","code":"rate_limit_exceeded"}}"#,
            RunError.Code.upstreamRate
        ),
        (#"data: {"error":{"message":"boom","type":"server_error"}}"#, .upstream5xx),
        (#"data: {"error":"out of memory"}"#, .upstream5xx),
        (#"data: {"object":"error","message":"bad","type":"BadRequestError","code":400}"#, .callerInvalid),
        (
            #"data: {"id":"x","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],"error":{"code":502,"message":"Provider"}}"#,
            .upstream5xx
        ),
        (
            #"data: {"id":"x","choices":[{"index":0,"delta":{"content":"t"},"finish_reason":"error","error":{"code":429,"message":"slow"}}]}"#,
            .upstreamRate
        ),
        (#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"error"}]}"#, .upstream5xx),
        (#"data: {"choices":[{"index":0,"delta":{}}],"x_groq":{"id":"1","error":"over_capacity"}}"#, .upstream5xx),
        ("event: error\ndata: {\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}", .upstreamOverload),
        ("event: error\ndata: plain words", .upstream5xx),
        (#"data: {"detail":"gone wrong"}"#, .upstream5xx),
        ("data: {\"choices\":[{\"delta\":{\"content\":\"a", .upstreamProtocol),
        ("data: {\"choices\":[{\"delta\":{\"content\":\"\u{1}\"}}]}", .upstreamProtocol),
        ("data: 17", .upstreamProtocol),
        ("data: nonsense", .upstreamProtocol),
        (#"data: {"error":{"message":"no money","code":"insufficient_quota"}}"#, .upstreamBilling),
    ])
    func errorsInsideAreClassified(_ event: String, _ code: RunError.Code) throws {
        let before = #"data: {"choices":[{"index":0,"delta":{"content":"a"}}]}"#
        let error = try failure("\(before)\n\n\(event)\n\n\(before)\n\ndata: [DONE]\n\n", chunksBefore: 1)
        #expect(error?.code == code)
    }

    @Test func upstreamWordsOfItsOwnFaultsStayInTheDetail() throws {
        let error = try failure("data: {\"error\":{\"message\":\"host gpu7 died\",\"type\":\"server_error\"}}\n\n")
        #expect(error?.message.contains("gpu7") == false)
        #expect(error?.detail.contains("gpu7") == true)
    }

    @Test func eventsAreBounded() throws {
        var options = OpenAIModelOptions(model: "m")
        options.maximumEvent = 100
        let decoder = OpenAIDecoding(options)
        decoder.feed(Array("data: {\"choices\":\(String(repeating: " ", count: 200))".utf8))
        #expect(throws: RunError.self) { try decoder.next() }
    }

    @Test func toolCallsAreBounded() throws {
        let decoder = OpenAIDecoding()
        var body = ""
        for index in 0...OpenAIToolCallAssembler.maximumCalls {
            body +=
                #"data: {"choices":[{"delta":{"tool_calls":[{"index":\#(index),"id":"a","function":{"name":"f"}}]}}]}"#
                + "\n\n"
        }
        decoder.feed(Array(body.utf8))
        #expect(throws: RunError.self) { while try decoder.next() != nil {} }
    }
}
