import Testing

@testable import Gateway

@Suite struct LogTimeTests {
    private func text(_ seconds: Int64, _ nanoseconds: Int32 = 0, style: LogTimestamp.Style = .full) -> String {
        let clock = LogClock(now: { LogTime(seconds: seconds, nanoseconds: nanoseconds) }, utcOffset: { _ in -5400 })
        var timestamp = LogTimestamp(style, clock: clock)
        var line = LineBuffer()
        timestamp.append(to: &line)
        return String(decoding: line.bytes, as: UTF8.self)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_709_164_800, "2024-02-29T00:00:00.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] as [(Int64, String)]
    )
    func datesAreThoseOfTheCalendar(seconds: Int64, expected: String) {
        #expect(text(seconds) == expected)
    }

    @Test func millisecondsAreCutNotRounded() {
        #expect(text(0, 999_999_999) == "1970-01-01T00:00:00.999Z")
        #expect(text(0, 1_000_000) == "1970-01-01T00:00:00.001Z")
    }

    @Test func theTerminalSeesItsOwnTimeOfDay() {
        #expect(text(3600, 5_000_000, style: .clock) == "23:30:00.005")
    }

    @Test func anotherSecondIsWrittenAnew() {
        final class Source: Sendable {
            let next = Sequence()
            final class Sequence: @unchecked Sendable {  // one thread only
                var seconds: Int64 = 58
            }
            func now() -> LogTime {
                next.seconds += 1
                return LogTime(seconds: next.seconds, nanoseconds: 0)
            }
        }
        let source = Source()
        var timestamp = LogTimestamp(.full, clock: LogClock(now: source.now, utcOffset: { _ in 0 }))
        var line = LineBuffer()
        timestamp.append(to: &line)
        timestamp.append(to: &line)
        let text = String(decoding: line.bytes, as: UTF8.self)
        #expect(text == "1970-01-01T00:00:59.000Z1970-01-01T00:01:00.000Z")
    }
}
