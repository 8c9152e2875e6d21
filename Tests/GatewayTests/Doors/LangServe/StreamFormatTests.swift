import HTTP
import Testing

@testable import Gateway

struct StreamFormatTests {
    private func fields(_ accept: [String]) -> HTTPFields {
        var fields: HTTPFields = ["host": "x"]
        for accept in accept where !fields.append("accept", checking: accept) { Issue.record("not a value: \(accept)") }
        return fields
    }

    /// What `/stream` sends.
    private func stream(_ accept: String...) -> StreamFormat? {
        StreamFormat.negotiated(fields(accept), offered: [.events, .lines, .text], standard: .events)
    }

    /// What `/batch` sends; nil is a whole JSON answer.
    private func batch(_ accept: String...) -> StreamFormat? {
        StreamFormat.negotiated(fields(accept), offered: [.events, .lines], standard: nil)
    }

    @Test("what is named is taken, whatever its case and spacing")
    func named() {
        #expect(stream("text/event-stream") == .events)
        #expect(stream("application/x-ndjson") == .lines)
        #expect(stream("application/ndjson") == .lines)
        #expect(stream("application/jsonl") == .lines)
        #expect(stream("Text/Plain; charset=utf-8") == .text)
        #expect(stream("image/png  , \ttext/plain") == .text)
        #expect(batch("text/event-stream") == .events)
        #expect(batch("application/x-ndjson") == .lines)
        #expect(batch("application/json") == nil)
    }

    @Test(
        "what is not known, or takes anything, gets the default",
        arguments: [
            "*/*", "", ",;,;q=1", "text/plainish", "image/png", "*/*;q=0.1", "*/*;q=0", "text/event-stream;q=0",
        ]
    )
    func unknown(accept: String) {
        #expect(stream(accept) == .events)
        #expect(batch(accept) == nil)
    }

    @Test("no Accept is the default")
    func absent() {
        #expect(stream() == .events)
        #expect(batch() == nil)
    }

    @Test("wildcards of a type cover what belongs to it, the default first")
    func wildcards() {
        #expect(stream("text/*") == .events)
        #expect(stream("application/*") == .lines)
        #expect(batch("application/*") == nil)
        #expect(batch("text/*") == .events)
        #expect(stream("text/*;q=0.3, application/*;q=0.4") == .lines)
    }

    @Test("the highest weight wins, then the first named; zero is a no")
    func weights() {
        #expect(stream("text/plain, application/x-ndjson") == .text)
        #expect(stream("text/plain;q=0.5, application/x-ndjson;q=0.8") == .lines)
        #expect(stream("text/plain; q=0.5, text/event-stream") == .events)
        #expect(stream("text/plain;q=0, */*") == .events)
        #expect(stream("text/event-stream;q=0, */*") == .lines)
        #expect(stream("text/plain;q=x, application/x-ndjson;q=0.9") == .text)
        #expect(stream("text/plain;q=nan, application/x-ndjson;q=0.1") == .lines)
        #expect(stream("*/*;q=0.1, application/x-ndjson") == .lines)
        #expect(stream("application/x-ndjson;q=0.1, */*") == .events)
    }

    @Test("JSON competes for /batch, and is none of /stream's")
    func json() {
        #expect(batch("application/json, application/x-ndjson;q=0.5") == nil)
        #expect(batch("application/json;q=0.5, application/x-ndjson") == .lines)
        #expect(batch("application/x-ndjson, application/json") == .lines)
        #expect(batch("application/json, text/event-stream") == nil)
        #expect(batch("application/json;q=0, */*") == .events)
        #expect(batch("application/x-ndjson, */*") == .lines)
        #expect(stream("application/json") == .events)
        #expect(stream("application/json, application/x-ndjson;q=0.5") == .lines)
    }

    @Test("stock clients, which list what they always list, get the default")
    func habits() {
        #expect(stream("application/json, text/plain, */*") == .events)
        #expect(batch("application/json, text/plain, */*") == nil)
        #expect(stream("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8") == .events)
        #expect(stream("text/plain, */*;q=0.5") == .text)
        #expect(stream("application/x-ndjson, */*") == .lines)
        #expect(stream("text/plain, application/x-ndjson, */*") == .lines)
    }

    @Test("only what is offered counts, and several fields count as one")
    func offered() {
        #expect(batch("text/plain") == nil)
        #expect(batch("text/plain, text/event-stream;q=0.1") == .events)
        #expect(stream("text/html", "text/plain;q=0.2", "application/x-ndjson;q=0.3") == .lines)
    }

    @Test("signs of life mean nothing to readers")
    func keepAlive() {
        #expect(StreamFormat.events.keepAlive.map { String(decoding: $0, as: UTF8.self) } == ": ping\r\n\r\n")
        #expect(StreamFormat.lines.keepAlive == [0x20])
        #expect(StreamFormat.text.keepAlive == nil)
    }
}
