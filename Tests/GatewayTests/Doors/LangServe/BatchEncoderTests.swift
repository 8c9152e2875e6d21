import Runnable
import Testing

@testable import Gateway

struct BatchEncoderTests {
    private let runID = RunID(high: 0x31f2_f45e_1a67_47f6, low: 0xa422_d4c2_3d5e_5dbd)
    private let id = "31f2f45e-1a67-47f6-a422-d4c23d5e5dbd"

    @Test func items() {
        let lines = BatchEncoder(format: .lines, output: .text)
        let events = BatchEncoder(format: .events, output: .text)
        let item = #"{"index":3,"output":"a\u2028","run_id":"\#(id)"}"#
        #expect(String(decoding: lines.item(3, runID: runID, .success(.ai("a\u{2028}"))), as: UTF8.self) == item + "\n")
        #expect(
            String(decoding: events.item(3, runID: runID, .success(.ai("a\u{2028}"))), as: UTF8.self)
                == "event: data\r\ndata: \(item)\r\n\r\n"
        )
        let error =
            #"{"code":"upstream_rate","status":429,"message":"The upstream's rate limit is reached.","retryable":true}"#
        #expect(
            String(decoding: lines.item(0, runID: runID, .failure(RunError(.upstreamRate))), as: UTF8.self)
                == #"{"index":0,"error":\#(error),"run_id":"\#(id)"}"# + "\n"
        )
    }

    @Test func messages() throws {
        let bytes = BatchEncoder(format: .lines, output: .message).item(0, runID: runID, .success(.ai("a")))
        let json = try Value(parsing: String(decoding: bytes, as: UTF8.self))
        #expect(json["output"]?.keys == MessageTests.aiKeys)
        #expect(json["output"]?["id"]?.string == "lc_run--\(id)-0")
    }

    @Test func endings() {
        let summary = #"{"summary":{"total":5,"succeeded":3,"failed":2}}"#
        #expect(
            String(decoding: BatchEncoder(format: .lines, output: .text).summary(total: 5, failed: 2), as: UTF8.self)
                == summary + "\n"
        )
        #expect(
            String(decoding: BatchEncoder(format: .events, output: .text).summary(total: 5, failed: 2), as: UTF8.self)
                == "event: metadata\r\ndata: \(summary)\r\n\r\nevent: end\r\n\r\n"
        )
        let error = RunError(.shuttingDown)
        let line = String(decoding: BatchEncoder(format: .lines, output: .text).error(error), as: UTF8.self)
        #expect(line.hasPrefix(#"{"error":{"code":"shutting_down","status":503,"#))
        let event = String(decoding: BatchEncoder(format: .events, output: .text).error(error), as: UTF8.self)
        #expect(event.hasPrefix("event: error\r\ndata: {\"status_code\":503,"))
    }
}
