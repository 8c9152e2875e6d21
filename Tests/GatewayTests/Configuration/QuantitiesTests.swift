import Testing

@testable import Gateway

@Suite struct QuantitiesTests {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500), "500ms"), ("10s", .seconds(10), "10s"), ("2m", .seconds(120), "2m"),
        ("1m", .seconds(60), "60s"), ("1h", .seconds(3600), "1h"), ("75s", .seconds(75), "75s"),
        ("1.5s", .milliseconds(1500), "1500ms"), ("0.25ms", .microseconds(250), "250us"), ("0s", .zero, "0s"),
        ("0ms", .zero, "0s"), ("1500us", .microseconds(1500), "1500us"), ("90m", .seconds(5400), "90m"),
        ("1000h", .seconds(3_600_000), "1000h"), ("0.5h", .seconds(1800), "30m"),
    ])
    func readsDuration(_ text: String, _ expected: Duration, _ printed: String) {
        #expect(DurationText.parse(text) == expected)
        #expect(DurationText.format(expected) == printed)
        #expect(DurationText.parse(printed) == expected)
    }

    @Test(arguments: [
        "", "s", "10", "0", "-1s", "+1s", "1 s", "1S", "1d", "1.s", ".5s", "1..5s", "1e3s", "0.1us", "1001h", "1m30s",
        "99999999999999999999s", "1,5s", "٣s",
    ])
    func refusesDuration(_ text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(arguments: [
        ("0", 0, "0"), ("1", 1, "1"), ("512B", 512, "512"), ("8KiB", 8192, "8KiB"), ("32MiB", 32 << 20, "32MiB"),
        ("1GiB", 1 << 30, "1GiB"), ("1MB", 1_000_000, "1MB"), ("1000", 1000, "1KB"), ("3kB", 3000, "3KB"),
        ("1536KiB", 1536 << 10, "1536KiB"), ("1025", 1025, "1025"),
    ])
    func readsSize(_ text: String, _ expected: Int, _ printed: String) {
        #expect(ByteSize.parse(text) == expected)
        #expect(ByteSize.format(expected) == printed)
        #expect(ByteSize.parse(printed) == expected)
    }

    @Test(arguments: [
        "", "KiB", "8k", "8K", "8kib", "8 KiB", "-1", "1.5MiB", "1TiB", "0x10", "9999999999999999999", "9999999GiB",
    ])
    func refusesSize(_ text: String) {
        #expect(ByteSize.parse(text) == nil)
    }
}
