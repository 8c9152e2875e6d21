import Runnable
import Testing

@Suite
struct RunIDTests {
    @Test("random ids are version 4, variant 10")
    func random() {
        for _ in 0..<100 {
            let id = RunID.random()
            #expect(id.high >> 12 & 15 == 4)
            #expect(id.low >> 62 == 2)
        }
        #expect(RunID.random() != RunID.random())
    }

    @Test("time-ordered ids are version 7 and hold the time")
    func timeOrdered() {
        let id = RunID.timeOrdered()
        #expect(id.high >> 12 & 15 == 7)
        #expect(id.low >> 62 == 2)
        // After the year 2020, before 2100, in milliseconds.
        #expect((1_577_836_800_000..<4_102_444_800_000).contains(id.high >> 16))
    }

    @Test(
        "text round trip",
        arguments: ["2a39bdcb-54c2-449f-bd2c-d2a0f34ea620", "00000000-0000-0000-0000-000000000001"]
    )
    func text(_ text: String) throws {
        let id = try #require(RunID(text))
        #expect(id.description == text)
        #expect(RunID(text.uppercased()) == id)
        #expect(RunID(String(text.filter { $0 != "-" })) == id)
        var bytes: [UInt8] = [1]
        id.append(to: &bytes)
        #expect(bytes == [1] + Array(text.utf8))
    }

    @Test(
        "nonsense is refused",
        arguments: [
            "", "x", "2a39bdcb-54c2-449f-bd2c-d2a0f34ea62", "2a39bdcb-54c2-449f-bd2c-d2a0f34ea62g",
            "2a39bdcb054c2-449f-bd2c-d2a0f34ea620", "{2a39bdcb-54c2-449f-bd2c-d2a0f34ea62}",
            "2a39bdcb-54c2-449f-bd2c-d2a0f34ea6-0",
        ]
    )
    func nonsense(_ text: String) {
        #expect(RunID(text) == nil)
    }
}
