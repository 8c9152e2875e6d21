import Runnable
import Testing

@testable import Gateway

struct BatchEncoderTests {
    private func text(_ message: Message, _ bytes: inout [UInt8]) {
        bytes += Value.string(message.content.text).jsonText.utf8
    }

    private let runID = RunID(high: 0x31f2_f45e_1a67_47f6, low: 0xa422_d4c2_3d5e_5dbd)
    private let id = "31f2f45e-1a67-47f6-a422-d4c23d5e5dbd"

    @Test func items() {
        let lines = BatchEncoder(format: .lines)
        let events = BatchEncoder(format: .events)
        let item = #"{"index":3,"output":"a\u2028","run_id":"\#(id)"}"#
        #expect(
            String(decoding: lines.item(3, runID: runID, .success(.ai("a\u{2028}")), append: text), as: UTF8.self)
                == item + "\n"
        )
        #expect(
            String(decoding: events.item(3, runID: runID, .success(.ai("a\u{2028}")), append: text), as: UTF8.self)
                == "event: data\r\ndata: \(item)\r\n\r\n"
        )
        let error =
            #"{"code":"upstream_rate","status":429,"message":"The upstream's rate limit is reached.","retryable":true}"#
        #expect(
            String(
                decoding: lines.item(0, runID: runID, .failure(RunError(.upstreamRate)), append: text),
                as: UTF8.self
            )
                == #"{"index":0,"error":\#(error),"run_id":"\#(id)"}"# + "\n"
        )
    }

    @Test func messages() throws {
        let bytes = BatchEncoder(format: .lines).item(0, runID: runID, .success(Message.ai("a"))) {
            MessageEncoding.append($0, as: .message, runID: runID, to: &$1)
        }
        let json = try Value(parsing: String(decoding: bytes, as: UTF8.self))
        #expect(json["output"]?.keys == MessageTests.aiKeys)
        #expect(json["output"]?["id"]?.string == "lc_run--\(id)-0")
    }

    @Test func endings() {
        let summary = #"{"summary":{"total":5,"succeeded":3,"failed":2}}"#
        #expect(
            String(decoding: BatchEncoder(format: .lines).summary(total: 5, failed: 2), as: UTF8.self)
                == summary + "\n"
        )
        #expect(
            String(decoding: BatchEncoder(format: .events).summary(total: 5, failed: 2), as: UTF8.self)
                == "event: metadata\r\ndata: \(summary)\r\n\r\nevent: end\r\n\r\n"
        )
        let error = RunError(.shuttingDown)
        let line = String(decoding: BatchEncoder(format: .lines).error(error), as: UTF8.self)
        #expect(line.hasPrefix(#"{"error":{"code":"shutting_down","status":503,"#))
        let event = String(decoding: BatchEncoder(format: .events).error(error), as: UTF8.self)
        #expect(event.hasPrefix("event: error\r\ndata: {\"status_code\":503,"))
    }
}
