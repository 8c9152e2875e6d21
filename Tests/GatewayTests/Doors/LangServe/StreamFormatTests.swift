import HTTP
import Testing

@testable import Gateway

struct StreamFormatTests {
    private func negotiated(_ accept: String..., offered: [StreamFormat] = [.events, .lines, .text]) -> StreamFormat? {
        var fields: HTTPFields = ["host": "x"]
        for accept in accept where !fields.append("accept", checking: accept) { Issue.record("not a value: \(accept)") }
        return StreamFormat.negotiated(fields, offered: offered)
    }

    @Test("what is named is taken, whatever its case and spacing")
    func named() {
        #expect(negotiated("text/event-stream") == .events)
        #expect(negotiated("application/x-ndjson") == .lines)
        #expect(negotiated("application/ndjson") == .lines)
        #expect(negotiated("application/jsonl") == .lines)
        #expect(negotiated("Text/Plain; charset=utf-8") == .text)
        #expect(negotiated("image/png  , \ttext/plain") == .text)
    }

    @Test("what is not known, or takes anything, decides nothing")
    func unknown() {
        #expect(negotiated() == nil)
        #expect(negotiated("*/*") == nil)
        #expect(negotiated("text/*") == nil)
        #expect(negotiated("application/json") == nil)
        #expect(negotiated("") == nil)
        #expect(negotiated(",;,;q=1") == nil)
        #expect(negotiated("text/plainish") == nil)
    }

    @Test("the highest weight wins, then the first named; zero is a no")
    func weights() {
        #expect(negotiated("text/plain, application/x-ndjson") == .text)
        #expect(negotiated("text/plain;q=0.5, application/x-ndjson;q=0.8") == .lines)
        #expect(negotiated("text/plain; q=0.5, text/event-stream") == .events)
        #expect(negotiated("text/plain;q=0, */*") == nil)
        #expect(negotiated("text/plain;q=x, application/x-ndjson;q=0.9") == .text)
        #expect(negotiated("text/plain;q=nan, application/x-ndjson;q=0.1") == .lines)
        #expect(negotiated("*/*;q=0.1, application/x-ndjson") == .lines)
    }

    @Test("only what is offered counts, and several fields count as one")
    func offered() {
        #expect(negotiated("text/plain", offered: [.events, .lines]) == nil)
        #expect(negotiated("text/plain, text/event-stream;q=0.1", offered: [.events, .lines]) == .events)
        #expect(negotiated("text/html", "text/plain;q=0.2", "application/x-ndjson;q=0.3") == .lines)
    }

    @Test("signs of life mean nothing to readers")
    func keepAlive() {
        #expect(StreamFormat.events.keepAlive.map { String(decoding: $0, as: UTF8.self) } == ": ping\r\n\r\n")
        #expect(StreamFormat.lines.keepAlive == [0x20])
        #expect(StreamFormat.text.keepAlive == nil)
    }
}
