import HTTP
import Testing

@Suite struct HTTPDateTests {
    private static func text(_ seconds: Int) -> String {
        String(decoding: HTTPDate(unixSeconds: seconds).text, as: UTF8.self)
    }

    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
    ])
    func formats(_ seconds: Int, _ expected: String) {
        #expect(HTTPDateTests.text(seconds) == expected)
        #expect(Array(expected.utf8).withUnsafeBytes { HTTPDate.unixSeconds(parsing: $0) } == seconds)
    }

    @Test func everyDayOfFourCenturiesComesBack() {
        var day = -86_400 * 3
        for _ in 0..<146_200 {
            let seconds = HTTPDate(unixSeconds: day + 3661).text.withUnsafeBytes { HTTPDate.unixSeconds(parsing: $0) }
            guard seconds == day + 3661 else {
                Issue.record("day \(day / 86_400)")
                return
            }
            day += 86_400
        }
    }

    @Test(arguments: [
        "", "120", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08-49-37 GMT", "Sun, 6  Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
    ])
    func refusesOtherDates(_ text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { HTTPDate.unixSeconds(parsing: $0) } == nil)
    }

    @Test func updatesWithTheSecond() {
        var date = HTTPDate(unixSeconds: 0)
        date.update(unixSeconds: 1)
        var output: [UInt8] = []
        date.append(to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "Thu, 01 Jan 1970 00:00:01 GMT")
    }
}
