import EventLoop
import HTTP
import Runnable
import Testing

@testable import Gateway

struct RequestIDTests {
    private func accepted(_ id: String) -> String? {
        var fields: HTTPFields = [:]
        let isValue = fields.append("x-request-id", checking: id)
        #expect(isValue)
        return RequestID.accepted(fields, Redactor([Secret("sk-canary-1")]))
    }

    @Test("1 to 128 visible ASCII characters are taken over")
    func accepted() {
        for id in ["a", "req-42", "~!@#$%^&*()_+{}|:\"<>?", String(repeating: "z", count: 128)] {
            #expect(accepted(id) == id)
        }
        for id in ["", "a b", "a\tb", "é", "😀", String(repeating: "z", count: 129)] { #expect(accepted(id) == nil) }
        for id in ["sk-canary-1", "x-sk-canary-12"] {
            #expect(accepted(id) == nil, "it holds a key of the configuration")
        }
        #expect(RequestID.accepted([:], Redactor([Secret]())) == nil)
    }
}

struct RunIDSourceTests {
    @Test("ids are random, of version 4, and never the same")
    func ids() {
        let source = RunIDSource()
        var seen: Set<RunID> = []
        for _ in 0..<1000 {
            let id = source.next()
            #expect(seen.insert(id).inserted)
            #expect(id.high >> 12 & 0xF == 4)
            #expect(id.low >> 62 == 0b10)
            let text = id.description
            #expect(text.count == 36 && text == text.lowercased())
        }
        // Every other bit is sometimes set and sometimes not.
        let all = seen.reduce((UInt64.max, UInt64.max, UInt64(0), UInt64(0))) {
            ($0.0 & $1.high, $0.1 & $1.low, $0.2 | $1.high, $0.3 | $1.low)
        }
        #expect(all.0 == 0x4000 && all.1 == 1 << 63)
        #expect(all.2 == ~0xB000 && all.3 == ~(1 << 62))
    }
}

struct RunReportTests {
    @Test("tokens add up, and the first content counts")
    func counts() throws {
        let report = RunReport(runID: RunID(high: 0, low: 0), received: .now)
        #expect(report.firstToken == nil && report.inputTokens == nil)
        report.producedContent()
        let first = try #require(report.firstToken)
        report.producedContent()
        #expect(report.firstToken == first)
        report.count(nil)
        report.count(UsageMetadata(inputTokens: 1, outputTokens: 2))
        report.count(UsageMetadata(inputTokens: 3, outputTokens: 4))
        #expect(report.inputTokens == 4 && report.outputTokens == 6)
    }

    @Test("an answer carries the caller's id, or the run's")
    func fields() {
        let report = RunReport(runID: RunID(high: 0, low: 1), received: .now)
        #expect(report.fields["x-request-id"] == "00000000-0000-0000-0000-000000000001")
        report.requestID = "mine"
        #expect(report.fields["x-request-id"] == "mine")
        #expect(report.fields.values("x-request-id").count == 1)
    }
}
