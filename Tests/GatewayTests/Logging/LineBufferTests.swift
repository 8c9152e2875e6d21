import Runnable
import Testing

@testable import Gateway

@Suite struct LineBufferTests {
    private func written(_ body: (inout LineBuffer) -> Void) -> String {
        var line = LineBuffer(capacity: 1)
        body(&line)
        return String(decoding: line.bytes, as: UTF8.self)
    }

    @Test(arguments: [
        0, 9, 10, 99, 100, 12_345, 999_999_999_999_999_999, 1_000_000_000_000_000_000, Int.max, Int.min, -1, -10,
    ])
    func numbersAreDecimal(number: Int) {
        #expect(written { $0.append(decimal: number) } == "\(number)")
    }

    @Test func numbersHaveAsManyDigitsAsAskedFor() {
        #expect(written { $0.append(decimal: 7, digits: 3) } == "007")
        #expect(written { $0.append(decimal: 1234, digits: 3) } == "234")
        #expect(written { $0.append(hex: 0xDEAD_BEEF, digits: 8) } == "deadbeef")
        #expect(written { $0.append(hex: 0x1_0009, digits: 4) } == "0009")
    }

    @Test func identitiesAreWrittenAsTheyRead() {
        for id in [RunID(high: 0, low: 0), RunID(high: .max, low: .max), .random(), .random(), .timeOrdered()] {
            #expect(written { id.write(to: $0.extend(by: RunID.length)) } == id.description)
        }
    }

    @Test func growingKeepsWhatIsThere() {
        var line = LineBuffer(capacity: 1)
        var expected = ""
        for number in 0..<1000 {
            line.append(decimal: number)
            line.append(UInt8(ascii: " "))
            line.append(raw: "é")
            expected += "\(number) é"
        }
        let text = String(decoding: line.bytes, as: UTF8.self)
        #expect(text == expected)
        line.removeAll(keeping: 16)
        #expect(line.count == 0)
        line.append("after")
        #expect(line.count == 5)
    }
}
